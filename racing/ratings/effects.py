"""Tables learnt from history as of the first day of each month: box effects and levels of every rating.

A month's table holds what the days before that month taught; older months count less (x 0.9 a month).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from racing.domain.runs import Floats, Ints

N_BOXES = 9
"""Box 0 stands for an unknown box."""
ANY_COURSE = 0
_FADING = 0.9
_MOST_METRES = 10_000  # a distance lies below
_BOX_PRIOR = 60.0  # runs from a box at one course before it counts as much as boxes everywhere
_ANY_BOX_PRIOR = 200.0


class Courses:
    """Rows for the pairs of track and distance; row 0 stands for any that is unknown."""

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        self.rows: dict[tuple[int, int], int] = {pair: row for row, pair in enumerate(pairs, start=1)}

    def __len__(self) -> int:
        return len(self.rows) + 1

    def of(self, track_id: Ints, distance_m: Floats) -> Ints:
        """Return the row of each pair."""
        numbers, which = np.unique(_numbers(track_id, distance_m), return_inverse=True)
        pairs = (divmod(number, _MOST_METRES) for number in numbers.tolist())
        return np.array([self.rows.get(pair, ANY_COURSE) for pair in pairs], np.int64)[which]

    @classmethod
    def seen_in(cls, track_id: Ints, distance_m: Floats) -> "Courses":
        """Return the courses of some runs, in order of track and distance."""
        return cls(
            divmod(number, _MOST_METRES) for number in np.unique(_numbers(track_id, distance_m)).tolist()
        )


def _numbers(track_id: Ints, distance_m: Floats) -> Ints:
    """Return one number for each pair of track and distance, in their order."""
    return track_id * _MOST_METRES + distance_m.astype(np.int64)


@dataclass(slots=True)
class Sums:
    """Running sums of a rating's residuals by course and box, and of its levels by key."""

    box_sum: Floats
    box_count: Floats
    level_sum: Floats
    level_count: Floats

    @classmethod
    def empty(cls, n_courses: int, n_levels: int) -> "Sums":
        """Return sums of nothing yet."""
        shape = (n_courses, N_BOXES)
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(n_levels), np.zeros(n_levels))

    def add(self, course: Ints, box: Ints, residual: Floats, key: Ints, level: Floats) -> None:
        """Take in a day's runs: what box and noise made of each, and the level that it ran against."""
        np.add.at(self.box_sum, (course, box), residual)
        np.add.at(self.box_count, (course, box), 1.0)
        np.add.at(self.level_sum, key, level)
        np.add.at(self.level_count, key, 1.0)

    def copy(self) -> "Sums":
        """Return the sums as they are now."""
        return Sums(*(sums.copy() for sums in self._all()))

    def moved(self, old: Courses, new: Courses, *, by_course: bool) -> "Sums":
        """Return the sums in the rows of other courses; ``by_course``: levels are by course too."""
        to = [ANY_COURSE, *(new.rows.get(pair, -1) for pair in old.rows)]
        old_rows, rows = [i for i, row in enumerate(to) if row >= 0], [row for row in to if row >= 0]
        result = Sums.empty(len(new), len(new) if by_course else len(self.level_sum))
        for sums, moved in zip(self._all(), result._all(), strict=True):
            if sums.ndim == 2 or by_course:
                moved[rows] = sums[old_rows]
            else:
                moved[:] = sums
        return result

    def fade(self) -> None:
        """Let a month pass."""
        for sums in self._all():
            sums *= _FADING

    def month(self) -> "MonthOfEffects":
        """Return the tables that these sums give."""
        anywhere = self.box_sum.sum(axis=0) / (self.box_count.sum(axis=0) + _ANY_BOX_PRIOR)
        box = (self.box_sum + _BOX_PRIOR * anywhere) / (self.box_count + _BOX_PRIOR)
        box[ANY_COURSE] = anywhere
        # Box 0 is a reserve whose box is unknown: no effect.
        box[:, 0] = 0.0
        with np.errstate(invalid="ignore"):
            level = self.level_sum / self.level_count  # NaN where nothing is known
            overall = _in_order(self.level_sum) / _in_order(self.level_count)
        return MonthOfEffects(box=box, level=level, overall=float(overall))

    def _all(self) -> tuple[Floats, Floats, Floats, Floats]:
        return self.box_sum, self.box_count, self.level_sum, self.level_count


def _in_order(values: Floats) -> np.float64:
    """Return the sum, term by term: rows of nothing in between do not change its last bit."""
    total: np.float64 = np.cumsum(values)[-1]
    return total


@dataclass(frozen=True, slots=True)
class MonthOfEffects:
    """One rating's tables for one month: ``box`` of shape (n_courses, 9), ``level`` of shape (n_keys,)."""

    box: Floats
    level: Floats
    overall: float


@dataclass(frozen=True, slots=True)
class EffectBook:
    """All months of all ratings' tables, for look-up by date."""

    courses: Courses
    months: Ints
    """Months since 1970-01, ascending."""
    by_rating: Mapping[str, tuple[MonthOfEffects, ...]]
    """One entry a month."""

    def month_row(self, day: Ints) -> Ints:
        """Return for each day the row of the newest table made before its month began, -1 for none."""
        return np.searchsorted(self.months, months_of(day), side="right") - 1


def months_of(day: Ints) -> Ints:
    """Return months since 1970-01 of days since 1970-01-01."""
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def box_index(box: Floats) -> Ints:
    """Return 1-8, or 0 for an unknown box."""
    known = np.nan_to_num(box, nan=0.0).astype(np.int64)
    return np.where(known < N_BOXES, known, 0)
