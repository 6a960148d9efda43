"""Where a database lies, by its address: a file of SQLite or a server of PostgreSQL, opened as it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from greyhound.backup.errors import BackupRefused
from greyhound.backup.postgresql_copy import PostgresqlSnapshot, postgresql_snapshot, tables_there
from greyhound.backup.sqlite_copy import SqliteSnapshot, sqlite_snapshot
from model_registry.mlflow_store.store import MlflowStore
from racing.database.engine import parse_address


def race_database(address: str) -> URL:
    """Return the address of a race database."""
    return parse_address(address)


def registry_database(store: MlflowStore) -> URL:
    """Return the address of a registry's database.

    Raises
    ------
    BackupRefused
        If only its server is known.
    """
    if store.uri.startswith(("http://", "https://")):
        rule = "a tracking server does not hand out its records as a whole"
        raise BackupRefused(
            f"{rule}: --registry must be the address of its database, and --artifacts the folder in which it "
            f"has the files (MLFLOW_BACKEND_STORE_URI, MLFLOW_ARTIFACTS_DESTINATION); got {store}"
        )
    return parse_address(store.uri)


def sqlite_path(url: URL) -> Path | None:
    """Return the file of an SQLite database, else None."""
    return Path(str(url.database)).absolute() if url.get_backend_name() == "sqlite" else None


@contextmanager
def snapshot(url: URL) -> Iterator[SqliteSnapshot | PostgresqlSnapshot]:
    """Hold a database as it is now, for as long as the block lasts; its schema is left as it is."""
    path = sqlite_path(url)
    with sqlite_snapshot(path) if path else postgresql_snapshot(url) as held:
        yield held


def is_there(url: URL) -> bool:
    """Tell whether there is something where a database would be restored."""
    path = sqlite_path(url)
    return path.exists() if path else bool(tables_there(url))
