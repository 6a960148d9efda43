"""Places: discounts come back from races drawn by them, and every source is judged on the same races."""

from dataclasses import replace

import numpy as np
import pytest

from racing.probabilities import BENTER_DISCOUNTS, n_places, place_probabilities
from tests.training.builders import make_table
from training.evaluation.places import (
    BENTER,
    FITTED,
    HARVILLE,
    PLACE_MARKET,
    UNIFORM,
    WIN_MARKET,
    fit_place_discounts,
    judge_places,
    placed_as_paid,
)

TRUE_DISCOUNTS = (1.0, 0.6, 0.5)


def make_placed(n_races=3000, n_runners=8, *, discounts=TRUE_DISCOUNTS, seed=0):
    """Return a season whose places are drawn one after the other by Harville's method with discounts."""
    table = make_table(n_races, n_runners, seed=seed)
    win = table.true_probability.reshape(n_races, n_runners)
    rng = np.random.default_rng(seed + 1)
    placed = table.won.reshape(n_races, n_runners).astype(float)
    for discount in discounts[1 : n_places(n_runners)]:
        left = np.where(placed == 1, 0.0, win**discount)
        left = left.cumsum(axis=1) / left.sum(axis=1, keepdims=True)
        placed[np.arange(n_races), (left > rng.random((n_races, 1))).argmax(axis=1)] = 1
    paid = n_places(np.bincount(table.race))
    market = place_probabilities(table.true_probability, table.race, paid, discounts)
    return replace(table, placed=placed.ravel(), place_market_probability=market)


def fit(table):
    paid = n_places(np.bincount(table.race))
    return fit_place_discounts(table.true_probability, table.placed, table.race, paid)


def test_the_fit_finds_the_discounts_that_places_were_drawn_by():
    assert fit(make_placed(12_000)) == pytest.approx(TRUE_DISCOUNTS, abs=0.1)


def test_no_other_discount_makes_the_placed_more_likely():
    table = make_placed(1000, 6)

    def log_likelihood(second):
        """Sum the logs of the placed two's probability, in either order, and of the prior."""
        total = -0.5 * (np.log(second / BENTER_DISCOUNTS[1]) / 0.5) ** 2
        for win, placed in zip(
            table.true_probability.reshape(-1, 6), table.placed.reshape(-1, 6), strict=True
        ):
            (a, b), power = np.flatnonzero(placed), win**second
            a_first = win[a] * power[b] / (power.sum() - power[a])
            total += np.log(a_first + win[b] * power[a] / (power.sum() - power[b]))
        return total

    second = fit(table)[1]
    assert log_likelihood(second) > max(log_likelihood(second * 0.97), log_likelihood(second * 1.03))


def test_without_third_places_the_third_discount_is_benters():
    _, second, third = fit(make_placed(3000, 6))
    assert second == pytest.approx(0.6, abs=0.08)
    assert third == pytest.approx(BENTER_DISCOUNTS[2], abs=1e-3)


def test_races_that_say_nothing_of_places_leave_benters_discounts():
    table = make_placed(50)
    unknown = np.full(len(table), np.nan)
    everyone = np.ones(len(table))
    for placed in (unknown, everyone):
        assert fit(replace(table, placed=placed)) == pytest.approx(BENTER_DISCOUNTS, abs=1e-3)
    assert fit(table.take(slice(0, 0))) == pytest.approx(BENTER_DISCOUNTS, abs=1e-3)


def test_races_with_another_number_of_places_than_paid_are_not_judged():
    table = make_placed(10)
    placed, is_whole = table.placed.copy(), table.is_whole.copy()
    placed[np.flatnonzero(placed[:8] == 0)[0]] = 1  # a dead heat for the third place
    placed[8] = np.nan
    is_whole[16] = False
    expected = [False] * 24 + [True] * 56
    assert placed_as_paid(replace(table, placed=placed, is_whole=is_whole)).tolist() == expected


def test_fitted_discounts_beat_constants_where_places_were_drawn_by_them():
    table = make_placed()
    found = judge_places(table, table.true_probability, fit(make_placed(seed=5)))
    assert [row.name for row in found.rows[:4]] == [FITTED, BENTER, HARVILLE, UNIFORM]
    assert found[FITTED].model_minus_this == (0, 0, 0)
    assert found[BENTER].model_minus_this.high < 0
    assert found[HARVILLE].log_loss > found[BENTER].log_loss
    assert found[FITTED].ece < found.ece_by_chance < found[HARVILLE].ece
    assert found[PLACE_MARKET].log_loss == pytest.approx(found[FITTED].log_loss, abs=1e-3)


def test_the_difference_of_two_sources_is_that_of_their_losses_per_runner():
    found = judge_places(make_placed(300), make_placed(300).market_probability, BENTER_DISCOUNTS)
    for row in found.rows:
        gap = found[FITTED].log_loss - row.log_loss
        assert row.model_minus_this.difference == pytest.approx(gap, abs=1e-12)


def test_a_place_market_joins_where_half_of_the_races_have_it_and_then_all_are_judged_there():
    table = make_placed(100)
    market = table.place_market_probability.copy()
    market[: 8 * 40] = np.nan
    found = judge_places(
        replace(table, place_market_probability=market), table.true_probability, BENTER_DISCOUNTS
    )
    alone = judge_places(table.take(slice(8 * 40, 800)), table.true_probability[8 * 40 :], BENTER_DISCOUNTS)
    assert found.n_races == 60
    assert {row.name: row.log_loss for row in found.rows} == {row.name: row.log_loss for row in alone.rows}
    market[: 8 * 60] = np.nan
    rare = judge_places(
        replace(table, place_market_probability=market), table.true_probability, BENTER_DISCOUNTS
    )
    assert rare.n_races == 100
    assert PLACE_MARKET not in rare
    assert WIN_MARKET in rare


def test_without_a_judged_race_there_is_no_comparison():
    table = make_table(20)
    assert judge_places(table, table.true_probability, BENTER_DISCOUNTS) is None
