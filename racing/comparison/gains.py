"""What one contestant gains over another in each race: by its winner, and by the closing market.

Both ways estimate the same thing, how much closer B is to the truth than A. By the winner it is right
whatever the market thinks, and mostly luck: who happened to win. By the market's expectation it has the same
mean where closing prices are calibrated, without that luck (a control variate; for calibration of prices see
Hausch, Lo and Ziemba, "Efficiency of racetrack betting markets", 1994).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Races = NDArray[np.int64]

FLOOR = 1e-6
"""The least probability that counts. A thousandth of what the longest price stands for: no honest model
is touched, and a contestant that gave the winner 0 loses 13.8 nats in that race, not infinitely many."""


@dataclass(frozen=True, slots=True)
class Gains:
    """Of contestant B over A, in nats, one entry a race in order of the races; above 0, B was better."""

    by_outcome: Floats
    """ln(pB / pA) of the winner; NaN where not exactly one won, or a contestant has not every starter."""
    by_market: Floats
    """The sum over the starters of m ln(pB / pA); NaN where a starter lacks a closing price or a contestant's
    probability. It needs no result."""


@dataclass(frozen=True, slots=True)
class ArmScores:
    """Of one arm of a split: its loss less what the race itself made hard, one entry a race that it answered.

    Smaller is better. The market is the control: a race that is hard for all counts against neither arm.
    """

    by_outcome: Floats
    """ln m - ln p of the winner; ln(1 / n) - ln p of n starters without closing prices; NaN as in Gains."""
    by_market: Floats
    """The Kullback-Leibler divergence of p from the market; NaN without closing prices."""


def race_gains(a: ArrayLike, b: ArrayLike, won: Flags, market: ArrayLike, race: Races) -> Gains:
    """Return what B gains over A in each race.

    Parameters
    ----------
    a, b, market : array of shape (n_starters,)
        Of the starters, NaN where unknown. They are shared out again so that each race sums to 1 (a runner
        may have been scratched after the prediction), and not below :data:`FLOOR`.
    race : ndarray of shape (n_starters,)
        The number of each starter's race: 0 .. n_races - 1, ascending, none left out.

    Raises
    ------
    ValueError
        If the arrays differ in length, ``race`` is not as above, or a probability is negative or infinite.
    """
    starts, won, race, (a, b, market) = _checked(won, race, a, b, market)
    gain = _log(b) - _log(a)
    return Gains(_of_winner(gain, won, starts), _sums(market * gain, starts))


def arm_scores(p: ArrayLike, won: Flags, market: ArrayLike, race: Races) -> ArmScores:
    """Return the scores of one arm in the races that it answered; parameters as of :func:`race_gains`."""
    starts, won, race, (p, market) = _checked(won, race, p, market)
    sizes = np.diff(starts, append=len(race))
    control = np.where(np.isnan(market), -np.log(np.repeat(sizes, sizes)), _log(market))
    loss = control - _log(p)
    return ArmScores(_of_winner(loss, won, starts), _sums(market * loss, starts))


def shares(p: Floats, starts: NDArray[np.int64], race: Races) -> Floats:
    """Return p so that each race sums to 1; NaN for a whole race with any NaN, or with nothing above 0."""
    total = _sums(p, starts)
    with np.errstate(invalid="ignore"):
        shared: Floats = p / np.where(total > 0, total, np.nan)[race]
    return shared


def starts_of(race: Races) -> NDArray[np.int64]:
    """Return where each race begins.

    Raises
    ------
    ValueError
        If the races are not numbered 0, 1, 2 ... in ascending order.
    """
    step = np.diff(race, prepend=-1)
    if len(race) and (race[0] != 0 or ((step != 0) & (step != 1)).any()):
        raise ValueError("race must be 0 .. n_races - 1, ascending, none left out")
    return np.flatnonzero(step)


def _checked(
    won: Flags, race: Races, *probabilities: ArrayLike
) -> tuple[NDArray[np.int64], Flags, Races, tuple[Floats, ...]]:
    race = np.asarray(race, np.int64)
    won = np.asarray(won, np.bool_)
    starts = starts_of(race)
    shared = []
    for given in probabilities:
        p = np.asarray(given, np.float64)
        if not p.shape == won.shape == race.shape:
            raise ValueError(
                f"one entry a starter in every array, got {p.shape}, {won.shape} and {race.shape}"
            )
        wrong = p[(p < 0) | np.isinf(p)]
        if len(wrong):
            raise ValueError(f"a probability must be 0 or more and finite, got {wrong[0]}")
        shared.append(shares(p, starts, race))
    return starts, won, race, tuple(shared)


def _log(p: Floats) -> Floats:
    logged: Floats = np.log(np.maximum(p, FLOOR))
    return logged


def _of_winner(values: Floats, won: Flags, starts: NDArray[np.int64]) -> Floats:
    is_judged = _sums(won.astype(np.float64), starts) == 1
    is_whole = ~np.isnan(_sums(values, starts))
    return np.where(is_judged & is_whole, _sums(np.where(won, values, 0.0), starts), np.nan)


def _sums(values: Floats, starts: NDArray[np.int64]) -> Floats:
    return np.add.reduceat(values, starts) if len(starts) else np.zeros(0)
