"""How far the inputs of a day lie from the training's, and when that is more than days usually differ.

The population stability index (PSI) of two distributions over the same bins is the sum over the bins of
``(a - e) ln(a / e)``. Its customary thresholds (.1, .25) are of no use for a day of racing: the runners of a
race share its track, distance and class, and a day has few tracks, so on a quiet day PSI is 1 for one feature
and .01 for another. So each feature is held against itself: against its PSI on days that were quiet, of which
the cube root is nearly normal (Wilson and Hilferty, 1931, for the chi-square that PSI is close to). With the
days as the sample it does not matter how runners of one day hang together.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SMALLEST_SHARE = 1e-4
"""What an empty bin of the reference counts, so that PSI stays finite."""
ALARMS_A_WEEK = 0.05
"""False alarms that a quiet week may have in the mean, over all features and looks together."""
LOOKS_A_DAY = 24
"""A look an hour is paid for; looking more often adds next to nothing, since the counts of a day add up."""
MATERIAL_PSI = 0.1
"""A smaller one is no alarm, however certain: it is the customary bound of "no change"."""
FEWEST_DAYS = 10
"""Quiet days without which nothing is known to be unusual."""
MOST_DEGREES = 8
"""Of the t distribution, however many days are known: on real days the cube root has heavier tails than the
normal distribution, since now and then a meeting comes without early speeds or with other dogs. With 41
degrees quiet weeks had .3 false alarms instead of the .05 that were meant."""
_SMALLEST_SD = 0.03  # of the cube root: a feature that never moves may move a little


@dataclass(frozen=True, slots=True)
class UsualDays:
    """What PSI was on quiet days: the cube root's mean and standard deviation, an entry a feature."""

    mean: Floats
    sd: Floats
    n_days: int
    n_runners: float
    """Runners of a usual day; the PSI of fewer is scaled down, for chance alone makes it larger."""


def psi(counts: Ints, shares: Floats, exists: NDArray[np.bool_]) -> Floats:
    """Return the PSI of counts against reference shares, an entry a feature; NaN without a runner.

    Parameters
    ----------
    counts : ndarray of shape (n_features, n_bins)
    shares : ndarray of shape (n_features, n_bins)
        Of the reference; a feature's sum to 1.
    exists : ndarray of shape (n_features, n_bins)
        Which bins a feature has.
    """
    n_bins = exists.sum(axis=1, keepdims=True)
    n = counts.sum(axis=1, keepdims=True)
    actual = (counts + 0.5) / (n + 0.5 * n_bins)  # half a runner more a bin, so that none is empty
    expected = np.maximum(shares, SMALLEST_SHARE)
    terms = np.where(exists, (actual - expected) * np.log(actual / expected), 0.0)
    return np.where(n[:, 0] > 0, terms.sum(axis=1), np.nan)


def usual_days(psi_by_day: Floats, n_runners: Ints) -> UsualDays | None:
    """Return what is usual, from the PSI of quiet days of shape (n_days, n_features); None of too few days.

    Days of less than a tenth of the usual runners are left out.
    """
    if not len(n_runners):
        return None
    usual = float(np.median(n_runners))
    counts = n_runners >= usual / 10
    roots = np.cbrt(scaled(psi_by_day[counts], n_runners[counts][:, None], usual))
    if len(roots) < FEWEST_DAYS:
        return None
    return UsualDays(roots.mean(axis=0), roots.std(axis=0, ddof=1), len(roots), usual)


def scaled(of_day: Floats, n_runners: Ints | int, usual_runners: float) -> Floats:
    """Return PSI as it would be of a usual day's runners, at least: by chance alone it falls as 1 / n."""
    scale: Floats = np.minimum(1.0, np.asarray(n_runners) / max(usual_runners, 1.0))
    return of_day * scale


def p_values(of_day: Floats, n_runners: int, usual: UsualDays) -> Floats:
    """Return for each feature how likely a quiet day's PSI is so large; 1 where it is not known.

    By the t distribution of a new day's value against the mean of ``usual.n_days`` others, with at most
    ``MOST_DEGREES`` of freedom.
    """
    roots = np.cbrt(scaled(of_day, n_runners, usual.n_runners))
    spread = np.maximum(usual.sd, _SMALLEST_SD) * math.sqrt(1 + 1 / usual.n_days)
    return upper_tail((roots - usual.mean) / spread, min(usual.n_days - 1, MOST_DEGREES))


def share_p_values(share: Floats, n: int, usual: Floats, n_usual: Ints) -> Floats:
    """Return how likely shares so far from those of quiet days are, on either side; 1 of too few days.

    Parameters
    ----------
    share : ndarray of shape (n_facts,)
        Of a day.
    n
        Cards of that day.
    usual : ndarray of shape (n_days, n_facts)
        Of quiet days; each is compared by the arc sine of its root, whose variance hardly depends on it.
    n_usual : ndarray of shape (n_days,)
        Their cards; days of less than a tenth of the median are left out.
    """
    usual = usual[n_usual >= np.median(n_usual) / 10] if len(n_usual) else usual
    if len(usual) < FEWEST_DAYS:
        return np.ones(len(share))
    angles, angle = np.arcsin(np.sqrt(usual)), np.arcsin(np.sqrt(share))
    by_chance = math.sqrt(_CARDS_ALIKE / (4 * max(n, 1)))
    spread = np.maximum(angles.std(axis=0, ddof=1), by_chance) * math.sqrt(1 + 1 / len(usual))
    tails: Floats = 2 * upper_tail(np.abs(angle - angles.mean(axis=0)) / spread, len(usual) - 1)
    return np.minimum(tails, 1.0)


_CARDS_ALIKE = 4  # what is so of one card is so of its meeting's: as if there were a quarter of the cards


def level(n_statistics: int) -> float:
    """Return the p-value at which one look at one of so many statistics is an alarm.

    ``ALARMS_A_WEEK`` shared out evenly over the statistics and the looks of a week (Bonferroni): it bounds
    the expected number of false alarms whatever depends on what, features and looks alike.
    """
    return ALARMS_A_WEEK / (7 * LOOKS_A_DAY * max(n_statistics, 1))


def upper_tail(t: Floats, degrees: int) -> Floats:
    """Return the chance that Student's t is larger, by Wallace's (1959) normal approximation; NaN gives 1."""
    z = (8 * degrees + 1) / (8 * degrees + 3) * np.sqrt(degrees * np.log1p(np.square(t) / degrees))
    z = np.where(t >= 0, z, -z)
    return np.array([0.5 * math.erfc(value / math.sqrt(2)) if value == value else 1.0 for value in z])
