"""The page of the database's tables, in the order of the modules of :mod:`racing.database`."""

from sqlalchemy import Column
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from docs.made.markdown import code, of_docstring, table
from racing.database import experiment_tables, monitor_tables, tables

_INTRODUCTION = """
# Database tables

One database holds races, dogs, what files report of them, what the ratings made of it, API keys, and the
answered cards with all that is derived from them. SQLite keeps it in one file; PostgreSQL takes the same
tables. Alembic's migrations make and change them, by themselves, when a command opens the database. This page
is made from `racing/database/*tables.py` at each build.
"""


def tables_page() -> str:
    """Return the page."""
    parts = [_INTRODUCTION]
    for model in stored_models():
        stored = model.__table__  # type: ignore[attr-defined]
        columns = stored.columns.values()
        parts += [
            f"## {stored.name}",
            of_docstring(model.__doc__),
            table(("column", "type", "", "key"), [_row(column) for column in columns]),
        ]
        shared = [base.__doc__ for base in model.__bases__ if base not in (SQLModel,) and base.__doc__]
        parts += [of_docstring(text) for text in shared]
    return "\n\n".join(parts)


def stored_models() -> list[type[SQLModel]]:
    """Return the models that are tables."""
    found = [
        model for module in (tables, experiment_tables, monitor_tables) for model in vars(module).values()
    ]
    return [
        model for model in found if isinstance(model, type) and getattr(model, "__table__", None) is not None
    ]


def _row(column: "Column[object]") -> tuple[str, ...]:
    keys = ["primary key"] if column.primary_key else []
    keys += [f"→ [{key.column.table.name}](#{key.column.table.name})" for key in column.foreign_keys]
    keys += ["unique"] if column.unique else []
    keys += ["indexed"] if column.index else []
    kind = str(column.type.compile(dialect=postgresql.dialect())).lower()  # type: ignore[no-untyped-call]
    needed = "" if column.nullable or column.primary_key else "needed"
    return code(column.name), kind, needed, ", ".join(keys)
