"""The monitor's tests: calibration with an alarm that may be looked at daily, gaps, and changes."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from racing.comparison.confidence import asymptotic
from racing.comparison.monitoring import calibration_test, change_since, gap_estimate, slope_sequence
from racing.probabilities import share_within_race
from tests.racing.comparison.races import make_season

NAN = float("nan")


def stretched(season, exponent):
    return share_within_race(exponent * np.log(season.market), season.race)


def test_the_slope_is_that_of_the_greatest_likelihood():
    season = make_season(800, seed=1)
    p = stretched(season, 1.4)

    def loss(slope):
        return -np.log(share_within_race(slope * np.log(p), season.race)[season.won]).sum()

    found = calibration_test(p, season.won, season.race, alpha=0.05)
    best = minimize_scalar(loss, bounds=(0.3, 3), method="bounded").x
    assert found.slope == pytest.approx(best, rel=1e-3)
    assert found.slope_low < found.slope < found.slope_high


def test_the_ends_are_where_the_mixture_of_likelihood_ratios_reaches_1_over_alpha():
    season = make_season(300, seed=2)
    found = calibration_test(season.market, season.won, season.race, alpha=0.05)
    grid = np.linspace(-1.2, 1.2, 1201)
    log_p = np.log(season.market)
    likelihood = np.array(
        [np.log(share_within_race(np.exp(x) * log_p, season.race)[season.won]).sum() for x in grid]
    )
    prior = np.exp(-0.5 * (grid / 0.2) ** 2)
    for end in (found.slope_low, found.slope_high):
        at = np.log(share_within_race(end * np.log(season.market), season.race)[season.won]).sum()
        assert np.sum(prior / prior.sum() * np.exp(likelihood - at)) == pytest.approx(20, rel=0.02)


def test_the_intercept_is_that_of_a_logistic_regression():
    season = make_season(800, seed=3)
    p = stretched(season, 1.3)
    log_odds = np.log(p) - np.log1p(-p)
    fitted = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(log_odds[:, None], season.won)
    found = calibration_test(p, season.won, season.race, alpha=0.05)
    assert found.intercept == pytest.approx(fitted.intercept_[0], abs=1e-3)


def test_a_calibrated_model_looked_at_all_the_time_alarms_less_often_than_alpha():
    alarms = 0
    for seed in range(100):
        season = make_season(300, n_runners=5, seed=100 + seed)
        looks = [
            slope_sequence(
                *(values[: 5 * n] for values in (season.market, season.won, season.race)), alpha=0.1
            )
            for n in range(30, 301, 30)
        ]
        alarms += any(low > 1 or high < 1 for _, low, high in looks)
    assert alarms / 100 < 0.1


def test_a_model_that_is_too_bold_or_too_timid_alarms_and_one_that_is_nearly_right_does_not():
    season = make_season(4000, seed=4)
    for exponent, slope in ((1.3, 1 / 1.3), (0.7, 1 / 0.7)):
        found = calibration_test(stretched(season, exponent), season.won, season.race, alpha=0.05)
        assert found.is_alarming
        assert found.slope == pytest.approx(slope, rel=0.05)
        assert found.ece > found.ece_by_chance
    calm = calibration_test(stretched(season, 1.02), season.won, season.race, alpha=0.05)
    assert not calm.is_alarming
    assert calm.n_races == 4000
    assert calm.intercept == pytest.approx(0, abs=0.1)


def test_runners_and_races_in_any_order_give_the_same_slope():
    season = make_season(300, seed=5)
    expected = calibration_test(season.market, season.won, season.race, alpha=0.05)
    order = np.random.default_rng(0).permutation(300)
    rows = (
        7 * order[:, None] + np.random.default_rng(1).permuted(np.tile(np.arange(7), (300, 1)), axis=1)
    ).ravel()
    found = calibration_test(season.market[rows], season.won[rows], season.race, alpha=0.05)
    assert (found.slope, found.slope_low, found.slope_high) == pytest.approx(
        (expected.slope, expected.slope_low, expected.slope_high)
    )


def test_races_that_cannot_be_judged_are_left_out():
    season = make_season(100, seed=6)
    p, won = season.market.copy(), season.won.copy()
    p[3] = NAN
    won[7:14] = False
    found = calibration_test(p, won, season.race, alpha=0.05)
    rest = calibration_test(p[14:], won[14:], season.race[14:] - 2, alpha=0.05)
    assert found == rest
    assert found.n_races == 98


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_races_alarm_nobody(n):
    season = make_season(n) if n else None
    p, won, race = (
        (season.market, season.won, season.race)
        if season
        else (np.zeros(0), np.zeros(0, bool), np.zeros(0, int))
    )
    found = calibration_test(p, won, race, alpha=0.05)
    assert found.n_races == n
    assert not found.is_alarming
    equal = calibration_test(np.full(len(p), 0.5), won, race, alpha=0.05)
    assert not equal.is_alarming
    assert np.isnan(equal.intercept)


def test_certain_probabilities_that_fail_alarm_at_once():
    race = np.repeat(np.arange(20), 2)
    won = np.tile([True, False], 20)
    assert calibration_test(np.tile([0.0, 1.0], 20), won, race, alpha=0.05).is_alarming


def test_the_gap_is_the_mean_difference_over_races_that_have_both():
    rng = np.random.default_rng(7)
    market = rng.normal(1.5, 0.7, 400)
    loss = market + rng.normal(0.1, 0.2, 400)
    market[:30] = NAN
    assert gap_estimate(loss, market, alpha=0.05) == asymptotic(loss[30:] - market[30:], alpha=0.05)


def test_a_gap_that_has_grown_is_found_and_one_that_has_not_alarms_less_often_than_alpha():
    rng = np.random.default_rng(8)
    grown = change_since(rng.normal(0.15, 0.4, 3000), 0.1, alpha=0.05)
    assert grown.is_worse
    assert grown.reference_mean == 0.1
    alarms = 0
    for _ in range(200):
        reference = rng.normal(0.1, 0.02)  # the training's own figure is known only so well
        values = rng.normal(0.1, 0.4, 2000)
        looks = range(100, 2001, 100)
        alarms += any(
            change_since(values[:n], reference, alpha=0.05, reference_standard_error=0.02).is_worse
            for n in looks
        )
    assert alarms / 200 < 0.05
