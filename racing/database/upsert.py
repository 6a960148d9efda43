"""Inserts that skip what is there, in the dialects of both databases."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_missing(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Insert rows, leaving out those whose key is there; return how many were new."""
    if not rows:
        return 0
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).on_conflict_do_nothing()
    # Else PostgreSQL's count of rows is lost, and is -1.
    return connection.execute(statement, list(rows), execution_options={"preserve_rowcount": True}).rowcount
