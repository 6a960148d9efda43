"""Replay of history, a day at a time: every run's adjusted performance, and the tables of each month.

Before a day's races the abilities are read from the runs of earlier days; after them, what was measured is
explained by three causes, in this order: the box (a table of earlier months), the common level of its race or
meeting (the opposition, or the going: the precision-weighted mean of what the runners' abilities leave over),
and the dog.  What is left for the dog is the run's *adjusted performance*
(:mod:`racing.ratings.performances`); its noise is the measurement's plus the level's.

A race is as strong as its runners, and how strong they were shows when they run again (collateral form).
So the level is worked out anew: of a measurement that says much, as the market's share, with all other
levels every evening (:mod:`racing.ratings.levels`); of the result some days later, from what each runner
did before *and* since (a smoother of fixed lag; Rauch, Tung and Striebel, 1965): the performance as revised
on a day uses runs of earlier days only, and is read only from that day on.

The module is long since these steps are one algorithm.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from racing.domain.classes import N_CLASSES
from racing.domain.runs import WINDOW, Floats, Ints, Runs, box_zone, race_numbers
from racing.ops import filter as steps
from racing.ratings.catalog import REVISION_DAYS, Rating
from racing.ratings.effects import Courses, MonthOfEffects, Sums, box_index, months_of
from racing.ratings.levels import OPEN_DAYS, EveningLevels, OpenLevels
from racing.ratings.performances import Performances
from racing.ratings.posterior import Kernel, Posterior

_ALONE_VARIANCE = 0.1  # of the level when no rival is known, in the rating's noise units
_OUTLIER_SD = 2.5
RUNS_BEFORE, _RUNS_AFTER = 6, 3
"""Runs of each rival that a revision looks at."""
BEFORE_ALL = -1_000_000
"""A day before all others."""
_LAGS = np.array(REVISION_DAYS, np.float64)


@dataclass(frozen=True, slots=True)
class Replay:
    """One rating's adjusted performances of all runs, and the months for which there are tables."""

    performances: Performances
    months: Ints
    sums: tuple[Sums, ...]
    """What the days before each month summed up to."""
    evenings: tuple[EveningLevels, ...] = ()
    """Of the days that were played, the changes of the levels, where they are settled."""
    newest_change: Floats | None = None
    """By run: the change of its race's level as it is known after the last day."""

    @property
    def tables(self) -> tuple[MonthOfEffects, ...]:
        """Return each month's tables."""
        return tuple(sums.month() for sums in self.sums)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a replay left of the runs before a day: another goes on from there."""

    first_day: int
    """The day with which it goes on."""
    performances: Performances
    """Of all runs; from that day on they are NaN, and revisions due after it may be stale."""
    months: Ints
    sums: tuple[Sums, ...]
    """Before each of the months, and, one more, of all days before the first to be played."""
    change: Floats | None = None
    """By run: the change of its race's level as known on that morning; ``None``: nothing has changed."""
    settled_on: int = BEFORE_ALL
    """The last evening before that day."""


@dataclass(frozen=True, slots=True)
class History:
    """Runs by day, of each day in race order, and what every rating needs to know of them, dog by dog.

    A dog's runs lie side by side, in order of day: ``place`` is where each run lies, ``order`` the run at
    each place. One entry a run in every array.
    """

    runs: Runs
    order: Ints
    place: Ints
    around: Ints
    """By place: where its dog's runs begin, where those of that day begin and end, where its dog's end."""
    facts: Floats
    """By place: day, track, zone and the number of the distance among ``log_distances``."""
    log_distances: Floats
    race: Ints
    meeting: Ints
    """Number of the track and distance."""

    @classmethod
    def of(cls, runs: Runs) -> "History":
        """Return what runs, in race order, are to the ratings."""
        order = np.lexsort((runs.day, runs.dog_id))
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        dog, day = runs.dog_id[order], runs.day[order]
        is_new_dog = np.diff(dog, prepend=dog[:1] - 1) != 0
        is_new_day = is_new_dog | (np.diff(day, prepend=day[:1]) != 0)
        distances, distance = np.unique(runs.distance_m[order], return_inverse=True)
        meeting = np.unique(runs.track_id * 10_000 + runs.distance_m.astype(np.int64), return_inverse=True)[1]
        dog_start, dog_end = _extent(is_new_dog)
        return cls(
            runs=runs,
            order=order,
            place=place,
            around=np.stack([dog_start, *_extent(is_new_day), dog_end], axis=1),
            facts=np.stack([day, runs.track_id[order], box_zone(runs.box)[order], distance], axis=1),
            log_distances=np.log(distances),
            race=race_numbers(runs.race_id),
            meeting=meeting,
        )

    def __len__(self) -> int:
        return len(self.runs)


def _extent(is_new: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return for each entry where its block begins and ends, given the first of each block."""
    edges = np.append(np.flatnonzero(is_new), len(is_new))
    block = np.cumsum(is_new) - 1
    return edges[block], edges[block + 1]


def replay(
    history: History,
    rating: Rating,
    courses: Courses,
    on_day: Callable[[int], None] = lambda n_runs: None,
    checkpoint: Checkpoint | None = None,
) -> Replay:
    """Return each run's adjusted performance, day by day, each day judged by the days before it."""
    runs = history.runs
    n_levels = len(courses) if rating.by_meeting else N_CLASSES
    if checkpoint is None:
        nothing = (Sums.empty(len(courses), n_levels),)
        before_all = int(runs.day.min(initial=0)) - 1
        checkpoint = Checkpoint(
            before_all, Performances.none(len(runs), rating), np.zeros(0, np.int64), nothing
        )
    measured = rating.measure(runs)
    course = courses.of(runs.track_id, runs.distance_m)
    state = _ReplayState(
        history=history,
        rating=rating,
        measured=measured,
        noise=rating.noise(measured),
        shift=np.zeros(len(runs)) if rating.shift is None else rating.shift(runs),
        course=course,
        box=box_index(runs.box),
        key=level_key(rating, runs, course),
        alike=_alike(history.log_distances, rating.kernel),
        performed=_performed_now(checkpoint, history.order),
        innovation=checkpoint.performances.innovation,
        levels=_open_levels(history, rating, checkpoint),
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
    due = _revisions_due(runs.day, checkpoint.first_day) if rating.is_revised else deque()
    for start, stop in _days(runs.day, checkpoint.first_day):
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
            sums.add(course[rows], state.box[rows], judged.residual, state.key[rows], judged.level)
        if state.levels is not None:
            state.settle(start, stop)
        on_day(stop - start)
    while due:  # of the last weeks: by all that is known, until later days tell more
        state.revise(due.popleft())
    if months:  # the month after the last holds all that is known
        months.append(months[-1] + 1)
        before_month.append(sums)
    settled_on = int(runs.day[-1]) if state.evenings else checkpoint.settled_on
    return Replay(
        state.performances(settled_on),
        np.array(months, np.int64),
        tuple(before_month),
        tuple(state.evenings),
        None if state.levels is None else state.levels.change[history.race],
    )


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    """A revision: on this day, of the runs of a day before; in the order in which they are done."""

    day: int
    revision: int
    start: int
    stop: int


@dataclass(kw_only=True, slots=True)
class _ReplayState:
    """One rating on its way through history; arrays hold one entry a run."""

    history: History
    rating: Rating
    measured: Floats
    noise: Floats
    """Variance of what was measured."""
    shift: Floats
    course: Ints
    box: Ints
    key: Ints
    alike: Floats
    """Covariance of ability over two distances, by their numbers."""
    performed: Floats
    """By place in :class:`History`: adjusted performances by revision, their noises, the shift."""
    innovation: Floats
    levels: OpenLevels | None
    """Of a rating whose levels are settled; then the first column of ``performed`` is as known now."""
    tables: dict[int, MonthOfEffects]
    evenings: list[EveningLevels] = field(default_factory=list)

    def settle(self, start: int, stop: int) -> None:
        """Work out, on the evening of a day's runs, how far the levels of the open races have moved."""
        assert self.levels is not None
        day, places = int(self.history.runs.day[start]), self.history.place[start:stop]
        self.evenings.append(self.levels.settle(day, places, self.performed, self.rating.kernel.numbers))

    def judge(self, rows: Ints, month: int) -> "JudgedDay":
        """Write down a day's adjusted performances, by what was known that morning."""
        places = self.history.place[rows]
        morning = float(self.history.runs.day[rows[0]])
        judged = self._explain(rows, self._abilities(places, WINDOW, 0, morning, morning), month)
        self._note(places, judged, 0)  # until a revision is due the fresh performance stands in its place
        self.performed[places, -1] = self.shift[rows]
        self.innovation[rows] = judged.innovation
        if self.levels is not None:  # whose own doubt of the level is taken up by settling it
            self.performed[places, 1] = self.noise[rows]
            self.levels.worth[places] = judged.adjusted
        return judged

    def revise(self, due: _Due) -> None:
        """Write down a day's adjusted performances, by what their runners did before and since."""
        rows = due.start + np.flatnonzero(~np.isnan(self.measured[due.start : due.stop]))
        if not len(rows):
            return
        places = self.history.place[rows]
        # As of the evening before: a revision due this very day may still be to come.
        known = self._abilities(places, RUNS_BEFORE, _RUNS_AFTER, due.day, due.day - 1.0)
        month = int(months_of(self.history.runs.day[rows[:1]])[0])
        judged = self._explain(rows, known, month)
        self._note(places, judged, due.revision)

    def _note(self, places: Ints, judged: "JudgedDay", revision: int) -> None:
        n = self.rating.n_revisions
        for column in range(revision, n):
            self.performed[places, column] = judged.adjusted
            self.performed[places, n + column] = judged.noise

    def performances(self, settled_on: int) -> Performances:
        """Return what was written down, one row a run in race order, given the day of the last evening."""
        n, done = self.rating.n_revisions, self.performed[self.history.place]
        adjusted, change = done[:, :n].copy(), np.full(len(done), np.nan)
        if self.levels is not None:
            adjusted[:, 0] = self.levels.worth[self.history.place]
            is_final = self.history.runs.day < settled_on - OPEN_DAYS
            change[is_final] = self.levels.change[self.history.race[is_final]]
        return Performances(adjusted, done[:, n:-1].copy(), done[:, -1].copy(), self.innovation, change)

    def _abilities(self, places: Ints, n_before: int, n_after: int, until: float, as_of: float) -> Posterior:
        """Return what is known of the runners of a day by their runs before, and after until a day.

        ``as_of`` is the day by which those are revised.
        """
        history, kernel = self.history, self.rating.kernel.numbers
        around = history.around, history.facts, self.performed
        return Posterior(
            *steps.abilities(places, n_before, n_after, until, as_of, *around, _LAGS, kernel, self.alike)
        )

    def _explain(self, rows: Ints, known: Posterior, month: int) -> "JudgedDay":
        """Return the adjusted performances of one day's runs, given what was known of their dogs."""
        rating, table = self.rating, self.tables[month]
        group = (self.history.meeting if rating.by_meeting else self.history.race)[rows]
        group = group - group.min()
        box = table.box[self.course[rows], self.box[rows]]
        adjusted, noise, level, innovation = steps.explain(
            group,
            int(group.max()) + 1,
            (known.mean, known.loading, known.variance),
            self.measured[rows],
            self.noise[rows],
            box,
            table.level[self.key[rows]],
            table.overall,
            np.nan if rating.debut is None else rating.debut,
            rating.level_variance,
            _ALONE_VARIANCE,
            _OUTLIER_SD,
            not rating.by_meeting,
        )
        return JudgedDay(adjusted, noise, level, innovation, box)


def _performed(performances: Performances, order: Ints) -> Floats:
    """Return performances in another order, as the steps of the filter take them."""
    columns = performances.adjusted, performances.noise, performances.shift[:, None]
    return np.concatenate([values[order] for values in columns], axis=1)


def _performed_now(checkpoint: Checkpoint, order: Ints) -> Floats:
    """Return the performances of a checkpoint as known on its morning."""
    performed = _performed(checkpoint.performances, order)
    if checkpoint.change is not None:
        performed[:, 0] -= checkpoint.change[order]
    return performed


def _open_levels(history: History, rating: Rating, checkpoint: Checkpoint) -> OpenLevels | None:
    """Return the levels as they are known on the morning of the first day, if the rating settles them."""
    if not rating.is_settled:
        return None
    first_of_race = np.flatnonzero(np.diff(history.race, prepend=-1))
    change = np.zeros(len(history)) if checkpoint.change is None else checkpoint.change
    return OpenLevels(
        race=history.race[history.order],
        race_id=history.runs.race_id[first_of_race],
        race_day=history.runs.day[first_of_race],
        around=history.around,
        facts=history.facts,
        worth=checkpoint.performances.adjusted[history.order, 0],
        change=change[first_of_race],
        first_day=checkpoint.first_day,
    )


def _alike(log_distances: Floats, kernel: Kernel) -> Floats:
    """Return the covariance of ability over each two distances; shape (n, n)."""
    logs = log_distances.tolist()
    found = np.empty((len(logs), len(logs)))
    for i, one in enumerate(logs):
        farther = [
            kernel.distance * math.exp(-abs(one - other) / kernel.distance_scale) for other in logs[i:]
        ]
        found[i, i:] = found[i:, i] = farther
    return found


def _revisions_due(day: Ints, first_day: int) -> deque[_Due]:
    """Return all revisions that runs of a day or later may change, in order."""
    due = [
        _Due(int(day[start]) + lag, revision, start, stop)
        for start, stop in _days(day, first_day - max(REVISION_DAYS))
        for revision, lag in enumerate(REVISION_DAYS, start=1)
    ]
    return deque(sorted(revision for revision in due if revision.day > first_day))


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


def level_key(rating: Rating, runs: Runs, course: Ints) -> Ints:
    """Return the key of each run's level: its course for the going, its class for the opposition."""
    if rating.by_meeting:
        return course
    return np.nan_to_num(runs.grade, nan=0.0).astype(np.int64)


def _days(day: Ints, first_day: int) -> Iterator[tuple[int, int]]:
    """Yield the rows of each day, from a day on."""
    first = int(np.searchsorted(day, first_day))
    later = day[first:]
    edges = [*np.flatnonzero(np.diff(later, prepend=later[:1] - 1)).tolist(), len(later)]
    for start, stop in pairwise(edges):
        yield first + start, first + stop
