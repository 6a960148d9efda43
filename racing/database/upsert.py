"""Inserts that skip what is there, in the dialects of both databases."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_missing(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Insert rows, leaving out those whose key is there; return how many were new.

    Of several rows PostgreSQL's driver does not tell: then it is -1.
    """
    if not rows:
        return 0
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).on_conflict_do_nothing().inline()  # no RETURNING, which hides the count
    return connection.execute(statement, list(rows) if len(rows) > 1 else rows[0]).rowcount
