"""What a card's answer says of each runner is what training works out of many races at once, bit for bit."""

import numpy as np
import pytest

from racing.probabilities import (
    combine_with_market,
    fair_price,
    market_probabilities,
    n_places,
    place_probabilities,
    race_level,
    share_within_race,
)
from racing.race_shares import Sharing, race_shares


@pytest.mark.parametrize("is_centred", [True, False])
def test_one_race_has_the_shares_that_it_has_among_many(is_centred: bool) -> None:
    random = np.random.default_rng(5)
    sizes = np.array([*range(2, 11), 8, 8, 6])
    race = np.repeat(np.arange(len(sizes)), sizes)
    log_odds, prices = random.normal(-1.9, 2.0, len(race)), random.uniform(1.1, 40.0, len(race))
    prices[race == 9] = np.nan
    sharing = Sharing(is_centred, 1.21, -0.34, 0.87, 0.4, 0.7, (1.0, 0.81, 0.65))
    level = race_level(log_odds, race) if is_centred else 0.0
    win = share_within_race((1.21 * (log_odds - level) - 0.34) * 0.87, race)
    market = market_probabilities(prices, race)
    expected = (
        win,
        place_probabilities(win, race, n_places(sizes)),
        fair_price(np.maximum(win, 1e-12)),
        market,
        combine_with_market(win, market, 0.4, 0.7, race),
    )
    for number in range(len(sizes)):
        rows = race == number
        given = [None if np.isnan(price) else price for price in prices[rows].tolist()]
        for one, many in zip(race_shares(log_odds[rows], given, sharing), expected, strict=True):
            np.testing.assert_array_equal(one, many[rows])
    assert np.isnan(market[race == 9]).all()
    assert not np.isnan(market[race != 9]).any()


def test_an_answer_stays_as_it_is_when_the_next_race_is_shared() -> None:
    sharing = Sharing(True, 1.0, 0.0, 1.0, 0.0, 1.0, (1.0, 0.81, 0.65))
    first = race_shares(np.array([0.0, 1.0]), [2.0, 3.0], sharing)
    before = [values.copy() for values in first]
    race_shares(np.array([5.0, 1.0]), [9.0, 3.0], sharing)
    np.testing.assert_array_equal(first, before)
