"""Copy a PostgreSQL database while others write it, and bring a copy back.

By ``COPY`` of every table within one transaction that reads one snapshot, rather than by ``pg_dump``: no
image of ours has PostgreSQL's programs, those of a machine are often older than the server and then refuse
it, and a backup of an earlier release comes back through our own migrations. It is brought back in a schema
of its own, which takes the place of what is there in one transaction, at the end.
"""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import IO, Any, cast

from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from greyhound.backup.errors import BackupBroken, BackupRefused
from greyhound.backup.manifest import CopiedDatabase, CopiedTable

SCHEMA = "greyhound_restoring"
_TABLES = """
SELECT c.relname AS name, c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"""
_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = CAST(:oid AS oid) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
ORDER BY attnum"""
_PARTITIONS = """
SELECT child.relname AS name, parent.relname AS parent, pg_get_expr(child.relpartbound, child.oid) AS bounds
FROM pg_inherits AS i
JOIN pg_class AS child ON child.oid = i.inhrelid JOIN pg_class AS parent ON parent.oid = i.inhparent
JOIN pg_namespace AS n ON n.oid = parent.relnamespace
WHERE n.nspname = current_schema() AND child.relkind IN ('r', 'p') AND child.relispartition ORDER BY 1"""
_SEQUENCES = """
SELECT sequencename AS name, last_value FROM pg_sequences
WHERE schemaname = current_schema() ORDER BY 1"""
_REFERENCES = """
SELECT a.relname AS name, b.relname AS needs FROM pg_constraint AS c
JOIN pg_class AS a ON a.oid = c.conrelid JOIN pg_class AS b ON b.oid = c.confrelid
JOIN pg_namespace AS n ON n.oid = a.relnamespace WHERE c.contype = 'f' AND n.nspname = current_schema()"""
_BLOCK = 1 << 20


class PostgresqlSnapshot:
    """A database as it was when this was opened."""

    def __init__(self, connection: Connection, revision: str) -> None:
        self._connection = connection
        self.revision = revision

    def copy_to(self, folder: Path, on_progress: Callable[[int, int], None]) -> CopiedDatabase:
        """Copy it into a new folder, a file a table."""
        folder.mkdir()
        copied = CopiedDatabase("postgresql", self.revision)
        tables = self._connection.execute(text(_TABLES)).all()
        for n_done, table in enumerate(tables):
            on_progress(n_done, len(tables))
            columns = list(self._connection.scalars(text(_COLUMNS), {"oid": table.oid}))
            n_rows = self._copy_table(table.name, columns, folder / f"{table.name}.copy.gz")
            copied.tables[table.name] = CopiedTable(n_rows, columns)
        on_progress(len(tables), len(tables))
        # The numbers are of no snapshot: read last, none that was given out is given out again.
        for row in self._connection.execute(text(_SEQUENCES)):
            if row.last_value is not None:
                copied.sequences[row.name] = row.last_value
        for row in self._connection.execute(text(_PARTITIONS)):
            copied.partitions[row.name] = [row.parent, row.bounds]
        return copied

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that reads the snapshot."""
        yield self._connection

    def _copy_table(self, name: str, columns: list[str], file: Path) -> int:
        statement = f'COPY (SELECT {_names(columns)} FROM "{name}") TO STDOUT'
        with _driver(self._connection).cursor() as cursor, gzip.open(file, "wb", compresslevel=1) as target:
            with cursor.copy(statement) as copy:
                for block in copy:
                    target.write(block)
            return int(cursor.rowcount)


@contextmanager
def postgresql_snapshot(url: URL) -> Iterator[PostgresqlSnapshot]:
    """Hold a database as it is now, for as long as the block lasts."""
    engine = create_engine(url, isolation_level="REPEATABLE READ")
    try:
        with engine.connect() as connection:
            connection.execute(text("SET TRANSACTION READ ONLY"))
            if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
                raise BackupRefused(f"the database {_shown(url)} is none of ours: it has no alembic_version")
            revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
            yield PostgresqlSnapshot(connection, str(revision or ""))
    finally:
        engine.dispose()


def tables_there(url: URL) -> list[str]:
    """Return the tables of a database, and of its schema the first in the search path."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return [row.name for row in connection.execute(text(_TABLES))]
    finally:
        engine.dispose()


def make_schema(url: URL) -> URL:
    """Make an empty schema to restore into, and return the address that leads there."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))  # left by one that was killed
            connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    except DBAPIError as error:
        raise BackupRefused(f"the database {_shown(url)} takes no new schema: {error.orig}") from error
    finally:
        engine.dispose()
    given = str(url.query.get("options", ""))
    return url.update_query_dict({"options": f"{given} -csearch_path={SCHEMA}".strip()})


def drop_schema(url: URL) -> None:
    """Remove the schema and what is in it, if it is there still."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
    finally:
        engine.dispose()


def load_tables(
    url: URL, folder: Path, copied: CopiedDatabase, on_progress: Callable[[int, int], None]
) -> None:
    """Fill the tables of a database, which have the columns that they had, from a backup."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            there = {row.name for row in connection.execute(text(_TABLES))}
            if missing := sorted(copied.tables.keys() - there):
                raise BackupBroken(f"{folder} has tables that its schema lacks: {', '.join(missing[:3])}")
            parts = {row.name for row in connection.execute(text(_PARTITIONS))}
            for name, (parent, bounds) in copied.partitions.items():
                if name not in parts:
                    connection.execute(text(f'CREATE TABLE "{name}" PARTITION OF "{parent}" {bounds}'))
            connection.execute(text(f"TRUNCATE {_names(sorted(there))}"))
            order = _in_order(connection, copied.tables)
            for n_done, name in enumerate(order):
                on_progress(n_done, len(order))
                table = copied.tables[name]
                n_rows = _load_table(connection, name, table.columns, folder / f"{name}.copy.gz")
                if n_rows != table.n_rows:
                    raise BackupBroken(f"{folder}: {name} has {n_rows} rows, the manifest {table.n_rows}")
            on_progress(len(order), len(order))
            for name, last in copied.sequences.items():
                connection.execute(
                    text("SELECT setval(CAST(:name AS regclass), :last)"), {"name": name, "last": last}
                )
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
    finally:
        engine.dispose()


def move_from_schema(connection: Connection, *, replace: bool) -> None:
    """Put the tables of the schema where a connection's own are, in its transaction.

    With ``replace`` those that are there go.
    """
    target = connection.scalar(text("SELECT quote_ident(current_schema())"))
    if replace and (there := [row.name for row in connection.execute(text(_TABLES))]):
        connection.execute(text(f"DROP TABLE {_names(there)} CASCADE"))
    of_schema = text(
        "SELECT c.relname AS name FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
        "WHERE n.nspname = :schema AND c.relkind IN ('r', 'p') ORDER BY 1"
    )
    for name in list(connection.scalars(of_schema, {"schema": SCHEMA})):
        connection.execute(text(f'ALTER TABLE {SCHEMA}."{name}" SET SCHEMA {target}'))
    functions = text(  # MLflow has one, of a trigger
        "SELECT p.proname AS name, pg_get_function_identity_arguments(p.oid) AS given FROM pg_proc AS p "
        "JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname = :schema"
    )
    for row in connection.execute(functions, {"schema": SCHEMA}).all():
        signature = f'"{row.name}"({row.given})'
        if replace:
            connection.execute(text(f"DROP FUNCTION IF EXISTS {target}.{signature}"))
        connection.execute(text(f"ALTER FUNCTION {SCHEMA}.{signature} SET SCHEMA {target}"))
    connection.execute(text(f"DROP SCHEMA {SCHEMA}"))


def _load_table(connection: Connection, name: str, columns: list[str], file: Path) -> int:
    with _driver(connection).cursor() as cursor, gzip.open(file, "rb") as source:
        with cursor.copy(f'COPY "{name}" ({_names(columns)}) FROM STDIN') as copy:
            while block := cast(IO[bytes], source).read(_BLOCK):
                copy.write(block)
        return int(cursor.rowcount)


def _in_order(connection: Connection, names: dict[str, CopiedTable]) -> list[str]:
    """Return tables so that each comes after those that it refers to."""
    sorter = TopologicalSorter[str]({name: set[str]() for name in sorted(names)})
    for row in connection.execute(text(_REFERENCES)):
        if row.name != row.needs and row.name in names and row.needs in names:
            sorter.add(row.name, row.needs)
    return list(sorter.static_order())


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _names(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _shown(url: URL) -> str:
    return url.set(query={}).render_as_string()
