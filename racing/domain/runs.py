"""Runs as arrays, and each entry's form: the runs of its dog strictly before race day, newest first."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

WINDOW = 12
"""Runs that a dog's form reaches back: gains beyond ten were nil, and a card shows five."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Runs in race order (day, race, start number); one entry a run in every array, NaN where unknown."""

    run_id: Ints
    race_id: Ints
    dog_id: Ints
    day: Ints
    """Days since 1970-01-01."""
    track_id: Ints
    distance_m: Floats
    number: Ints
    """Box, or a reserve's rug while its box is unknown: the order within the race."""
    box: Floats
    grade: Floats
    """Class as :func:`racing.domain.classes.grade_class` gives it; higher is stronger."""
    weight_kg: Floats
    finish_position: Floats
    won: Floats
    placed: Floats
    time_s: Floats
    first_split_s: Floats
    margin_lengths: Floats
    early_position: Floats
    """Position at the first call."""
    n_starters: Floats
    """Field size, where every starter is known."""
    market_share: Floats
    """The market's probability of a win, shared within the race where all its prices are known."""
    rated_price: Floats
    """Decimal odds of Betfair's model, known before the race."""
    early_speed: Floats
    """Betfair's, 0 to 1, known before the race."""
    career_runs: Floats
    """Runs of the dog before that day, all that are known."""
    first_day: Floats
    """Day of the dog's first known run; its own at a debut."""

    def __len__(self) -> int:
        return len(self.run_id)

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def take(self, rows: Any) -> "Runs":
        """Return some rows, in the order given."""
        return Runs(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """Runners about to run: what a card says, one entry a runner, races contiguous."""

    race: Ints
    """0, 1, 2 ... in order."""
    day: Ints
    track_id: Ints
    distance_m: Floats
    box: Floats
    grade: Floats
    weight_kg: Floats
    rated_price: Floats
    early_speed: Floats
    career_runs: Floats
    first_day: Floats

    def __len__(self) -> int:
        return len(self.race)

    @property
    def n_runners(self) -> Floats:
        """Return the number of runners in each entry's race."""
        return np.bincount(self.race)[self.race].astype(np.float64)

    @property
    def zone(self) -> Floats:
        """Return the part of the start line: 1 inside, 2 middle, 3 outside, 0 unknown."""
        return box_zone(self.box)


def entries_of(runs: Runs) -> Entries:
    """Return runs that took place as if they were about to."""
    shared = {f.name: getattr(runs, f.name) for f in fields(Entries) if f.name != "race"}
    return Entries(race=race_numbers(runs.race_id), **shared)


def race_numbers(race_id: Ints) -> Ints:
    """Return 0, 1, 2 ... for races in order, given the race of each runner, contiguous."""
    return np.cumsum(np.diff(race_id, prepend=race_id[:1]) != 0)


def box_zone(box: Floats) -> Floats:
    """Return 1 for boxes 1-2, 2 for 3-5, 3 for 6 and beyond, 0 for an unknown box."""
    outer = np.where(box <= 5, 2.0, 3.0)
    return np.where(box >= 1, np.where(box <= 2, 1.0, outer), 0.0)


def windows(dog_id: Ints, day: Ints, size: int = WINDOW) -> Ints:
    """Return for each run the rows of its dog's last runs before that day, newest first, -1 where none.

    Shape (n, size). Runs of the same day are not among them.
    """
    n = len(dog_id)
    rows = np.arange(n)
    order = np.lexsort((rows, day, dog_id))
    new_dog = np.diff(dog_id[order], prepend=-1 - np.abs(dog_id).max(initial=0)) != 0
    new_day = new_dog | (np.diff(day[order], prepend=np.iinfo(np.int64).min // 2) != 0)
    first_of_dog = np.maximum.accumulate(np.where(new_dog, rows, 0))
    first_of_day = np.maximum.accumulate(np.where(new_day, rows, 0))
    reach = first_of_day[:, None] - 1 - np.arange(size)
    found = np.where(reach >= first_of_dog[:, None], order[np.maximum(reach, 0)], -1)
    result = np.empty((n, size), np.int64)
    result[order] = found
    return result


def careers(dog_id: Ints, day: Ints) -> tuple[Floats, Floats]:
    """Return for each run how many of its dog's came on days before, and the day of the first of all."""
    order = np.lexsort((day, dog_id))
    dogs, days = dog_id[order], day[order]
    rows = np.arange(len(order))
    new_dog = np.diff(dogs, prepend=-1 - np.abs(dogs).max(initial=0)) != 0
    new_day = new_dog | (np.diff(days, prepend=np.iinfo(np.int64).min // 2) != 0)
    first_of_dog = np.maximum.accumulate(np.where(new_dog, rows, 0))
    first_of_day = np.maximum.accumulate(np.where(new_day, rows, 0))
    n_before, first = np.empty(len(order)), np.empty(len(order))
    n_before[order] = first_of_day - first_of_dog
    first[order] = days[first_of_dog]
    return n_before, first


def later_runs(dog_id: Ints, day: Ints, size: int) -> Ints:
    """Return for each run the rows of its dog's next runs after that day, the next first, -1 where none.

    Shape (n, size). It is :func:`windows` of time turned round.
    """
    turned = windows(dog_id[::-1], -day[::-1], size)[::-1]
    return np.where(turned >= 0, len(dog_id) - 1 - turned, -1)


class Form:
    """The runs behind n entries, as columns of shape (n, K): newest run first, NaN where there is no run.

    ``form.time_s`` and ``form["time_s"]`` are the same column. Beside those of :class:`Runs` there may be
    others, such as what the ratings made of each run (:mod:`racing.ratings.performances`).
    """

    def __init__(self, columns: Mapping[str, Floats]) -> None:
        self._columns = columns
        self.known: Flags = columns["day"] == columns["day"]
        """Whether there is a run, of shape (n, K)."""

    @classmethod
    def gathered(
        cls,
        columns: Mapping[str, NDArray[Any]],
        index: Ints,
        known: Mapping[str, Floats] | None = None,
    ) -> "Form":
        """Return the form of entries of history: a column is gathered when it is first used.

        ``columns`` have one value a run; ``index``, of shape (n, K), the rows of the runs, -1 for none;
        ``known`` are columns of that shape, whose values depend on the entry and not on the run alone.
        """
        return cls(_Gathered(columns, index, known or {}))

    def __getitem__(self, column: str) -> Floats:
        return self._columns[column]

    def __getattr__(self, column: str) -> Floats:
        try:
            return self._columns[column]
        except KeyError:
            raise AttributeError(column) from None


class _Gathered(dict[str, Floats]):
    """Columns of history at the rows of each entry's form, in shape (n, K)."""

    def __init__(self, columns: Mapping[str, NDArray[Any]], index: Ints, known: Mapping[str, Floats]) -> None:
        super().__init__(known)
        self._columns = columns
        self._known = index >= 0
        self._rows = np.where(self._known, index, 0)

    def __missing__(self, name: str) -> Floats:
        values = self._columns[name]
        if len(values):
            gathered = np.where(self._known, values[self._rows].astype(np.float64), np.nan)
        else:
            gathered = np.full(self._rows.shape, np.nan)
        self[name] = gathered
        return gathered
