"""The days on which races changed: a queue for each part of the program that derives something from races.

What writes races notes their days in its own transaction, and needs to know no reader. A reader takes its
own entries and removes them when it has caught up, so that the next update makes up for an interrupted one.
Each change is an entry of its own: removing those that were read takes no later one away.
"""

import datetime as dt
import uuid
from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, delete, insert, select, text

from racing.database.tables import RaceChange

RATINGS, OUTCOMES = READERS = ("ratings", "outcomes")
_CHANGE = RaceChange.__table__  # type: ignore[attr-defined]
_REMOVE = delete(_CHANGE).where(_CHANGE.c.reader == bindparam("of"), _CHANGE.c.id == bindparam("which"))


def lock_races(connection: Connection) -> None:
    """Keep other writers of races out until the transaction ends; readers read on."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("LOCK TABLE sourcefile, race, run, dog, track IN SHARE ROW EXCLUSIVE MODE"))


def note_changes(
    connection: Connection, days: Iterable[dt.date], *, readers: Iterable[str] = READERS
) -> None:
    """Note that races of some days were added, changed or removed; in the transaction that does it.

    ``readers`` are those that derive something from what changed.
    """
    changes = [(uuid.uuid4().hex, day) for day in sorted(set(days))]
    rows = [{"reader": reader, "id": key, "date": day} for reader in readers for key, day in changes]
    if rows:
        connection.execute(insert(_CHANGE), rows)


def changes_for(connection: Connection, reader: str) -> dict[str, dt.date]:
    """Return the days of the changes with which a reader has not caught up, by the change's id."""
    query = select(_CHANGE.c.id, _CHANGE.c.date).where(_CHANGE.c.reader == reader)
    return {change.id: change.date for change in connection.execute(query)}


def has_changes(connection: Connection, reader: str) -> bool:
    """Return whether there are changes with which a reader has not caught up."""
    return (
        connection.execute(select(_CHANGE.c.id).where(_CHANGE.c.reader == reader).limit(1)).first()
        is not None
    )


def remove_changes(connection: Connection, reader: str, ids: Iterable[str]) -> None:
    """Remove changes with which a reader has caught up."""
    if rows := [{"of": reader, "which": key} for key in ids]:
        connection.execute(_REMOVE, rows)
