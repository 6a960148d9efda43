"""Many rows into a table at once; in SQLite straight through its driver.

SQLAlchemy prepares each value of each row by itself, which took half of the time of an import. Here rows are
taken as they are; only days and times are written as SQLAlchemy writes them, each value once.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import add, itemgetter
from typing import Any

from sqlalchemy import Connection, Date, DateTime, Table, insert


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that have every column of a table; whatever else they have is left out."""
    if not rows:
        return
    names = tuple(table.columns.keys())
    if connection.dialect.name != "sqlite":
        connection.execute(insert(table), [{name: row[name] for name in names} for row in rows])
        return
    times = [name for name in names if isinstance(table.columns[name].type, Date | DateTime)]
    others = [name for name in names if name not in times]
    listed, places = ", ".join(f'"{name}"' for name in (*others, *times)), ", ".join("?" * len(names))
    statement = f'INSERT INTO "{table.name}" ({listed}) VALUES ({places})'
    values: Iterable[tuple[Any, ...]] = map(itemgetter(*others), rows)
    if times:
        written = (_written(connection, table, name, list(map(itemgetter(name), rows))) for name in times)
        values = map(add, values, zip(*written, strict=True))
    connection.exec_driver_sql(statement, list(values))


def _written(connection: Connection, table: Table, name: str, values: list[Any]) -> list[Any]:
    """Return a column's days or times as SQLite is given them; the driver knows how to write the rest."""
    process = table.columns[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    assert process is not None
    written = {value: process(value) for value in set(values)}
    return [written[value] for value in values]
