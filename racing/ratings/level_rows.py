"""The changes of levels in the database: an evening a row, and what of them holds for the runs of some
dogs."""

import datetime as dt
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, bindparam, delete, func, select

from racing.database.bulk import insert_columns
from racing.database.tables import LevelChanges
from racing.domain.runs import Floats, Ints
from racing.history import EPOCH
from racing.ratings.levels import EveningLevels

_EVENING = LevelChanges.__table__  # type: ignore[attr-defined]
_RACE, _CHANGE = np.dtype("<u4"), np.dtype("<f4")


def last_evening(connection: Connection, before: dt.date | None = None) -> EveningLevels | None:
    """Return what was known on the morning of a day; without one, what is known now."""
    query = select(*_EVENING.c).order_by(_EVENING.c.day.desc()).limit(1)
    if before is not None:
        query = query.where(_EVENING.c.day < before)
    row = connection.execute(query).first()
    return None if row is None else _evening(row)


_LAST_BEFORE = (
    select(_EVENING.c.day, _EVENING.c.digest)
    .where(_EVENING.c.day < bindparam("date"))
    .order_by(_EVENING.c.day.desc())
    .limit(1)
)


class EveningReader:
    """Reads what was known on the morning of a day, and remembers the last one that it read."""

    def __init__(self) -> None:
        self._read: tuple[str, EveningLevels] | None = None

    def before(self, connection: Connection, date: dt.date) -> EveningLevels | None:
        """Return the last evening before a day, read anew where the stored one is another."""
        newest = _EVENING.c.day.desc()
        query = (
            select(_EVENING.c.day, _EVENING.c.digest).where(_EVENING.c.day < date).order_by(newest).limit(1)
        )
        stored = connection.execute(query).first()
        if stored is None:
            return None
        key = f"{stored.day} {stored.digest}"
        read = self._read
        if read is None or read[0] != key:
            evening = last_evening(connection, date)
            if evening is None:
                return None
            self._read = read = key, evening
        return read[1]


def load_evenings(
    connection: Connection, start: dt.date | None = None, until: dt.date | None = None
) -> list[EveningLevels]:
    """Return what was known on the mornings of some days, both inclusive, in order."""
    query = select(*_EVENING.c).order_by(_EVENING.c.day)
    if start is not None:
        before = select(func.max(_EVENING.c.day)).where(_EVENING.c.day < start).scalar_subquery()
        query = query.where(_EVENING.c.day >= func.coalesce(before, start))
    if until is not None:
        query = query.where(_EVENING.c.day < until)
    return [_evening(row) for row in connection.execute(query)]


def evenings_of(connection: Connection, days: Iterable[int]) -> list[EveningLevels]:
    """Return what was found on the evenings of some days, those that there are."""
    wanted = [EPOCH + dt.timedelta(days=day) for day in days]
    return [
        _evening(row) for row in connection.execute(select(*_EVENING.c).where(_EVENING.c.day.in_(wanted)))
    ]


def write_evenings(
    connection: Connection, first_day: dt.date | None, evenings: Iterable[EveningLevels]
) -> None:
    """Write evenings in place of all from a day on; without one, in place of all there are."""
    old = delete(_EVENING) if first_day is None else delete(_EVENING).where(_EVENING.c.day >= first_day)
    connection.execute(old)
    rows = []
    for evening in evenings:
        order = np.argsort(evening.race_id)
        races, changes = evening.race_id[order].astype(_RACE), evening.change[order].astype(_CHANGE)
        packed = races.tobytes(), changes.tobytes()
        rows.append((EPOCH + dt.timedelta(days=evening.day), f"{zlib.crc32(b''.join(packed)):08x}", *packed))
    if rows:
        insert_columns(
            connection, _EVENING, dict(zip(_EVENING.c.keys(), zip(*rows, strict=True), strict=True))
        )


def changes_known(race_id: Ints, final: Floats, evening: EveningLevels | None) -> Floats:
    """Return how far the levels of runs' races had moved on a stored evening; 0 where nothing is known of it.

    ``final`` are the changes of races that are open no more, NaN elsewhere; what was open that evening is as
    it was then.
    """
    known = np.nan_to_num(final, nan=0.0)
    if evening is None or not len(evening.race_id):
        return known
    races = evening.race_id
    where = np.minimum(np.searchsorted(races, race_id), len(races) - 1)
    return np.where(races[where] == race_id, evening.change[where].astype(np.float64), known)


def _evening(row: Row[Any]) -> EveningLevels:
    return EveningLevels(
        (row.day - EPOCH).days, np.frombuffer(row.races, _RACE), np.frombuffer(row.changes, _CHANGE)
    )
