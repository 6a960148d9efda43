"""PSI, and the p-values of a day against days that were quiet."""

import math

import numpy as np
import pytest

from racing.monitor.drift import (
    ALARMS_A_WEEK,
    FEWEST_DAYS,
    UsualDays,
    level,
    p_values,
    psi,
    share_p_values,
    upper_tail,
    usual_days,
)


def test_psi_is_the_sum_over_the_bins_as_by_hand():
    shares = np.array([[0.1, 0.4, 0.5], [0.0, 1.0, 0.0]])
    exists = np.array([[True, True, True], [True, True, False]])
    counts = np.array([[30_000, 30_000, 40_000], [0, 100_000, 0]])
    by_hand = sum((a - e) * math.log(a / e) for a, e in ((0.3, 0.1), (0.3, 0.4), (0.4, 0.5)))
    found = psi(counts, shares, exists)
    assert found[0] == pytest.approx(by_hand, abs=1e-3)
    assert found[1] == pytest.approx(0, abs=1e-3)
    assert np.isnan(psi(np.zeros((2, 3), np.int64), shares, exists)).all()


def test_the_tail_is_students():
    # by the tables of the t distribution
    for degrees, t, p in ((9, 2.262, 0.025), (9, 4.781, 0.0005), (30, 3.646, 0.0005), (10**6, 1.645, 0.05)):
        assert upper_tail(np.array([t]), degrees)[0] == pytest.approx(p, rel=0.03)
    assert upper_tail(np.array([-2.262, np.nan]), 9).tolist() == [pytest.approx(0.975, rel=0.01), 1.0]


def test_the_level_of_a_look_shares_a_weeks_alarms_over_all_looks_and_statistics():
    assert level(150) * 150 * 24 * 7 == pytest.approx(ALARMS_A_WEEK)


def test_p_values_of_quiet_days_are_small_at_most_as_often_as_they_say():
    rng = np.random.default_rng(1)
    days = rng.chisquare(9, size=(2000, 30)) * rng.uniform(0.001, 0.2, 30)
    n_small = 0
    for start in range(0, 1980, 20):
        usual = usual_days(days[start : start + 19], np.full(19, 800))
        assert usual is not None
        n_small += int((p_values(days[start + 19], 800, usual) < 0.01).sum())
    assert 0.2 < n_small / (99 * 30 * 0.01) < 1.2  # few degrees of freedom: rather too seldom


def test_a_day_of_few_runners_is_not_blamed_for_chance():
    usual = UsualDays(np.full(1, 0.2), np.full(1, 0.03), 40, 800.0)
    assert p_values(np.array([0.4]), 800, usual)[0] < 1e-6
    assert p_values(np.array([0.4]), 20, usual)[0] > 0.1


def test_too_few_days_say_nothing():
    assert usual_days(np.ones((FEWEST_DAYS - 1, 3)), np.full(FEWEST_DAYS - 1, 800)) is None
    assert share_p_values(np.ones(2), 100, np.zeros((FEWEST_DAYS - 1, 2)), np.full(9, 100)).tolist() == [1, 1]


def test_a_share_that_left_its_usual_days_has_a_small_p_value_and_one_within_has_none():
    rng = np.random.default_rng(2)
    usual = rng.binomial(110, [0.05, 0.95], size=(28, 2)) / 110
    p = share_p_values(np.array([0.06, 0.2]), 110, usual, np.full(28, 110))
    assert p[0] > 0.3
    assert p[1] < level(150)
