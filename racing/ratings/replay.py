"""Replay of history, a day at a time: what every run was worth, and the tables of each month.

Before a day's races the abilities are read from the runs of earlier days; after them, what was measured is
explained by three causes, in this order: the box (a table of earlier months), the common level of its race or
meeting (the opposition, or the going: the precision-weighted mean of what the runners' abilities leave over),
and the dog.  What is left for the dog is the run's *worth*; its noise is the measurement's plus the level's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from racing.classes import N_CLASSES
from racing.ratings.catalog import Rating
from racing.ratings.effects import Courses, MonthOfEffects, Sums, box_index, months_of
from racing.ratings.posterior import Posterior, Worths, posterior
from racing.runs import Entries, Floats, Form, Ints, Runs, entries_of

_ALONE_VARIANCE = 0.1  # of the level when no rival is known, in the rating's noise units
_OUTLIER_SD = 2.5


@dataclass(frozen=True, slots=True)
class Replay:
    """One rating's worths of all runs, and the months for which there are tables."""

    worths: Worths
    months: Ints
    sums: tuple[Sums, ...]
    """What the days before each month summed up to."""

    @property
    def tables(self) -> tuple[MonthOfEffects, ...]:
        """Return each month's tables."""
        return tuple(sums.month() for sums in self.sums)


@dataclass(frozen=True, slots=True)
class Past:
    """What a replay left of the runs before the first day of a month: another goes on from there."""

    n_runs: int
    worths: Worths
    """Of all runs; from ``n_runs`` on they say nothing yet."""
    months: Ints
    sums: tuple[Sums, ...]
    """Before each of the months, and, one more, after the last of them."""


def replay(
    runs: Runs,
    index: Ints,
    rating: Rating,
    courses: Courses,
    on_day: Callable[[int], None] = lambda n_runs: None,
    past: Past | None = None,
) -> Replay:
    """Return what each run was worth, day by day, each day judged by the days before it.

    ``index`` is the runs' :func:`racing.runs.windows`.
    """
    n_levels = len(courses) if rating.by_meeting else N_CLASSES
    if past is None:
        nothing = (Sums.empty(len(courses), n_levels),)
        past = Past(0, no_worths(len(runs)), np.zeros(0, np.int64), nothing)
    worths = past.worths
    course = courses.of(runs.track_id, runs.distance_m)
    key = level_key(rating, runs, course)
    measured = rating.measure(runs)
    shift = np.zeros(len(runs)) if rating.shift is None else rating.shift(runs)
    months, before_month, sums = past.months.tolist(), list(past.sums[:-1]), past.sums[-1].copy()
    table = sums.month()
    for start, stop in _days(runs.day, past.n_runs):
        month = int(months_of(runs.day[start : start + 1])[0])
        if not months or month > months[-1]:
            months.append(month)
            before_month.append(sums.copy())
            table = sums.month()
            sums.fade()
        rows = start + np.flatnonzero(~np.isnan(measured[start:stop]))
        if len(rows):
            today = runs.take(rows)
            known = posterior(Form(runs, index[rows]), entries_of(today), worths, rating.kernel)
            judged = judge_day(today, known, measured[rows], key[rows], course[rows], rating, table)
            worths.worth[rows] = judged.worth
            worths.noise[rows] = judged.noise
            worths.shift[rows] = shift[rows]
            sums.add(course[rows], box_index(today.box), judged.residual, key[rows], judged.level)
        on_day(stop - start)
    if months:  # the month after the last holds all that is known
        months.append(months[-1] + 1)
        before_month.append(sums)
    return Replay(worths, np.array(months, np.int64), tuple(before_month))


@dataclass(frozen=True, slots=True)
class JudgedDay:
    """A day's measurements, explained; one entry a run."""

    worth: Floats
    noise: Floats
    level: Floats
    residual: Floats
    """Box effect and noise: what neither the level nor the ability foresaw."""


def judge_day(
    today: Runs,
    known: Posterior,
    measured: Floats,
    key: Ints,
    course: Ints,
    rating: Rating,
    table: MonthOfEffects,
) -> JudgedDay:
    """Return what runs of one day were worth, given what was known of their dogs that morning."""
    group = _groups(today, rating)
    n_groups = int(group.max()) + 1
    box = table.box[course, box_index(today.box)]
    ability = known.mean + known.loading * prior_mean(known, group, rating)[group]
    noise = rating.noise(measured)
    precision = 1.0 / (known.variance + noise)
    left_over = measured - box - ability

    level_known = table.level[key]
    expected = np.where(np.isnan(level_known), np.nan_to_num(table.overall), level_known)
    expected = np.bincount(group, expected, n_groups) / np.bincount(group, minlength=n_groups)
    spread = np.where(np.isnan(level_known[_first_of(group)]), 1e4, rating.level_variance)
    if not rating.by_meeting:  # a race of strangers is taken to be one of its class
        strangers = np.bincount(group, known.is_known, n_groups) == 0
        spread = np.where(strangers, _ALONE_VARIANCE, np.maximum(spread, rating.level_variance))
    weight = np.bincount(group, precision, n_groups) + 1.0 / spread
    level = (np.bincount(group, precision * left_over, n_groups) + expected / spread) / weight

    residual = left_over - level[group]
    surprise = np.abs(residual) * np.sqrt(precision)
    # A fall or a check says little of a dog: beyond 2.5 sd the noise grows with the square (Huber, 1964).
    noise = noise * np.maximum(1.0, surprise / _OUTLIER_SD) ** 2
    return JudgedDay(
        worth=measured - box - level[group],
        noise=noise + 1.0 / weight[group],
        level=level[group],
        residual=residual + box,
    )


def prior_mean(known: Posterior, race: Ints, rating: Rating) -> Floats:
    """Return for each race where a dog without worths starts: at its known rivals' mean, shifted.

    0, the mean of all dogs, where the rating compares with no rivals.
    """
    n_races = int(race.max()) + 1
    if rating.debut is None:
        return np.zeros(n_races)
    weight = np.where(known.is_known, np.maximum(1.0 - known.loading, 0.02) / known.variance, 0.0)
    mean = known.mean / np.maximum(1.0 - known.loading, 0.02)
    total = np.bincount(race, weight, n_races)
    rivals = np.bincount(race, weight * mean, n_races) / np.maximum(total, 1e-9)
    return rivals + rating.debut


def no_worths(n_runs: int) -> Worths:
    """Return worths of runs that say nothing yet."""
    return Worths(np.full(n_runs, np.nan), np.full(n_runs, np.nan), np.zeros(n_runs))


def level_key(rating: Rating, runs: Runs | Entries, course: Ints) -> Ints:
    """Return the key of each run's level: its course for the going, its class for the opposition."""
    if rating.by_meeting:
        return course
    return np.nan_to_num(runs.grade, nan=0.0).astype(np.int64)


def _groups(today: Runs, rating: Rating) -> Ints:
    if not rating.by_meeting:
        return np.unique(today.race_id, return_inverse=True)[1]
    meeting = today.track_id * 10_000 + today.distance_m.astype(np.int64)
    return np.unique(meeting, return_inverse=True)[1]


def _first_of(group: Ints) -> Ints:
    return np.unique(group, return_index=True)[1]


def _days(day: Ints, first: int) -> Iterator[tuple[int, int]]:
    """Yield the rows of each day, from a row on that is a day's first."""
    later = day[first:]
    edges = [*np.flatnonzero(np.diff(later, prepend=later[:1] - 1)).tolist(), len(later)]
    for start, stop in pairwise(edges):
        yield first + start, first + stop
