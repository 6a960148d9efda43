"""The sums behind the tables of every month, as the database keeps them: one row a rating and month."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from sqlalchemy import Connection, delete, insert, select

from racing.database.tables import Effect
from racing.domain.classes import N_CLASSES
from racing.domain.runs import Floats, Ints
from racing.ratings.catalog import RATINGS
from racing.ratings.effects import Courses, EffectBook, Sums, months_of
from racing.ratings.replay import Replay

_EFFECT = Effect.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class StoredSums:
    """Every month's sums of every rating, in the rows of the same courses."""

    courses: Courses
    months: Ints
    """Months since 1970-01, ascending."""
    by_rating: Mapping[str, tuple[Sums, ...]]
    until: int | None = None
    """The newest day in the sums of the last month, where that is known."""

    def moved_to(self, courses: Courses) -> "StoredSums":
        """Return the sums in the rows of other courses."""
        by_rating = {
            rating.name: tuple(
                sums.moved(self.courses, courses, by_course=rating.by_meeting)
                for sums in self.by_rating[rating.name]
            )
            for rating in RATINGS
        }
        return StoredSums(courses, self.months, by_rating, self.until)

    def book(self) -> EffectBook:
        """Return the tables that the sums give, for look-up by date."""
        tables = {name: tuple(sums.month() for sums in months) for name, months in self.by_rating.items()}
        return EffectBook(self.courses, self.months, tables)


def sums_of(courses: Courses, played: Mapping[str, Replay], until: int | None) -> StoredSums:
    """Return the sums that a replay of every rating left, which ended on a day."""
    months = next(iter(played.values())).months
    return StoredSums(courses, months, {name: replay.sums for name, replay in played.items()}, until)


def load_sums(connection: Connection, since: dt.date | None = None) -> StoredSums:
    """Return what the database holds; no months where that is nothing, or not whole.

    With a day: only its month, those after it and the one before.
    """
    stored = set(map(tuple, connection.execute(select(_EFFECT.c.name, _EFFECT.c.as_of))))
    days = sorted({as_of for _, as_of in stored})
    if not days or stored != {(rating.name, day) for rating in RATINGS for day in days}:
        return StoredSums(Courses(), np.zeros(0, np.int64), {rating.name: () for rating in RATINGS})
    if since is not None:
        n_before = sum(day < since.replace(day=1) for day in days)
        days = days[max(min(n_before, len(days) - 1) - 1, 0) :]
    rows = connection.execute(select(*_EFFECT.c).where(_EFFECT.c.as_of >= days[0]))
    cells = {(row.name, row.as_of): json.loads(row.cells) for row in rows}
    newest = cells[RATINGS[0].name, days[-1]]
    courses = Courses((track, metres) for track, metres in newest["courses"])
    by_rating = {
        rating.name: tuple(
            _sums_in(cells[rating.name, day], len(courses), len(courses) if rating.by_meeting else N_CLASSES)
            for day in days
        )
        for rating in RATINGS
    }
    months = months_of(np.array(days, "datetime64[D]").astype(np.int64))
    return StoredSums(courses, months, by_rating, newest.get("until"))


def write_sums(connection: Connection, sums: StoredSums, n_left: int, before: StoredSums | None) -> None:
    """Write the months behind the first ``n_left``; all where the courses, and so the rows, are others.

    ``before`` is what :func:`load_sums` gave of the same first month; without it nothing of before stays.
    """
    if before is None:
        connection.execute(delete(_EFFECT))
    else:
        first = day_of_month(int(before.months[n_left]))
        connection.execute(delete(_EFFECT).where(_EFFECT.c.as_of >= first))
        if list(sums.courses.rows) != list(before.courses.rows):
            older = rows_of(load_sums(connection).moved_to(sums.courses), 0)
            connection.execute(delete(_EFFECT))
            if older:
                connection.execute(insert(_EFFECT), older)
    new = rows_of(sums, n_left)
    if new:
        connection.execute(insert(_EFFECT), new)


def rows_of(stored: StoredSums, first: int) -> list[dict[str, object]]:
    """Return the rows to keep of the months from the ``first`` of them on."""
    courses = {"courses": [list(pair) for pair in stored.courses.rows]}
    newest = int(stored.months[-1]) if len(stored.months) else None
    return [
        {
            "name": name,
            "as_of": day_of_month(month),
            "cells": json.dumps(
                courses
                | {part: _flat(getattr(sums, part)) for part in _PARTS}
                | ({} if stored.until is None or month != newest else {"until": stored.until})
            ),
        }
        for name, months in stored.by_rating.items()
        for month, sums in zip(stored.months[first:].tolist(), months[first:], strict=True)
    ]


def day_of_month(month: int) -> dt.date:
    """Return the first day of a month since 1970-01."""
    day: dt.date = np.datetime64(month, "M").astype("datetime64[D]").item()
    return day


_PARTS = tuple(field.name for field in fields(Sums))


def _sums_in(cells: Mapping[str, list[float]], n_courses: int, n_levels: int) -> Sums:
    box_sum, box_count, level_sum, level_count = (np.array(cells[part], np.float64) for part in _PARTS)
    shape = (n_courses, -1)
    n_new = max(n_levels - len(level_sum), 0)  # classes that came later
    levels = (np.append(level, np.zeros(n_new)) for level in (level_sum, level_count))
    return Sums(box_sum.reshape(shape), box_count.reshape(shape), *levels)


def _flat(values: Floats) -> list[float | int]:
    """Return the numbers, row after row; the whole ones, mostly 0, without their point."""
    return [int(value) if value.is_integer() else value for value in values.ravel().tolist()]
