"""Confidence sequences: the published formulas, how often they ever miss, and what must never decide."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import zeta

from racing.comparison import confidence
from racing.comparison.confidence import (
    START_RACES,
    TIGHTEST_AT,
    asymptotic,
    asymptotic_path,
    boundary,
    difference,
    difference_path,
    empirical_bernstein,
    moments,
)

NAN = float("nan")


def make_values(n=2000, mean=0.0, seed=0):
    return np.random.default_rng(seed).standard_t(5, size=n) * 0.05 + mean


def test_the_boundary_is_where_the_normal_mixture_reaches_1_over_alpha():
    """Robbins's martingale exp(w s^2 / 2 (1 + w n)) / sqrt(1 + w n), solved numerically."""
    rho = np.sqrt((-2 * np.log(0.05) + np.log(-2 * np.log(0.05)) + 1) / TIGHTEST_AT)

    def log_martingale(deviations, n):
        s = deviations * np.sqrt(n)
        return rho**2 * s**2 / (2 * (1 + n * rho**2)) - np.log(1 + n * rho**2) / 2 - np.log(1 / 0.05)

    for n in (50, 500, 20_000):
        assert float(boundary(n, 0.05)) == pytest.approx(brentq(log_martingale, 0, 100, args=(n,)))


def test_the_interval_is_tightest_where_it_is_tuned_to_be():
    n = np.arange(100, 5000)
    narrowest = n[np.argmin(boundary(n, 0.05))]
    assert narrowest == pytest.approx(TIGHTEST_AT, rel=0.1)


def test_gaussian_steps_ever_leave_the_boundary_with_less_than_alpha():
    steps = np.random.default_rng(1).normal(size=(2000, 3000))
    n = np.arange(1, 3001)
    ever = (np.abs(steps.cumsum(axis=1)) / np.sqrt(n) > boundary(n, 0.05)).any(axis=1)
    assert 0.015 < ever.mean() < 0.05


def test_skewed_values_with_heavy_tails_ever_exclude_the_truth_with_less_than_alpha():
    values = (
        np.random.default_rng(2).gamma(1.0, size=(500, 1500)) - 1.0
    )  # skewness 2, as the most of real pairs
    paths = [asymptotic_path(of_one, alpha=0.05) for of_one in values]
    misses = np.mean([((low > 0) | (high < 0)).any() for _, low, high in paths])
    assert misses < 0.05


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=200), st.randoms())
def test_any_order_gives_the_same_interval_to_the_last_bit(values, random):
    mixed = list(values)
    random.shuffle(mixed)
    assert asymptotic(np.array(mixed), alpha=0.05) == asymptotic(np.array(values), alpha=0.05)


def test_any_order_of_a_long_season_gives_the_same_interval_to_the_last_bit():
    values = make_values(30_000) * np.random.default_rng(3).choice([1e-6, 1.0, 10.0], size=30_000)
    mixed = np.random.default_rng(4).permutation(values)
    assert asymptotic(mixed, alpha=0.05) == asymptotic(values, alpha=0.05)
    assert asymptotic(values, alpha=0.05).mean == pytest.approx(values.mean(), rel=1e-9)


def test_the_path_shows_what_each_look_showed():
    values = make_values(300, mean=0.01)
    values[::5] = 0.0
    values[7] = NAN
    mean, low, high = asymptotic_path(values, alpha=0.05)
    assert mean.shape == low.shape == high.shape == (299,)
    seen = values[~np.isnan(values)]
    for n in (1, 2, START_RACES, 60, 63, 64, 65, 299):
        look = asymptotic(seen[:n], alpha=0.05)
        assert (mean[n - 1], low[n - 1], high[n - 1]) == pytest.approx((look.mean, look.low, look.high))


def test_the_path_of_a_split_shows_what_each_look_showed():
    values, is_first = make_values(700), np.random.default_rng(5).random(700) < 0.3
    path = difference_path(values, is_first, alpha=0.05)
    for n in (1, 5, 100, 160, 300, 700):
        arms = [moments(values[:n][chosen[:n]]) for chosen in (is_first, ~is_first)]
        look = difference(*arms, alpha=0.05)
        expected = (look.mean, look.low, look.high)
        assert tuple(part[n - 1] for part in path) == pytest.approx(expected, nan_ok=True)
    assert np.isinf(difference_path(values, np.ones(700, bool), alpha=0.05)[1]).all()  # one arm alone


def test_there_is_no_interval_before_the_start_and_one_from_then_on():
    values = make_values(START_RACES)
    assert np.isinf(asymptotic(values[:-1], alpha=0.05).low)
    assert np.isfinite(asymptotic(values, alpha=0.05).low)


def test_races_in_which_both_gave_the_same_chances_do_not_bring_the_start_nearer():
    seldom = np.zeros(5000)
    seldom[: START_RACES - 1] = make_values(START_RACES - 1, mean=1.0)
    assert asymptotic(seldom, alpha=0.05).direction == "undecided"
    seldom[: 2 * START_RACES] = make_values(2 * START_RACES, mean=1.0)
    assert asymptotic(seldom, alpha=0.05).direction == "better"


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(10_000),
        np.full(10_000, 0.001),
        np.where(np.arange(10_000) % 10, 0.0, 0.001),
        np.full(10_000, 0.1) + 0.2 - 0.3,  # rounding
        np.append(make_values(mean=1.0), np.inf),
        np.append(make_values(mean=1.0), [np.inf, -np.inf]),
        np.full(100, NAN),
        np.zeros(0),
        np.ones(1),
    ],
    ids=["all 0", "all the same", "0 or the same", "rounding", "infinite", "both", "NaN", "none", "one"],
)
@pytest.mark.filterwarnings("error")
def test_what_says_nothing_decides_nothing(values):
    found = asymptotic(values, alpha=0.05)
    assert found.direction == "undecided"
    assert np.isinf(found.low)
    assert np.isinf(found.high)
    mean, low, high = asymptotic_path(values, alpha=0.05)
    if len(mean):
        assert np.isinf(low[-1])
        assert np.isinf(high[-1])


def test_races_without_a_value_are_left_out_and_the_mean_of_none_is_unknown():
    values = make_values(100)
    assert asymptotic(np.append(values, [NAN, NAN]), alpha=0.05) == asymptotic(values, alpha=0.05)
    assert np.isnan(asymptotic(np.full(3, NAN), alpha=0.05).mean)
    assert asymptotic(np.ones(1), alpha=0.05).mean == 1


def test_the_direction_is_that_of_the_whole_interval():
    assert asymptotic(make_values(mean=0.1), alpha=0.05).direction == "better"
    assert asymptotic(make_values(mean=-0.1), alpha=0.05).direction == "worse"
    assert asymptotic(make_values(), alpha=0.05).direction == "undecided"


def test_the_difference_of_two_arms_is_in_halves_as_wide_as_its_information_says():
    first, second = moments(make_values(4000, seed=6)), moments(make_values(4000, seed=7))
    found = difference(first, second, alpha=0.05)
    error = np.sqrt(first.variance / 4000 + second.variance / 4000)
    assert (found.high - found.low) / 2 == pytest.approx(error * boundary(2000, 0.05), rel=0.01)
    assert found.n_races == 8000


def test_an_arm_that_grows_late_leaves_a_split_without_difference_undecided():
    rng = np.random.default_rng(8)
    alarms = 0
    for _ in range(300):
        is_first = rng.random(3000) < np.where(np.arange(3000) < 1500, 0.9, 0.2)  # the share was changed
        _, low, high = difference_path(rng.normal(size=3000), is_first, alpha=0.05)
        alarms += bool(((low > 0) | (high < 0)).any())
    assert alarms / 300 < 0.05


def test_the_exact_sequence_is_that_of_howard_and_others():
    """Equation 10 of the paper, with eta = 2, s = 1.4, from its own text."""
    values = np.clip(make_values(700), -0.2, 0.2)
    before = [0.0, *(values[:i].mean() for i in range(1, 700))]
    v, c, m = np.sum((values - before) ** 2), 0.4, 0.04**2
    level = 1.4 * np.log(np.log(2 * v / m)) + np.log(zeta(1.4) / (0.025 * np.log(2) ** 1.4))
    k1, k2 = (2**0.25 + 2**-0.25) / np.sqrt(2), (np.sqrt(2) + 1) / 2
    half = (np.sqrt(k1**2 * v * level + k2**2 * c**2 * level**2) + c * k2 * level) / 700
    found = empirical_bernstein(make_values(700), alpha=0.05, bound=0.2)
    assert (found.high - found.low) / 2 == pytest.approx(half)
    assert found.mean == pytest.approx(values.mean())


def test_the_exact_sequence_is_never_infinite_contains_the_truth_and_decides_later():
    rng = np.random.default_rng(9)
    for n in (1, 2, 10):
        found = empirical_bernstein(rng.normal(size=n), alpha=0.05, bound=1.0)
        assert found.low <= 0 <= found.high
        assert found.high - found.low <= 4
    better = rng.choice([-1.0, 1.0], p=[0.4, 0.6], size=4000)
    exact, quick = empirical_bernstein(better, alpha=0.05, bound=1.0), asymptotic(better, alpha=0.05)
    assert exact.direction == "better"
    assert exact.low < quick.low
    assert empirical_bernstein(np.zeros(0), alpha=0.05, bound=1.0).n_races == 0
    with pytest.raises(ValueError, match="bound must be above 0, got 0"):
        empirical_bernstein(better, alpha=0.05, bound=0)


def test_a_rare_large_loss_that_has_not_come_yet_deceives_the_quick_sequence_and_not_the_exact_one():
    """What the module's docstring says of which to use: +1 mostly, -99 in each hundredth race, mean 0."""
    rng = np.random.default_rng(10)
    deceived = [0, 0]
    for _ in range(100):
        values = np.where(rng.random(200) < 0.01, -0.99, 0.01) + rng.normal(size=200) * 1e-4
        deceived[0] += bool((asymptotic_path(values, alpha=0.05)[1] > 0).any())
        deceived[1] += any(
            empirical_bernstein(values[:n], alpha=0.05, bound=1.0).low > 0 for n in range(1, 200, 10)
        )
    assert deceived[0] > 30
    assert deceived[1] == 0


def test_the_module_says_what_it_was_tuned_for():
    assert f"Tightest at {TIGHTEST_AT}" in str(confidence.__doc__)
    assert f"start after {START_RACES} races" in str(confidence.__doc__)
