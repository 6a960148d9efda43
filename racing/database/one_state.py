"""Reads that see one state of the database, however many statements they take."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine


@contextmanager
def reading_one_state(engine: Engine) -> Iterator[Connection]:
    """Open a connection whose reads all see the state of the first; nobody waits for it, nor it for others.

    PostgreSQL shows each statement what was committed before it, and Python's SQLite begins no transaction
    for a SELECT: a race could be read before its correction, and its runners after it.
    """
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        else:
            connection.exec_driver_sql("BEGIN")
        yield connection
