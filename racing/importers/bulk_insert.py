"""Many rows into a table at once; in SQLite straight through its driver.

SQLAlchemy prepares each value of each row by itself, which took half of the time of an import. Here rows are
taken apart by column; only days and times are written as SQLAlchemy writes them, each value once.
"""

from collections.abc import Mapping, Sequence
from operator import itemgetter
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
    columns = [_written(connection, table, name, list(map(itemgetter(name), rows))) for name in names]
    listed, places = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
    statement = f'INSERT INTO "{table.name}" ({listed}) VALUES ({places})'
    connection.exec_driver_sql(statement, list(zip(*columns, strict=True)))


def _written(connection: Connection, table: Table, name: str, values: list[Any]) -> list[Any]:
    """Return a column's values as SQLite is given them; the driver knows how but for days and times."""
    type_ = table.columns[name].type
    if not isinstance(type_, Date | DateTime):
        return values
    process = type_.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    assert process is not None
    written = {value: process(value) for value in set(values)}
    return [written[value] for value in values]
