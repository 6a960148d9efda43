"""Gains of a race: their definition, what is missing, and that both ways agree as they should."""

import numpy as np
import pytest

from racing.comparison.gains import FLOOR, arm_scores, race_gains
from racing.metrics import per_race_log_loss
from tests.racing.comparison.races import make_gains, make_season

NAN = float("nan")


def gains(a, b, won, market=None, race=None):
    n = len(a)
    return race_gains(
        np.array(a), np.array(b), np.array(won, bool),
        np.full(n, 1 / max(n, 1)) if market is None else np.array(market),
        np.zeros(n, int) if race is None else np.array(race),
    )  # fmt: skip


def test_the_gain_by_outcome_is_the_difference_of_the_log_losses():
    season = make_season(50)
    a, b = season.contestant(), season.contestant()
    found = make_gains(season, a, b).by_outcome
    losses = [per_race_log_loss(p, season.won, season.race) for p in (a, b)]
    assert found == pytest.approx(losses[0] - losses[1])


def test_the_gain_by_market_is_what_the_market_expects_of_the_gain_by_outcome():
    a, b, market = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.4, 0.2]), np.array([0.45, 0.35, 0.2])
    by_winner = [gains(a, b, np.arange(3) == winner, market).by_outcome[0] for winner in range(3)]
    assert gains(a, b, [1, 0, 0], market).by_market == pytest.approx([market @ by_winner])


def test_both_ways_have_one_mean_where_closing_prices_are_calibrated():
    season = make_season(20_000)
    found = make_gains(season, season.contestant(0.5), season.contestant(0.1))
    gap = found.by_outcome - found.by_market
    assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(len(gap))
    assert found.by_market.std() < found.by_outcome.std() / 2


def test_a_contestant_gains_nothing_over_itself_and_loses_what_the_other_gains():
    season = make_season(30)
    a, b = season.contestant(), season.contestant()
    assert not make_gains(season, a, a).by_outcome.any()
    there, back = make_gains(season, a, b), make_gains(season, b, a)
    assert there.by_market == pytest.approx(-back.by_market)
    assert there.by_outcome == pytest.approx(-back.by_outcome)


def test_probabilities_are_shared_out_among_the_starters_again():
    found = gains([0.5, 0.3], [0.4, 0.4], [1, 0], [0.6, 0.3])
    assert found.by_outcome == pytest.approx([np.log(0.5 / (0.5 / 0.8))])


def test_a_winner_that_had_no_chance_costs_a_finite_loss():
    found = gains([0.5, 0.5], [0.0, 1.0], [1, 0])
    assert found.by_outcome == pytest.approx([np.log(FLOOR / 0.5)])


def test_what_is_missing_leaves_out_its_race_and_its_way_alone():
    race = [0, 0, 1, 1, 2, 2, 3, 3]
    a = [0.5, 0.5, 0.5, 0.5, NAN, 0.5, 0.5, 0.5]
    b = [0.4, 0.6] * 4
    found = gains(a, b, [1, 0, 1, 1, 1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, NAN], race)
    assert np.isnan(found.by_outcome).tolist() == [False, True, True, False]  # a dead heat; no probability
    assert np.isnan(found.by_market).tolist() == [False, False, True, True]  # which needs no result; no price


def test_no_race_has_no_gains():
    found = gains([], [], [])
    assert len(found.by_outcome) == len(found.by_market) == 0


@pytest.mark.parametrize(
    ("race", "p", "message"),
    [
        ([0, 0, 2, 2], [0.5] * 4, "ascending, none left out"),
        ([1, 1, 2, 2], [0.5] * 4, "ascending, none left out"),
        ([0, 1, 0, 1], [0.5] * 4, "ascending, none left out"),
        ([0, 0, 1, 1], [0.5, 0.5, -0.1, 1.1], "0 or more and finite, got -0.1"),
        ([0, 0, 1, 1], [0.5, 0.5, np.inf, 0.5], "0 or more and finite, got inf"),
        ([0, 0, 1, 1], [0.5] * 3, "one entry a starter"),
    ],
)
def test_arrays_that_are_not_races_are_refused(race, p, message):
    with pytest.raises(ValueError, match=message):
        race_gains(np.array(p), np.full(4, 0.5), np.zeros(4, bool), np.full(4, 0.5), np.array(race))


def test_the_scores_of_two_arms_differ_by_the_gain_on_the_same_races():
    season = make_season(40)
    market = np.where(season.race % 3 == 0, NAN, season.market)  # a third without closing prices
    a, b = season.contestant(), season.contestant()
    first, second = (arm_scores(p, season.won, market, season.race) for p in (a, b))
    found = race_gains(a, b, season.won, market, season.race)
    assert first.by_outcome - second.by_outcome == pytest.approx(found.by_outcome)
    assert first.by_market - second.by_market == pytest.approx(found.by_market, nan_ok=True)


def test_a_contestant_that_is_the_market_scores_0_and_knowing_nothing_too_without_prices():
    season = make_season(40)
    scores = arm_scores(season.market, season.won, season.market, season.race)
    assert scores.by_outcome == pytest.approx(0)
    assert scores.by_market == pytest.approx(0)
    nothing = arm_scores(np.full(280, 1 / 7), season.won, np.full(280, NAN), season.race)
    assert nothing.by_outcome == pytest.approx(0)
    assert np.isnan(nothing.by_market).all()
