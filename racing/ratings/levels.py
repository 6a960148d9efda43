"""How far the levels of past races have moved since their day: all solved together, every evening.

A race is as strong as its runners, and how strong they were shows when they run again (collateral form).
Each evening the races of the last :data:`OPEN_DAYS` days are open: what a race was run against is worked
out anew from the other runs of its runners, before and since, and those runs are themselves rid of the
levels of *their* races as of the evening before. That is block coordinate descent (Bezdek and others,
1987) on the joint posterior of all dogs' abilities and all races' levels, one step an evening, begun where
the last evening ended. A race that is open no more keeps its last change.

The change of one evening is known on the mornings after it, so each evening's changes are stored
(:class:`racing.database.tables.LevelChanges`), and a race of any day is judged by what was known that
morning.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from racing.domain.runs import WINDOW, Floats, Ints
from racing.ops import filter as steps

OPEN_DAYS = 120
"""So many days the level of a race is worked out anew; later ones would hardly move it."""


@dataclass(frozen=True, slots=True)
class EveningLevels:
    """What an evening found: the open races, and how far each one's level has moved since its day."""

    day: int
    race_id: NDArray[np.uint32]
    change: NDArray[np.float32]


@dataclass(slots=True)
class OpenLevels:
    """The changes of all races on the way through history.

    Runs are given as they lie dog by dog, in order of day: the places of
    :class:`racing.ratings.replay.History`.
    """

    race: Ints
    """By place: the number of the race; later races have higher numbers."""
    race_id: Ints
    """By number."""
    race_day: Ints
    """By number, ascending."""
    around: Ints
    facts: Floats
    worth: Floats
    """By place: what a run was worth on its day."""
    change: Floats
    """By number of the race; 0 on its day."""
    first_day: int
    """Runs before it are there when the passage begins."""
    _dog: Ints = field(init=False)
    _begin: Ints = field(init=False)
    _end: Ints = field(init=False)
    _last_day: Ints = field(init=False)

    def __post_init__(self) -> None:
        starts = self.around[:, 0]
        is_first = np.diff(starts, prepend=-1) != 0
        self._dog = np.cumsum(is_first) - 1
        self._begin = starts[is_first]
        day = self.facts[:, 0].astype(np.int64)
        is_before = day < self.first_day
        n_dogs = len(self._begin)
        self._end = self._begin + np.bincount(self._dog[is_before], minlength=n_dogs)
        has_run = self._end > self._begin
        self._last_day = np.full(n_dogs, np.iinfo(np.int64).min // 2)
        self._last_day[has_run] = day[self._end[has_run] - 1]

    def settle(self, day: int, places: Ints, performed: Floats, kernel: Floats) -> EveningLevels:
        """Work out the changes on the evening of a day on which these runs took place.

        ``performed``, as :func:`racing.ops.filter.settle` takes it, is brought up to date.
        """
        dogs = self._dog[places]
        self._end[dogs] = self.around[places, 2]
        self._last_day[dogs] = day
        active = self._last_day >= day - OPEN_DAYS
        end = self._end[active]
        windows = np.stack([np.maximum(end - WINDOW, self._begin[active]), end], axis=1)
        first = int(np.searchsorted(self.race_day, day - OPEN_DAYS))
        last = int(np.searchsorted(self.race_day, day, side="right"))
        debut, by_day, by_run = kernel[:3].tolist()
        steps.settle(
            windows, self.race, self.facts, self.worth, performed, self.change, first, debut, by_day, by_run
        )
        return EveningLevels(
            day, self.race_id[first:last].astype(np.uint32), self.change[first:last].astype(np.float32)
        )


def changes_on_mornings(
    day: Ints, index: Ints, race_id: Ints, final: Floats, evenings: Iterable[EveningLevels]
) -> Floats:
    """Return how far the levels behind each entry's form had moved by its morning; shape of ``index``.

    Parameters
    ----------
    day
        Of the entries, ascending.
    index
        The rows of the runs of each entry's form, -1 for none; shape (n, K).
    race_id, final
        By row of the runs: the race, and its change since it is open no more (NaN: it still is).
    evenings
        Those of the days before the entries' days, in order; more do no harm.
    """
    races, number = np.unique(race_id, return_inverse=True)
    known = np.zeros(len(races))
    is_final = ~np.isnan(final)
    found = np.zeros(index.shape)
    stops = iter(evenings)
    coming = next(stops, None)
    edges = [*np.flatnonzero(np.diff(day, prepend=day[:1] - 1)).tolist(), len(day)]
    known[number[is_final]] = final[is_final]
    for start, stop in pairwise(edges):
        while coming is not None and coming.day < day[start]:
            there, where = _positions(races, coming.race_id)
            known[where] = coming.change[there]
            coming = next(stops, None)
        rows = index[start:stop]
        found[start:stop] = np.where(rows >= 0, known[number[np.maximum(rows, 0)]], 0.0)
    return found


def _positions(races: Ints, wanted: NDArray[np.uint32]) -> tuple[Ints, Ints]:
    """Return which of the wanted there are among races (ascending), and where."""
    where = np.minimum(np.searchsorted(races, wanted), max(len(races) - 1, 0))
    there = np.flatnonzero(races[where] == wanted) if len(races) else np.zeros(0, np.int64)
    return there, where[there]
