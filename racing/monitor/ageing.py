"""How the champion ages: its gap to the market by weeks since it learnt, and when retraining is due."""

import datetime as dt
from dataclasses import dataclass

import numpy as np

from racing.comparison.confidence import Estimate
from racing.comparison.monitoring import change_since, gap_estimate
from racing.monitor.champion import ChampionFacts, TrainingWeek
from racing.monitor.judged import Floats, JudgedRaces
from racing.monitor.quality import ALPHA
from racing.monitor.status import plain, signed

RETRAIN_AFTER_WEEKS = 13.0
"""On real races one that had learnt 3.5 months longer was better by .002 a race; and tracks change."""
START_DAYS = 28
"""The first days of its answers are what later ones are held against: one form cycle."""
ALPHA_WORSE = 0.01
"""Chance of ever calling a champion worse than at its start that is not."""
_MIN_AT_START = 50
_MAX_WEEKS = 120


@dataclass(frozen=True, slots=True)
class Ageing:
    """The champion's gap week by week, beside its training's, and whether it should learn again."""

    weeks: tuple[TrainingWeek, ...]
    """Of its answers; ends are of confidence sequences, infinite for too few races."""
    training_weeks: tuple[TrainingWeek, ...]
    weeks_since_learning: float | None
    retrain_after_weeks: float
    is_due: bool
    is_worse: bool
    """Than at its start, by what the closing prices expect, or by outcomes."""
    due_on: dt.date | None
    """When its age alone makes it due."""
    why: str


def ageing_of(
    races: JudgedRaces,
    champion: ChampionFacts,
    today: dt.date,
    *,
    retrain_after_weeks: float = RETRAIN_AFTER_WEEKS,
) -> Ageing:
    """Return how a champion ages, by its own answers: the one place that says when retraining is due.

    It is due once the champion has learnt ``retrain_after_weeks`` ago, or once its gap to the market is worse
    than in its first four weeks, which is certain at any look (:func:`worse_than_at_start`).
    """
    weeks = champion.weeks_since_learning(today)
    worse = worse_than_at_start(races, alpha=ALPHA_WORSE)
    due_on = None
    if champion.learnt_until is not None:
        due_on = champion.learnt_until + dt.timedelta(days=round(7 * retrain_after_weeks))
    is_old = due_on is not None and today >= due_on
    return Ageing(
        weeks=_weeks(races, champion),
        training_weeks=champion.training_weeks[:_MAX_WEEKS],
        weeks_since_learning=weeks,
        retrain_after_weeks=retrain_after_weeks,
        is_due=is_old or worse is not None,
        is_worse=worse is not None,
        due_on=due_on,
        why=_why(weeks, retrain_after_weeks, is_old=is_old, worse=worse),
    )


@dataclass(frozen=True, slots=True)
class Worse:
    """A gap to the market that has become worse."""

    start: float
    now: Estimate


def worse_than_at_start(races: JudgedRaces, *, alpha: float) -> Worse | None:
    """Return the gap of the first four weeks and that since, if the latter is certainly larger; else None."""
    if not len(races):
        return None
    is_start = races.date < races.date.min() + START_DAYS
    gap = least_noisy_gap(races)
    start, later = gap[is_start], gap[~is_start]
    start = start[~np.isnan(start)]
    if len(start) < _MIN_AT_START:
        return None
    error = float(start.std(ddof=1)) / len(start) ** 0.5
    mean = float(start.mean())
    change = change_since(later, mean, alpha=alpha, reference_standard_error=error)
    return Worse(mean, change.estimate) if change.is_worse else None


def least_noisy_gap(races: JudgedRaces) -> Floats:
    """Return the gaps as the closing prices expect them if all are known, else those by outcomes.

    Both have the same mean where closing prices are calibrated; the former have a fraction of the noise.
    """
    has_market, expected = ~np.isnan(races.market_loss), races.expected_gap
    return races.gap if np.isnan(expected[has_market]).any() else expected


def _weeks(races: JudgedRaces, champion: ChampionFacts) -> tuple[TrainingWeek, ...]:
    if champion.learnt_until is None:
        return ()
    after = races.date > np.datetime64(champion.learnt_until, "D")
    races = races.of(after & ~np.isnan(races.market_loss))
    number = ((races.date - np.datetime64(champion.learnt_until, "D")).astype(np.int64) - 1) // 7
    weeks = []
    for week in np.unique(number)[-_MAX_WEEKS:].tolist():
        of_week = races.of(number == week)
        gap = gap_estimate(of_week.loss, of_week.market_loss, alpha=ALPHA)
        weeks.append(TrainingWeek(int(week), gap.n_races, gap.mean, gap.low, gap.high))
    return tuple(weeks)


def _why(weeks: float | None, after: float, *, is_old: bool, worse: Worse | None) -> str:
    if worse is not None:
        return (
            f"Its gap to the market has grown from {signed(worse.start)} in its first four weeks to "
            f"{signed(worse.now.mean)} (at least {plain(worse.now.low)})."
        )
    if weeks is None:
        return "The version does not say when it learnt."
    when = f"It learnt {weeks:.0f} {'week' if round(weeks) == 1 else 'weeks'} ago"
    return f"{when}; retraining is due after {after:g}." if not is_old else f"{when}, more than {after:g}."
