"""What runs are worth whose race or meeting is not known: those that a request brings along.

The level of such a run (its opposition, or the going) is what its class or its course has had of late, and as
uncertain as such levels are: its variance is added to the noise.  That is the same Gaussian model as in
:mod:`racing.ratings.replay`, with nothing but the prior to say of the level.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from racing.ratings.catalog import RATINGS, Rating
from racing.ratings.effects import EffectBook
from racing.ratings.posterior import Seen
from racing.runs import Floats

_N_REMEMBERED = 20_000


def seen_alone(rating: Rating, runs: Any, box: Floats, level: Floats) -> Seen:
    """Return what runs are worth to one rating by themselves, given what box and level usually are.

    ``runs`` has the columns of :class:`racing.runs.Runs`, in any one shape.
    """
    measured = rating.measure(runs)
    shift = measured * 0.0 if rating.shift is None else rating.shift(runs)
    return Seen(
        worth=measured - box - level,
        noise=rating.noise(measured) + rating.lone_variance,
        shift=np.where(np.isnan(measured), 0.0, shift),
        innovation=measured * np.nan,
    )


class UsualEffects:
    """What box and level usually are for runs of some month, course, box and class; looked up once each.

    ``number`` gives a run's row, a whole number; ``of`` the rows' effects.
    """

    COLUMNS = tuple(f"{rating.name}_{part}" for part in ("box", "level") for rating in RATINGS)

    def __init__(self, effects: EffectBook) -> None:
        self._effects = effects
        self._months = effects.months.tolist()
        self._numbers: dict[tuple[int, int, int, int, int], int] = {}
        self._rows = np.empty((256, len(self.COLUMNS)))

    def number(self, month: int, track_id: int, distance_m: int, box: int, grade: int) -> int:
        """Return the row of a run: month counted from 1970-01, box 0 unknown, class 0 unknown."""
        key = (month, track_id, distance_m, box, grade)
        found = self._numbers.get(key)
        return self._add(key) if found is None else found

    def of(self, numbers: ArrayLike) -> Floats:
        """Return shape (n, len(COLUMNS))."""
        return self._rows[np.asarray(numbers, np.int64)]

    def is_full(self) -> bool:
        """Return whether it is time for a fresh one."""
        return len(self._numbers) >= _N_REMEMBERED

    def _add(self, key: tuple[int, int, int, int, int]) -> int:
        number = len(self._numbers)
        if number == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[number] = self._look_up(*key)
        self._numbers[key] = number
        return number

    def _look_up(self, month: int, track_id: int, distance_m: int, box: int, grade: int) -> list[float]:
        if not self._months:  # boxes have no effect then, and nothing is known of levels
            return [0.0] * len(RATINGS) + [np.nan] * len(RATINGS)
        row = max(sum(known <= month for known in self._months) - 1, 0)
        course = self._effects.courses.rows.get((track_id, distance_m), 0)
        tables = [(rating, self._effects.by_rating[rating.name][row]) for rating in RATINGS]
        boxes = [float(table.box[course, box]) for _, table in tables]
        levels = [float(table.level[course if rating.by_meeting else grade]) for rating, table in tables]
        # An unknown class is any class; an unknown course says nothing of a time.
        known = [
            table.overall if np.isnan(level) and not rating.by_meeting else level
            for level, (rating, table) in zip(levels, tables, strict=True)
        ]
        return boxes + known
