"""Rows without a distance (The Greyhound Recorder) or without dogs' names (box order) join known races.

Such a row names a day, a track and a race's number, and a dog or a box. It joins the race that other sources
know so, and waits in :class:`~racing.database.tables.WaitingRow` until there is one. What it joins is found
from the other sources' rows alone, and what it adds are source rows that name that race in their key: so the
order of files does not matter, a file taken out leaves the others as they are, and no such row makes a race,
merges two or splits one.

A row that contradicts its race (a box nobody had, another winner, a dog that is not in it) stays out, with a
reason: the other sources are the stronger. Of box order the named boxes won or were placed and the other
starters lost; a reserve (9, 10) that is not named in a race without another result did not start.
"""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlmodel import SQLModel, col

from racing.database.tables import Dog, SourceRow, TrackAlias, WaitingRow
from racing.domain.names import name_key
from racing.importers.entities import CHUNK, EntityResolver
from racing.importers.records.source_record import SourceRecord, date_distance_key, day_of_key
from racing.importers.resolve import joins
from racing.importers.waiting.joining import COLUMNS, STRAIGHT_OF, Joining
from racing.importers.waiting.known_race import WaitingRecord, races_of

_DAYS_A_QUERY = 100


@dataclass(slots=True)
class Rejoined:
    """What changes among the source rows that are made from waiting ones."""

    new_rows: list[SourceRecord] = field(default_factory=list)
    gone: list[SourceRecord] = field(default_factory=list)
    contradictions: list[tuple[int, int, str]] = field(default_factory=list)
    """File, line and reason of rows that now stay out of the race that they name."""
    n_waiting: Counter[int] = field(default_factory=Counter)
    """Lines that wait, by file, of the days that were looked at."""


def rejoin(connection: Connection, days: Iterable[dt.date], new_rows: list[SourceRecord]) -> Rejoined:
    """Let the waiting rows of some days join the races of stored and new rows; delete what no longer joins.

    The caller holds :func:`~racing.database.change_log.lock_races` and writes the new rows.
    """
    waiting = list(_of_days(connection, WaitingRow, sorted(set(days))))
    rejoined = Rejoined()
    if not waiting:
        return rejoined
    own_days = sorted({row["date"] for row in waiting})
    stored = list(_source_rows(connection, own_days))
    base = [row for row in stored if not joins(row["race_key"])]
    base += [row for row in new_rows if day_of_key(row["bucket"]) in set(own_days)]
    tracks = {row["track"] for row in waiting}
    tracks |= {STRAIGHT_OF[name] for name in tracks if name in STRAIGHT_OF}
    track_ids = _ids(connection, TrackAlias, "alias", "track_id", {name_key(name) for name in tracks})
    dog_ids = _ids(connection, Dog, "key", "id", {row["dog_key"] for row in waiting} - {None})
    joined, reasons = Joining(waiting, races_of(base), track_ids, dog_ids).run()
    before = {_content(row): row for row in stored if joins(row["race_key"])}
    now = {_content(row): row for row in joined}
    rejoined.gone = [row for content, row in before.items() if content not in now]
    rejoined.new_rows = [row for content, row in now.items() if content not in before]
    _delete_rows(connection, [row["id"] for row in rejoined.gone])
    _give_ids(connection, rejoined.new_rows)
    _note(connection, waiting, {(row["file_id"], row["line"]) for row in joined}, reasons, rejoined)
    return rejoined


def _content(row: SourceRecord) -> tuple[Any, ...]:
    return tuple(row[name] for name in COLUMNS)


def _give_ids(connection: Connection, rows: list[SourceRecord]) -> None:
    """Give the dogs that rows name their ids; what rows know of them is noted."""
    named = [row for row in rows if row["dog_key"] is not None]
    if named:
        EntityResolver(connection).give_ids(named)


def _note(
    connection: Connection,
    waiting: list[WaitingRecord],
    joined: Collection[tuple[int, int]],
    reasons: dict[tuple[int, int], str],
    rejoined: Rejoined,
) -> None:
    """Note of each waiting row whether it is in its race, and why not."""
    changed: list[dict[str, Any]] = []
    lines: dict[tuple[int, int], bool] = {}
    for row in waiting:
        at = row["file_id"], row["line"]
        lines[at] = at in joined
        now = {"is_joined": at in joined, "reason": reasons.get(at)}
        if now != {name: row[name] for name in now}:
            changed.append({"of_id": row["id"]} | {f"now_{name}": value for name, value in now.items()})
            if now["reason"] not in (None, row["reason"]):
                rejoined.contradictions.append((*at, str(now["reason"])))
    rejoined.contradictions = list(dict.fromkeys(rejoined.contradictions))
    rejoined.n_waiting.update(file_id for (file_id, _), is_joined in lines.items() if not is_joined)
    if changed:
        table = WaitingRow.__table__  # type: ignore[attr-defined]
        statement = update(table).where(table.c.id == bindparam("of_id"))
        values: dict[str, Any] = {"is_joined": bindparam("now_is_joined"), "reason": bindparam("now_reason")}
        connection.execute(statement.values(values), changed)


def _of_days(connection: Connection, table: type[SQLModel], days: list[dt.date]) -> Iterator[WaitingRecord]:
    columns = table.__table__.columns  # type: ignore[attr-defined]
    for i in range(0, len(days), _DAYS_A_QUERY):
        some = days[i : i + _DAYS_A_QUERY]
        for row in connection.execute(select(columns).where(columns["date"].in_(some))):
            yield dict(zip(columns.keys(), row, strict=True))


def _source_rows(connection: Connection, days: list[dt.date]) -> Iterator[SourceRecord]:
    columns = SourceRow.__table__.columns  # type: ignore[attr-defined]
    for day in days:
        first, last = date_distance_key(day, 0), date_distance_key(day, 1499)
        for row in connection.execute(select(columns).where(columns["bucket"].between(first, last))):
            yield dict(zip(columns.keys(), row, strict=True))


def _ids(
    connection: Connection, table: type[SQLModel], key: str, number: str, keys: set[str]
) -> dict[str, int]:
    columns = table.__table__.columns  # type: ignore[attr-defined]
    found: dict[str, int] = {}
    some = sorted(keys)
    for i in range(0, len(some), CHUNK):
        query = select(columns[key], columns[number]).where(columns[key].in_(some[i : i + CHUNK]))
        found |= dict(connection.execute(query).all())
    return found


def _delete_rows(connection: Connection, ids: list[int]) -> None:
    for i in range(0, len(ids), CHUNK):
        connection.execute(delete(SourceRow).where(col(SourceRow.id).in_(ids[i : i + CHUNK])))
