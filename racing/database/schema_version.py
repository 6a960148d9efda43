"""Which schema a database has, and which is the newest: where they are the same, Alembic is not imported."""

from pathlib import Path

import sqlalchemy as sa

MIGRATIONS = Path(__file__).with_name("migrations")
_revision = sa.table("alembic_version", sa.column("version_num"))


def newest_schema() -> str:
    """Return the newest schema, by the names of the migrations: ``v0012_race_day.py`` brings 0012."""
    return max(path.name[1:5] for path in (MIGRATIONS / "versions").glob("v[0-9]*.py"))


def schema_of(connection: sa.Connection) -> tuple[str | None, int]:
    """Return the schema of a database, ``None`` if it has none of ours, and how many tables it holds."""
    tables = sa.inspect(connection).get_table_names()
    revision = connection.scalar(sa.select(_revision.c.version_num)) if _revision.name in tables else None
    return revision, len(tables)
