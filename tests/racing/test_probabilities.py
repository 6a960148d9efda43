"""Probabilities within a race keep the laws of probability, whatever the field."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from racing.probabilities import (
    combine_with_market,
    fair_price,
    fit_market_combination,
    market_probabilities,
    n_places,
    place_market_probabilities,
    place_probabilities,
    share_within_race,
)

fields = st.lists(
    st.lists(st.floats(-6, 6), min_size=2, max_size=10),
    min_size=1,
    max_size=5,
)


def flatten(races):
    return np.concatenate([np.array(r) for r in races]), np.repeat(
        np.arange(len(races)), [len(r) for r in races]
    )


@given(fields, st.floats(0.1, 3))
def test_shared_probabilities_sum_to_one_in_every_race(races, exponent):
    log_odds, race = flatten(races)
    p = share_within_race(log_odds, race, exponent)
    assert np.bincount(race, p) == pytest.approx(np.ones(len(races)))
    assert (p > 0).all()


@given(fields, st.randoms())
def test_runner_order_is_irrelevant(races, random):
    log_odds, race = flatten(races)
    order = np.concatenate([random.sample(list(rows), len(rows)) for rows in _rows(race)])
    paid = n_places(np.bincount(race))
    for f in (share_within_race, lambda z, r: place_probabilities(share_within_race(z, r), r, paid)):
        assert f(log_odds[order], race) == pytest.approx(f(log_odds, race)[order])


def test_huge_log_odds_stay_finite():
    p = share_within_race([1e4, 0.0, -1e4], np.zeros(3, int))
    assert p == pytest.approx([1, 0, 0])


@given(fields, st.integers(1, 3))
def test_place_probabilities_sum_to_the_places_and_exceed_win_probabilities(races, places):
    log_odds, race = flatten(races)
    win = share_within_race(log_odds, race)
    placed = place_probabilities(win, race, places)
    paid = np.minimum(places, np.bincount(race))
    assert np.bincount(race, placed) == pytest.approx(paid)
    assert (placed >= win - 1e-9).all()
    assert (placed <= 1 + 1e-9).all()


@pytest.mark.parametrize("places", [2, 3])
def test_place_probabilities_equal_the_sum_over_all_orders(places):
    win = np.array([0.5, 0.2, 0.15, 0.1, 0.05])
    discounts = (1.0, 0.8, 0.6)
    expected = np.zeros(5)
    for order in itertools.permutations(range(5), places):
        chance, left = 1.0, set(range(5))
        for runner, discount in zip(order, discounts, strict=False):
            chance *= win[runner] ** discount / sum(win[k] ** discount for k in left)
            left.remove(runner)
        expected[list(order)] += chance
    assert place_probabilities(win, np.zeros(5, int), places, discounts) == pytest.approx(expected)


def test_places_need_three_discounts():
    with pytest.raises(ValueError, match=r"must be three \(first, second, third\), got \(1.0, 0.8\)"):
        place_probabilities(np.full(6, 1 / 6), np.zeros(6, int), 2, (1.0, 0.8))


def test_a_near_certain_winner_leaves_exact_place_probabilities_to_the_others():
    win = np.array([1 - 3e-11, 1e-11, 1e-11, 1e-11])
    assert place_probabilities(win, np.zeros(4, int), 2, (1.0, 1.0, 1.0)) == pytest.approx(
        [1, 1 / 3, 1 / 3, 1 / 3]
    )


def test_races_of_several_sizes_and_places_do_not_disturb_each_other():
    rng = np.random.default_rng(1)
    sizes = np.array([8, 5, 2, 8, 10])
    race = np.repeat(np.arange(5), sizes)
    win = share_within_race(rng.normal(size=len(race)), race)
    together = place_probabilities(win, race, n_places(sizes))
    for i, rows in enumerate(_rows(race)):
        alone = place_probabilities(win[rows], np.zeros(len(rows), int), n_places(int(sizes[i])))
        assert together[rows] == pytest.approx(alone)


def test_one_unknown_price_makes_its_race_unknown_and_no_other():
    p = market_probabilities([2.0, 4.0, 4.0, 3.0, np.nan, 2.0, 1.0], np.array([0, 0, 0, 1, 1, 2, 2]))
    assert p[:3] == pytest.approx([0.5, 0.25, 0.25])
    assert np.isnan(p[3:]).all()


def test_the_market_combination_finds_the_weights_that_made_the_races():
    rng = np.random.default_rng(2)
    n_races = 6000
    race = np.repeat(np.arange(n_races), 6)
    model = share_within_race(rng.normal(size=len(race)), race)
    market = share_within_race(rng.normal(size=len(race)), race)
    truth = combine_with_market(model, market, 0.3, 1.2, race).reshape(n_races, 6)
    winner = (truth.cumsum(axis=1) > rng.random((n_races, 1))).argmax(axis=1)
    won = (np.arange(6) == winner[:, None]).ravel()
    market[:6] = np.nan
    a, b = fit_market_combination(model, market, won, race)
    assert (a, b) == (pytest.approx(0.3, abs=0.06), pytest.approx(1.2, abs=0.08))
    assert np.isnan(combine_with_market(model, market, a, b, race)[:6]).all()


def drawn_by(p, n_runners, rng):
    """Draw one winner a race."""
    p = p.reshape(-1, n_runners)
    return (
        np.arange(n_runners) == (p.cumsum(axis=1) > rng.random((len(p), 1))).argmax(axis=1)[:, None]
    ).ravel()


@pytest.mark.parametrize(("a", "b"), [(-0.3, 1.1), (1.1, -0.3), (-0.4, -0.4)])
def test_no_weight_of_a_market_combination_is_negative_and_the_other_is_the_best_alone(a, b):
    rng = np.random.default_rng(5)
    race = np.repeat(np.arange(3000), 6)
    model, market = (share_within_race(rng.normal(size=len(race)), race) for _ in range(2))
    won = drawn_by(combine_with_market(model, market, a, b, race), 6, rng)
    found = fit_market_combination(model, market, won, race)
    assert min(found) == 0
    positive = int(b > a)
    assert found[1 - positive] == 0

    def loss(weight):
        pair = (0, weight) if positive else (weight, 0)
        return -np.log(combine_with_market(model, market, *pair, race)[won]).mean()

    for weight in (found[positive] + 0.05, max(found[positive] - 0.05, 0)):
        assert loss(found[positive]) <= loss(weight) + 1e-9


def test_a_market_combination_without_any_known_market_is_refused():
    with pytest.raises(ValueError, match="got none"):
        fit_market_combination(np.full(2, 0.5), np.full(2, np.nan), np.array([True, False]), np.zeros(2, int))


def test_places_follow_the_field_size():
    assert [n_places(n) for n in (2, 4, 5, 7, 8, 10)] == [1, 1, 2, 2, 3, 3]
    assert n_places(np.array([4, 7, 8])).tolist() == [1, 2, 3]


def test_a_fair_price_is_one_over_the_probability():
    assert fair_price([0.5, 0.1, 0.0]).tolist() == [2.0, 10.0, np.inf]


def _rows(race):
    return [np.flatnonzero(race == r) for r in range(race[-1] + 1)]


def test_place_prices_are_shared_out_to_the_places_paid_and_one_unknown_price_hides_its_race():
    race = np.array([0, 0, 0, 1, 1, 1, 1])
    prices = [1.5, 1.8, 4.0, 2.0, np.nan, 3.0, 4.0]
    p = place_market_probabilities(prices, race, np.array([1, 2]))
    assert p[:3].sum() == pytest.approx(1)
    assert p[0] / p[2] == pytest.approx(4.0 / 1.5)
    assert np.isnan(p[3:]).all()


def test_a_short_place_price_stays_below_certainty():
    p = place_market_probabilities([1.01, 4.0, 6.0, 9.0], np.zeros(4, int), 2)
    assert p.max() == 0.99
    assert len(place_market_probabilities([], np.zeros(0, int), 2)) == 0
