"""Ids given by the importer itself, a batch at a time, which is many times faster than asking for each."""

import datetime as dt
import uuid
from collections.abc import Iterable

from sqlalchemy import Connection, func, insert, select, text
from sqlmodel import SQLModel

from racing.database.tables import Dog, Race, RatingsDue, Run, SourceFile, SourceRow, Track
from racing.predictions.settle import note_results

_TABLES = (Track, Dog, Race, Run, SourceFile, SourceRow)


def lock_for_import(connection: Connection) -> None:
    """Keep other writers of races out until the transaction ends; readers read on."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("LOCK TABLE sourcefile, race, run, dog, track IN SHARE ROW EXCLUSIVE MODE"))


def next_id(connection: Connection, table: type[SQLModel]) -> int:
    """Return the smallest id above all that are taken; call it under :func:`lock_for_import`."""
    (column,) = table.__table__.primary_key.columns  # type: ignore[attr-defined]
    return (connection.scalar(select(func.max(column))) or 0) + 1


def note_change(connection: Connection, day: dt.date, days: Iterable[dt.date] | None = None) -> None:
    """Note that races changed from a day on: the ratings are to be replayed from there.

    ``days`` are those on which any changed, where that is known: their predictions meet their outcomes anew.
    """
    connection.execute(insert(RatingsDue), [{"id": uuid.uuid4().hex, "since": day}])
    note_results(connection, days, since=day)


def release_ids(connection: Connection) -> None:
    """Tell PostgreSQL's sequences of the ids that were given, so that others get later ones."""
    if connection.dialect.name != "postgresql":
        return
    for table in _TABLES:
        name = table.__tablename__
        sequence = f"pg_get_serial_sequence('{name}', 'id')"
        connection.execute(text(f"SELECT setval({sequence}, {next_id(connection, table)}, false)"))
