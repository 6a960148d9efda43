"""Many rows into a table and out of it at once; in SQLite straight through its driver.

SQLAlchemy prepares each value of each row by itself, which took half of the time of an import. Here values
are taken as they are; only days and times are written as SQLAlchemy writes them, each value once. A column
that is unknown in all rows is left out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Date, DateTime, Select, Table, false, insert, text

ROWS_AT_ONCE = 20_000
_CACHE_KB = 65_536  # an index of a million runs has 20 MB; SQLite's own cache has 2


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that have every column of a table; whatever else they have is left out."""
    names = tuple(table.columns.keys())
    values_of = itemgetter(*names)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        values = zip(*map(values_of, rows[start : start + ROWS_AT_ONCE]), strict=True)
        insert_columns(connection, table, dict(zip(names, values, strict=True)))


def insert_columns(connection: Connection, table: Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert rows given by column, one value a row; columns that are left out have their default."""
    n_rows = len(next(iter(columns.values()), ()))
    known = {name: values for name, values in columns.items() if values.count(None) < n_rows}
    if not known:
        return
    if connection.dialect.name != "sqlite":
        rows = (dict(zip(known, row, strict=True)) for row in zip(*known.values(), strict=True))
        while some := list(islice(rows, ROWS_AT_ONCE)):
            connection.execute(insert(table), some)
        return
    for name, values in known.items():
        if isinstance(table.columns[name].type, Date | DateTime):
            known[name] = _written(connection, table, name, values)
    listed, places = ", ".join(f'"{name}"' for name in known), ", ".join("?" * len(known))
    statement = f'INSERT INTO "{table.name}" ({listed}) VALUES ({places})'
    connection.exec_driver_sql(statement, list(zip(*known.values(), strict=True)))


def among(column: ColumnElement[int], ids: Iterable[int]) -> ColumnElement[bool]:
    """Return whether a column is one of some numbers, in SQL; thousands are no work, as part of its text."""
    listed = ",".join(str(int(number)) for number in ids)
    return column.in_(text(listed)) if listed else false()


def fetch(connection: Connection, query: Select[Any]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of a query, many at a time, with their values as the driver gives them.

    In SQLite days and times are texts (ISO 8601) then, and flags 0 and 1.
    """
    if connection.dialect.name != "sqlite":
        # A server's cursor lives within a transaction; without one all rows come at once.
        is_streamed = connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT"
        options = {"yield_per": ROWS_AT_ONCE} if is_streamed else {}
        found = connection.execute(query, execution_options=options)
        yield from (list(map(tuple, rows)) for rows in found.partitions(ROWS_AT_ONCE))
        return
    cursor: Any = connection.execute(query).cursor
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        yield rows


@contextmanager
def large_cache(connection: Connection) -> Iterator[None]:
    """Let a writer of many rows hold the indexes in memory; after it the memory is given back."""
    if connection.dialect.name != "sqlite":
        yield
        return
    before = connection.exec_driver_sql("PRAGMA cache_size").scalar_one()
    connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KB}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA cache_size = {before}")


def _written(connection: Connection, table: Table, name: str, values: Iterable[Any]) -> list[Any]:
    """Return a column's days or times as SQLite is given them; the driver knows how to write the rest."""
    process = table.columns[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    assert process is not None
    written = {value: process(value) for value in set(values)}
    return [written[value] for value in values]
