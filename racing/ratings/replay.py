"""Replay of history, a day at a time: every run's adjusted performance, and the tables of each month.

Before a day's races the abilities are read from the runs of earlier days; after them, what was measured is
explained by three causes, in this order: the box (a table of earlier months), the common level of its race or
meeting (the opposition, or the going: the precision-weighted mean of what the runners' abilities leave over),
and the dog.  What is left for the dog is the run's *adjusted performance*
(:mod:`racing.ratings.performances`); its noise is the measurement's plus the level's.

A race is as strong as its runners, and how strong they were shows when they run again (collateral form).  So
the level is worked out anew some days later, from what each runner did before *and* since (a smoother of
fixed lag; Rauch, Tung and Striebel, 1965): the performance as revised on a day uses runs of earlier days
only, and is read only from that day on.

The module is long since these steps are one algorithm.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racing.domain.classes import N_CLASSES
from racing.domain.runs import Entries, Floats, Form, Ints, Runs, entries_of, later_runs, windows
from racing.ratings.catalog import REVISION_DAYS, Rating
from racing.ratings.effects import Courses, MonthOfEffects, Sums, box_index, months_of
from racing.ratings.performances import Performances, as_known, observe
from racing.ratings.posterior import Observations, Posterior, condition

_ALONE_VARIANCE = 0.1  # of the level when no rival is known, in the rating's noise units
_OUTLIER_SD = 2.5
_BEFORE, _AFTER = 6, 3  # runs of each rival that a revision looks at


@dataclass(frozen=True, slots=True)
class Replay:
    """One rating's adjusted performances of all runs, and the months for which there are tables."""

    performances: Performances
    months: Ints
    sums: tuple[Sums, ...]
    """What the days before each month summed up to."""

    @property
    def tables(self) -> tuple[MonthOfEffects, ...]:
        """Return each month's tables."""
        return tuple(sums.month() for sums in self.sums)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a replay left of the runs before the first day of a month: another goes on from there."""

    n_runs: int
    performances: Performances
    """Of all runs; from ``n_runs`` on they are NaN, and revisions due later may be stale."""
    months: Ints
    sums: tuple[Sums, ...]
    """Before each of the months, and, one more, after the last of them."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Where each run's dog ran before and after it: :func:`racing.domain.runs.windows` and ``later_runs``."""

    before: Ints
    after: Ints

    @classmethod
    def of(cls, runs: Runs) -> "Neighbours":
        """Return those of all runs."""
        return cls(windows(runs.dog_id, runs.day), later_runs(runs.dog_id, runs.day, _AFTER))


def replay(
    runs: Runs,
    neighbours: Neighbours,
    rating: Rating,
    courses: Courses,
    on_day: Callable[[int], None] = lambda n_runs: None,
    checkpoint: Checkpoint | None = None,
) -> Replay:
    """Return each run's adjusted performance, day by day, each day judged by the days before it."""
    n_levels = len(courses) if rating.by_meeting else N_CLASSES
    if checkpoint is None:
        nothing = (Sums.empty(len(courses), n_levels),)
        checkpoint = Checkpoint(0, Performances.none(len(runs), rating), np.zeros(0, np.int64), nothing)
    course = courses.of(runs.track_id, runs.distance_m)
    state = _ReplayState(
        runs=runs,
        neighbours=neighbours,
        rating=rating,
        measured=rating.measure(runs),
        shift=np.zeros(len(runs)) if rating.shift is None else rating.shift(runs),
        course=course,
        key=level_key(rating, runs, course),
        performances=checkpoint.performances,
        tables={
            month: sums.month()
            for month, sums in zip(checkpoint.months.tolist(), checkpoint.sums, strict=False)
        },
    )
    months, before_month, sums = (
        checkpoint.months.tolist(),
        list(checkpoint.sums[:-1]),
        checkpoint.sums[-1].copy(),
    )
    due = _revisions_due(runs.day, checkpoint.n_runs) if rating.is_revised else deque()
    for start, stop in _days(runs.day, checkpoint.n_runs):
        day = int(runs.day[start])
        month = int(months_of(runs.day[start : start + 1])[0])
        if not months or month > months[-1]:
            months.append(month)
            before_month.append(sums.copy())
            state.tables[month] = sums.month()
            sums.fade()
        while due and due[0].day <= day:
            state.revise(due.popleft())
        rows = start + np.flatnonzero(~np.isnan(state.measured[start:stop]))
        if len(rows):
            judged = state.judge(rows, month)
            boxes = box_index(runs.box[rows])
            sums.add(course[rows], boxes, judged.residual, state.key[rows], judged.level)
        on_day(stop - start)
    while due:  # of the last weeks: by all that is known, until later days tell more
        state.revise(due.popleft())
    if months:  # the month after the last holds all that is known
        months.append(months[-1] + 1)
        before_month.append(sums)
    return Replay(state.performances, np.array(months, np.int64), tuple(before_month))


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    """A revision: on this day, of the runs of a day before; in the order in which they are done."""

    day: int
    revision: int
    start: int
    stop: int


@dataclass(kw_only=True)
class _ReplayState:
    """One rating on its way through history; arrays hold one entry a run."""

    runs: Runs
    neighbours: Neighbours
    rating: Rating
    measured: Floats
    shift: Floats
    course: Ints
    key: Ints
    performances: Performances
    tables: dict[int, MonthOfEffects]

    @cached_property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The runs and their performances, which change under it, by column."""
        own = self.performances.columns(self.rating)
        return self.runs.columns | own | {"shift": self.performances.shift}

    def judge(self, rows: Ints, month: int) -> "JudgedDay":
        """Write down a day's adjusted performances, by what was known that morning."""
        today = self.runs.take(rows)
        entries = entries_of(today)
        form = Form.gathered(self.columns, self.neighbours.before[rows])
        known = condition(observe(form, entries, self.rating), entries, self.rating.kernel)
        judged = self._explain(today, rows, known, month)
        # Until a revision is due the fresh performance stands in its place.
        self.performances.adjusted[rows] = judged.adjusted[:, None]
        self.performances.noise[rows] = judged.noise[:, None]
        self.performances.shift[rows] = self.shift[rows]
        self.performances.innovation[rows] = judged.innovation
        return judged

    def revise(self, due: _Due) -> None:
        """Write down a day's adjusted performances, by what their runners did before and since."""
        rows = due.start + np.flatnonzero(~np.isnan(self.measured[due.start : due.stop]))
        if not len(rows):
            return
        today = self.runs.take(rows)
        known = condition(self._observe_around(today, rows, due.day), entries_of(today), self.rating.kernel)
        month = int(months_of(today.day[:1])[0])
        judged = self._explain(today, rows, known, month)
        self.performances.adjusted[rows, due.revision :] = judged.adjusted[:, None]
        self.performances.noise[rows, due.revision :] = judged.noise[:, None]

    def _explain(self, today: Runs, rows: Ints, known: Posterior, month: int) -> "JudgedDay":
        table = self.tables[month]
        return judge_day(
            today, known, self.measured[rows], self.key[rows], self.course[rows], self.rating, table
        )

    def _observe_around(self, today: Runs, rows: Ints, day: int) -> Observations:
        """Return the observations around the runs of a day, as known on the morning of a later day."""
        after = self.neighbours.after[rows]
        after = np.where((after >= 0) & (self.runs.day[np.maximum(after, 0)] < day), after, -1)
        form = Form.gathered(
            self.columns, np.concatenate([self.neighbours.before[rows, :_BEFORE], after], axis=1)
        )
        # As of the evening before: a revision due this very day may still be to come.
        known_for = np.where(form.known, day - 1.0 - form.day, 0.0)
        adjusted, noise = as_known(form, self.rating, known_for)
        shift = np.nan_to_num(form["shift"])
        own = self.performances.shift[rows][:, None]
        since, until = np.cumsum(shift[:, :_BEFORE], axis=1), np.cumsum(shift[:, _BEFORE:], axis=1)
        moved = np.concatenate([since, -own, -own - until[:, :-1]], axis=1)
        runs_ago = np.concatenate([np.arange(1.0, _BEFORE + 1), -np.arange(1.0, _AFTER + 1)])
        return Observations(
            form=form,
            days_ago=np.where(form.known, today.day[:, None] - form.day, 0.0),
            runs_ago=np.where(form.known, runs_ago, 0.0),
            observed=adjusted + moved,
            noise=noise,
        )


def _revisions_due(day: Ints, first: int) -> deque[_Due]:
    """Return all revisions that days from the first row's on may change, in order."""
    first_day = int(day[first]) if first < len(day) else int(day.max(initial=0)) + 1
    due = [
        _Due(int(day[start]) + lag, revision, start, stop)
        for start, stop in _days(day, 0)
        for revision, lag in enumerate(REVISION_DAYS, start=1)
    ]
    return deque(sorted(revision for revision in due if revision.day > first_day or first == 0))


@dataclass(frozen=True, slots=True)
class JudgedDay:
    """A day's measurements, explained; one entry a run."""

    adjusted: Floats
    noise: Floats
    level: Floats
    innovation: Floats
    """What neither level nor box nor ability foresaw."""
    box: Floats

    @property
    def residual(self) -> Floats:
        """Return the box's effect and noise, from which the box tables learn."""
        return self.innovation + self.box


def judge_day(
    today: Runs,
    known: Posterior,
    measured: Floats,
    key: Ints,
    course: Ints,
    rating: Rating,
    table: MonthOfEffects,
) -> JudgedDay:
    """Return the adjusted performances of one day's runs, given what was known of their dogs."""
    group = _groups(today, rating)
    n_groups = int(group.max()) + 1
    box = table.box[course, box_index(today.box)]

    def total(values: Floats) -> Floats:
        return np.bincount(group, values, n_groups)[group].astype(np.float64)

    prior = prior_mean(known, rating, total)
    ability = known.mean + known.loading * prior
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

    innovation = left_over - level[group]
    surprise = np.abs(innovation) * np.sqrt(precision)
    # A fall or a check says little of a dog: beyond 2.5 sd the noise grows with the square (Huber, 1964).
    noise = noise * np.maximum(1.0, surprise / _OUTLIER_SD) ** 2
    return JudgedDay(
        adjusted=measured - box - level[group],
        noise=noise + 1.0 / weight[group],
        level=level[group],
        innovation=innovation,
        box=box,
    )


def prior_mean(known: Posterior, rating: Rating, total: Callable[[Floats], Floats]) -> Floats:
    """Return for each runner where a dog without observations starts: at its known rivals' mean, shifted.

    0, the mean of all dogs, where the rating compares with no rivals. ``total`` returns for each runner the
    sum over its race.
    """
    if rating.debut is None:
        return np.zeros(len(known.mean), np.float64)
    known_by = np.maximum(1.0 - known.loading, 0.02)
    weight = np.where(known.is_known, known_by / known.variance, 0.0)
    rivals = total(weight * (known.mean / known_by)) / np.maximum(total(weight), 1e-9)
    return rivals + rating.debut


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
