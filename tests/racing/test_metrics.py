"""Figures of merit: known values, invariances, and what chance alone does to them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from racing.metrics import (
    accuracy,
    auc,
    balanced_f1,
    best_f1_threshold,
    brier,
    calibration_slope,
    ece,
    ece_by_chance,
    f1,
    log_loss,
    market_information,
    paired_bootstrap,
    paired_interval,
    per_race_log_loss,
    race_log_loss,
    reliability,
    top_pick_rate,
)
from racing.probabilities import share_within_race

pairs = st.lists(st.tuples(st.floats(0.01, 0.99), st.booleans()), min_size=3, max_size=60)


def make_races(n_races=1500, n_runners=8, seed=0):
    """Return probabilities that are true, outcomes drawn from them, and the race index."""
    rng = np.random.default_rng(seed)
    race = np.repeat(np.arange(n_races), n_runners)
    p = share_within_race(rng.normal(size=len(race)), race)
    winner = (p.reshape(n_races, -1).cumsum(axis=1) > rng.random((n_races, 1))).argmax(axis=1)
    return p, (np.arange(n_runners) == winner[:, None]).ravel(), race


def test_race_log_loss_of_a_uniform_guess_is_the_log_of_the_field():
    _, won, race = make_races(20)
    assert race_log_loss(np.full(160, 1 / 8), won, race) == pytest.approx(np.log(8))


def test_races_without_exactly_one_winner_are_not_judged():
    race = np.array([0, 0, 1, 1, 2, 2])
    won = np.array([True, False, True, True, False, False])
    losses = per_race_log_loss(np.full(6, 0.5), won, race)
    assert losses == pytest.approx([np.log(2), np.nan, np.nan], nan_ok=True)
    assert race_log_loss(np.full(6, 0.5), won, race) == pytest.approx(np.log(2))
    assert np.isnan(race_log_loss(np.full(2, 0.5), np.zeros(2, bool), np.zeros(2, int)))


@given(pairs)
def test_auc_equals_its_definition_over_all_pairs(rows):
    p, won = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    better = [(w > loser) + (w == loser) / 2 for w in p[won] for loser in p[~won]]
    assert auc(p, won) == pytest.approx(np.mean(better) if better else np.nan, nan_ok=True)


@given(pairs)
def test_the_order_of_rows_is_irrelevant(rows):
    p, won = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    for metric in (log_loss, brier, auc, ece, accuracy, balanced_f1):
        assert metric(p[::-1], won[::-1]) == pytest.approx(metric(p, won), nan_ok=True)


def test_log_loss_and_brier_of_a_coin_are_known():
    won = np.array([True, False])
    assert log_loss(np.full(2, 0.5), won) == pytest.approx(np.log(2))
    assert brier(np.array([0.8, 0.4]), won) == pytest.approx((0.04 + 0.16) / 2)


def test_a_certain_miss_costs_a_finite_log_loss():
    assert np.isfinite(log_loss(np.array([0.0, 1.0]), np.array([True, False])))


def test_ece_of_true_probabilities_is_what_chance_makes():
    below = [ece(p, won) < ece_by_chance(p) for p, won, _ in (make_races(300, seed=s) for s in range(60))]
    assert 0.85 <= np.mean(below) <= 1


def test_ece_sees_probabilities_that_are_too_bold():
    p, won, race = make_races()
    assert ece(share_within_race(2 * np.log(p), race), won) > 2 * ece_by_chance(p) > ece(p, won)


def test_the_interval_of_the_slope_holds_one_for_true_probabilities_as_often_as_it_says():
    hits = 0
    for seed in range(200):
        p, won, race = make_races(200, seed=seed)
        favourite = p == np.repeat(np.maximum.reduceat(p, np.arange(0, len(p), 8)), 8)
        rows = favourite if seed % 2 else p < 0.2
        found = calibration_slope(p[rows], won[rows], race[rows])
        hits += found.low <= 1 <= found.high
    assert 180 <= hits <= 199


def test_the_slope_undoes_what_made_log_odds_too_bold():
    p, won, race = make_races(4000)
    bold = 1 / (1 + (1 / p - 1) ** 2)
    found = calibration_slope(bold, won, race)
    assert found.slope == pytest.approx(calibration_slope(p, won, race).slope / 2)
    assert found.high < 1


def test_outcomes_without_an_exception_have_no_slope():
    p, race = np.full(6, 0.2), np.arange(6)
    assert np.isnan(calibration_slope(p, np.zeros(6, bool), race)).all()
    assert np.isnan(calibration_slope(p, np.ones(6, bool), race)).all()


def test_reliability_bins_hold_every_runner_once_and_equal_probabilities_together():
    p, won, _ = make_races(50)
    assert reliability(p, won).n_runners.sum() == len(p)
    assert reliability(np.full(400, 1 / 8), won).n_runners.tolist() == [400]


def test_balanced_f1_of_everyone_wins_is_two_thirds():
    won = np.array([True, False, False, False])
    assert balanced_f1(np.full(4, 0.25), won) == pytest.approx(2 / 3)
    assert balanced_f1(np.array([0.9, 0.1, 0.1, 0.1]), won) == 1


def test_no_threshold_beats_the_best_f1_threshold():
    p, won, _ = make_races(60)
    best = f1(p, won, best_f1_threshold(p, won))
    assert best == pytest.approx(max(f1(p, won, t) for t in p))
    assert best < 0.6


def test_nobody_wins_is_accurate_in_seven_of_eight():
    _, won, _ = make_races(10)
    assert accuracy(np.full(80, 0.1), won) == pytest.approx(0.875)


def test_tied_top_picks_share_the_race():
    race = np.array([0, 0, 1, 1])
    won = np.array([True, False, False, True])
    assert top_pick_rate(np.array([0.5, 0.5, 0.3, 0.7]), won, race) == pytest.approx(0.75)


def test_market_information_runs_from_uniform_to_market():
    assert market_information(1.9, 1.9, 1.4) == 0
    assert market_information(1.4, 1.9, 1.4) == 1
    assert market_information(1.65, 1.9, 1.4) == pytest.approx(0.5)


def test_the_bootstrap_interval_holds_the_true_difference_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    hits = 0
    for seed in range(100):
        gap = rng.normal(0.1, 1, 200)
        found = paired_bootstrap(gap, np.zeros(200), n=400, seed=seed)
        hits += found.low <= 0.1 <= found.high
    assert 88 <= hits <= 100


def test_the_bootstrap_keeps_pairs_together_and_its_seed():
    noise = np.random.default_rng(4).normal(size=500)
    found = paired_bootstrap(noise + 0.01, noise)
    assert found == pytest.approx((0.01, 0.01, 0.01))
    assert paired_bootstrap(noise, np.zeros(500), seed=1) == paired_bootstrap(noise, np.zeros(500), seed=1)


@pytest.mark.parametrize("n", [10, 25, 400])
def test_the_interval_from_sums_is_students_and_agrees_with_the_bootstrap_on_many_races(n: int) -> None:
    gaps = np.random.default_rng(n).normal(0.02, 0.3, n)
    found = paired_interval(n, float(gaps.sum()), float((gaps**2).sum()))
    quantile = {10: 2.262157, 25: 2.063899, 400: 1.965927}[n]
    half = quantile * gaps.std(ddof=1) / np.sqrt(n)
    assert found.difference == pytest.approx(gaps.mean())
    assert found.low == pytest.approx(gaps.mean() - half, abs=0.002 * half)
    assert found.high == pytest.approx(gaps.mean() + half, abs=0.002 * half)
    if n == 400:
        drawn = paired_bootstrap(gaps, np.zeros(n))
        assert found.low == pytest.approx(drawn.low, abs=0.1 * half)


def test_of_few_races_there_is_a_difference_and_no_interval() -> None:
    few = paired_interval(9, 0.9, 0.1)
    assert few.difference == pytest.approx(0.1)
    assert np.isnan([few.low, few.high]).all()
    assert np.isnan(paired_interval(0, 0.0, 0.0).difference)
