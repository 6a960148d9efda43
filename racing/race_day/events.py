"""Events of a race day: written in the transaction of what happened, read in order by those who follow.

**Numbers and the order of commits.** A number from a sequence may be committed after a larger one, and a
reader that has passed the larger one would never see it. A writer of events therefore holds one lock
until his transaction ends (in PostgreSQL an advisory lock, in SQLite the lock of every writer) and takes the
number after the newest. Numbers then have no gaps, and each that is read has all before it committed.

A writer that changes races as well holds :func:`racing.database.change_log.lock_races` before this lock, so
that no two ever wait for each other.
"""

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Table, delete, func, insert, select, text

from racing.database.tables import RaceEvent

EventKind = Literal["card", "scratching", "price", "promotion", "result"]
KINDS: tuple[EventKind, ...] = get_args(EventKind)
LIFETIME = dt.timedelta(days=2)
"""Older events are pruned; who follows again after longer is notified that he has missed some."""
MAX_EVENTS = 200_000
"""The newest ones that stay, however young the others are."""
_EVENT: Table = RaceEvent.__table__  # type: ignore[attr-defined]
_LOCK = 0x67726579  # of PostgreSQL's advisory locks: any number that nobody else uses


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event. ``at`` is UTC, without a zone; ``body`` is a JSON object."""

    id: int
    at: dt.datetime
    kind: str
    race_id: int | None
    body: str


def add_event(
    connection: Connection, kind: EventKind, body: Mapping[str, Any], race_id: int | None = None
) -> int:
    """Add an event in the transaction of what happened, and return its number."""
    return add_events(connection, [(kind, body, race_id)])


def add_events(
    connection: Connection, events: Sequence[tuple[EventKind, Mapping[str, Any], int | None]]
) -> int:
    """Add events (kind, body, race) in the transaction of what happened; return the last one's number."""
    lock_events(connection)
    number, now = newest_event(connection), dt.datetime.now(dt.UTC).replace(tzinfo=None)
    rows = [
        {"id": number + i, "at": now, "kind": kind, "race_id": race_id, "body": json.dumps(dict(body))}
        for i, (kind, body, race_id) in enumerate(events, start=1)
    ]
    if rows:
        connection.execute(insert(_EVENT), rows)
    return number + len(rows)


def lock_events(connection: Connection) -> None:
    """Let no other write events until the transaction ends; readers read on."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    elif not _is_writing(connection):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def newest_event(connection: Connection) -> int:
    """Return the number of the newest event, 0 if there was never one."""
    return int(connection.scalar(select(func.max(_EVENT.c.id))) or 0)


def events_after(
    connection: Connection, id: int, kinds: Collection[str] | None, limit: int
) -> list[StoredEvent]:
    """Return the events after one, oldest first; of all kinds where ``kinds`` is None."""
    query = select(_EVENT).where(_EVENT.c.id > id).order_by(_EVENT.c.id).limit(limit)
    if kinds is not None:
        query = query.where(_EVENT.c.kind.in_(sorted(kinds)))
    return [_stored(row) for row in connection.execute(query)]


def events_of_kind_since(connection: Connection, kind: EventKind, at: dt.datetime) -> list[StoredEvent]:
    """Return the events of one kind since a time (UTC, without a zone), oldest first."""
    query = select(_EVENT).where(_EVENT.c.at >= at, _EVENT.c.kind == kind).order_by(_EVENT.c.id)
    return [_stored(row) for row in connection.execute(query)]


def prune_events(connection: Connection, older_than: dt.datetime) -> int:
    """Remove events that are older than a time (UTC, without a zone), and all before the last 200,000.

    The newest one always stays: its number is where the next one's comes from. Returns how many were removed.
    """
    newest = newest_event(connection)
    is_old = (_EVENT.c.at < older_than) | (_EVENT.c.id <= newest - MAX_EVENTS)
    return connection.execute(delete(_EVENT).where(_EVENT.c.id < newest, is_old)).rowcount


def _stored(row: Any) -> StoredEvent:
    return StoredEvent(row.id, row.at, row.kind, row.race_id, row.body)


def _is_writing(connection: Connection) -> bool:
    """Whether a transaction has begun in SQLite; one that then writes holds the lock of all writers."""
    return bool(getattr(connection.connection.dbapi_connection, "in_transaction", False))
