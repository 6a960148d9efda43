"""Sequential tests for the monitor: looking every day is free."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray

from racing import metrics
from racing.comparison.confidence import Estimate, asymptotic
from racing.comparison.gains import FLOOR, shares, starts_of

Floats = NDArray[np.float64]

TOLERATED_SLOPE = 0.05
"""No model is calibrated exactly. On real races a slope of .95 costs some .001 nats a race."""

_RANGE = math.log(4)  # slopes from 1/4 to 4
_NODES = 25
_GRID = np.linspace(-_RANGE, _RANGE, 4001)  # of ln slope
_PRIOR_SD = 0.2  # of ln slope: what a model is off by, if it is


@dataclass(frozen=True, slots=True)
class CalibrationTest:
    """How well win probabilities fit the outcomes."""

    n_races: int
    """Those with exactly one winner and all probabilities known."""
    slope: float
    """p^slope, shared to 1, fits best: 1 is calibrated, below 1 too bold; NaN without races."""
    slope_low: float
    """The ends of the slope's confidence sequence; 1/4 and 4 at most."""
    slope_high: float
    intercept: float
    """Of a logistic recalibration, runner by runner, with a slope; 0 is calibrated, NaN without an answer."""
    ece: float
    """Expected calibration error, runner by runner (:func:`racing.metrics.ece`)."""
    ece_by_chance: float
    """What a perfectly calibrated model with these probabilities stays below 95 times of 100, at one look."""
    is_alarming: bool
    """The slope's confidence sequence lies outside 1 +- :data:`TOLERATED_SLOPE`."""


@dataclass(frozen=True, slots=True)
class Change:
    """A mean per race beside the reference that it is held against."""

    estimate: Estimate
    reference_mean: float
    is_worse: bool


def gap_estimate(loss: ArrayLike, market_loss: ArrayLike, *, alpha: float) -> Estimate:
    """Return the mean of loss - market_loss, race by race; above 0 the market is better.

    Races without one of the two (NaN) are left out. Loss alone moves with the mix of races; this does not.
    """
    return asymptotic(np.asarray(loss, np.float64) - np.asarray(market_loss, np.float64), alpha=alpha)


def change_since(
    values: ArrayLike, reference_mean: float, *, alpha: float, reference_standard_error: float = 0.0
) -> Change:
    """Return whether the mean of the values (a gap to the market; larger is worse) exceeds a reference.

    The reference, the test figure of the training, say, is known only so well: with its standard error, alpha
    is halved between the confidence sequence and the reference's one-sided interval, and the two must not
    overlap. It never becomes worse, at any look, with a chance of more than alpha if nothing has changed.
    Pass the values since the version began to serve: its mean shows a lasting change, not a bad week.
    """
    margin = 0.0
    level = alpha
    if reference_standard_error > 0:
        level = alpha / 2
        margin = NormalDist().inv_cdf(1 - alpha / 2) * reference_standard_error
    estimate = asymptotic(values, alpha=level)
    return Change(estimate, reference_mean, estimate.low > reference_mean + margin)


def calibration_test(
    probability: ArrayLike, won: NDArray[np.bool_], race: NDArray[np.int64], *, alpha: float
) -> CalibrationTest:
    """Return slope, intercept and ECE of win probabilities, with an alarm that is valid at every look.

    The winner of a race is drawn from p^slope, shared to 1, at the true slope. The likelihood ratio of any
    other slope to the true one has mean 1 in each race, so its product over the races, averaged over a normal
    distribution of ln slope, is a test martingale: it exceeds 1 / alpha, ever, with a chance of at most alpha
    (Ville 1939; Robbins 1970, "Statistical methods related to the law of the iterated logarithm"). The slopes
    for which it does not are the confidence sequence. Exact, from the first race on; a product has no order.

    Parameters
    ----------
    probability : array of shape (n_starters,)
        Shared out again so that each race sums to 1, NaN where unknown.
    race : ndarray of shape (n_starters,)
        The number of each starter's race: 0 .. n_races - 1, ascending, none left out.
    """
    race = np.asarray(race, np.int64)
    won = np.asarray(won, np.bool_)
    starts = starts_of(race)
    p, won, race = _judged(shares(np.asarray(probability, np.float64), starts, race), won, race, starts)
    if not len(p):
        nan = float("nan")
        return CalibrationTest(0, nan, math.exp(-_RANGE), math.exp(_RANGE), nan, nan, nan, is_alarming=False)
    slope, low, high = slope_sequence(p, won, race, alpha=alpha)
    return CalibrationTest(
        int(race[-1]) + 1, slope, low, high, _intercept(p, won), metrics.ece(p, won),
        metrics.ece_by_chance(p), is_alarming=low > 1 + TOLERATED_SLOPE or high < 1 - TOLERATED_SLOPE,
    )  # fmt: skip


def slope_sequence(
    p: Floats, won: NDArray[np.bool_], race: NDArray[np.int64], *, alpha: float
) -> tuple[float, float, float]:
    """Return the best slope with the ends of its confidence sequence, of races with one winner each."""
    log_p = np.log(np.maximum(p, FLOOR))
    starts = np.flatnonzero(np.diff(race, prepend=-1))
    of_winners = float(log_p[won].sum())

    def log_likelihood(log_slope: Floats) -> Floats:
        slopes = np.exp(log_slope)
        shared = [np.log(np.add.reduceat(np.exp(slope * log_p), starts)).sum() for slope in slopes]
        return np.asarray(slopes * of_winners - np.array(shared))

    # Smooth: 25 passes over the runners give it everywhere, to 1e-9 of itself.
    nodes = chebyshev.chebpts1(_NODES)
    series = chebyshev.chebfit(nodes, log_likelihood(_RANGE * nodes), _NODES - 1)
    found = np.asarray(chebyshev.chebval(_GRID / _RANGE, series))
    best = int(np.argmax(found))
    prior = -0.5 * (_GRID / _PRIOR_SD) ** 2
    prior -= np.log(np.sum(np.exp(prior)))
    evidence = found[best] + math.log(float(np.sum(np.exp(found - found[best] + prior))))
    inside = np.flatnonzero(found > evidence + math.log(alpha))
    ends = (int(inside[0]), int(inside[-1])) if len(inside) else (best, best)
    slope, low, high = np.exp(_GRID[[best, *ends]])
    return float(slope), float(low), float(high)


def _judged(
    p: Floats, won: NDArray[np.bool_], race: NDArray[np.int64], starts: NDArray[np.int64]
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    if not len(starts):
        return p, won, race
    is_judged = (np.add.reduceat(won.astype(np.int64), starts) == 1) & ~np.isnan(np.add.reduceat(p, starts))
    stays = is_judged[race]
    return p[stays], won[stays], (np.cumsum(is_judged) - 1)[race[stays]]


def _intercept(p: Floats, won: NDArray[np.bool_]) -> float:
    """Return the intercept of a logistic regression of the outcomes on the log odds (Cox 1958)."""
    p = np.clip(p, FLOOR, 1 - FLOOR)
    x = np.log(p) - np.log1p(-p)
    if len(x) < 3 or np.ptp(x) < 1e-9:
        return float("nan")
    intercept, slope = 0.0, 1.0
    for _ in range(50):
        q = 0.5 * (1 + np.tanh(0.5 * (intercept + slope * x)))
        error, weight = won - q, q * (1 - q)
        weighted = weight * x
        gradient = np.array([error.sum(), error @ x])
        information = np.array([[weight.sum(), weighted.sum()], [weighted.sum(), weighted @ x]])
        if not np.linalg.det(information) > 1e-12:
            return float("nan")  # outcomes follow the log odds without exception
        step = np.clip(np.linalg.solve(information, gradient), -1.0, 1.0)
        intercept, slope = intercept + float(step[0]), slope + float(step[1])
        if np.abs(step).max() < 1e-8:
            return intercept
    return float("nan")
