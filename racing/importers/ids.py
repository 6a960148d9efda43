"""Ids given by the importer itself, a batch at a time, which is many times faster than asking for each."""

from sqlalchemy import Connection, func, select, text
from sqlmodel import SQLModel

from racing.database.tables import Dog, Race, Run, SourceFile, SourceRow, Track, WaitingRow

_TABLES = (Track, Dog, Race, Run, SourceFile, SourceRow, WaitingRow)


def next_id(connection: Connection, table: type[SQLModel]) -> int:
    """Return the smallest id above all that are taken; the caller has locked the races."""
    (column,) = table.__table__.primary_key.columns  # type: ignore[attr-defined]
    return (connection.scalar(select(func.max(column))) or 0) + 1


def release_ids(connection: Connection) -> None:
    """Tell PostgreSQL's sequences of the ids that were given, so that others get later ones."""
    if connection.dialect.name != "postgresql":
        return
    for table in _TABLES:
        name = table.__tablename__
        sequence = f"pg_get_serial_sequence('{name}', 'id')"
        connection.execute(text(f"SELECT setval({sequence}, {next_id(connection, table)}, false)"))
