"""Copy an SQLite database while others write it, and bring a copy back.

SQLite's own online backup, within a read transaction that is opened first: in write-ahead mode writers go on
meanwhile and the copy does not begin anew with each of their commits. ``VACUUM INTO`` would do as well, but
tells nothing while it works and cannot be interrupted.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, StaticPool, create_engine

from greyhound.backup.errors import BackupBroken, BackupRefused
from greyhound.backup.manifest import CopiedDatabase, CopiedTable

FILE = "sqlite.db"
_PAGES = 1024  # 4 MB a step: Ctrl-C waits for one
_BUSY_S = 10.0


class _HeldConnection(sqlite3.Connection):
    """A connection whose transaction lasts until it is closed.

    SQLAlchemy rolls back what it connects with first, and would let the snapshot go.
    """

    def rollback(self) -> None:
        """Do nothing."""


class SqliteSnapshot:
    """A database as it was when this was opened."""

    def __init__(self, connection: sqlite3.Connection, revision: str) -> None:
        self._connection = connection
        self.revision = revision

    def copy_to(self, folder: Path, on_progress: Callable[[int, int], None]) -> CopiedDatabase:
        """Copy it into a new folder."""
        folder.mkdir()
        with closing(sqlite3.connect(folder / FILE)) as target:
            self._connection.backup(
                target, pages=_PAGES, progress=lambda _, left, total: on_progress(total - left, total)
            )
            target.execute("PRAGMA journal_mode = DELETE")  # one file
            return CopiedDatabase("sqlite", self.revision, _tables(target))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that reads the snapshot."""
        engine = create_engine("sqlite://", creator=lambda: self._connection, poolclass=StaticPool)
        with engine.connect() as connection:
            yield connection


@contextmanager
def sqlite_snapshot(path: Path) -> Iterator[SqliteSnapshot]:
    """Hold a database as it is now, for as long as the block lasts."""
    if not path.is_file():
        raise BackupRefused(f"there is no database at {path}")
    with closing(
        sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, factory=_HeldConnection)
    ) as connection:
        try:
            connection.execute("BEGIN")
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.DatabaseError as error:
            raise BackupRefused(f"{path} is no database of ours: {error}") from error
        yield SqliteSnapshot(connection, str(revision[0]) if revision else "")


def stage_sqlite(folder: Path, target: Path, on_progress: Callable[[int, int], None]) -> Path:
    """Copy a database of a backup to a name beside its target, and check it; return the name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.restoring")
    draft.unlink(missing_ok=True)
    address = f"{(folder / FILE).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as source, closing(sqlite3.connect(draft)) as copy:
        source.backup(copy, pages=_PAGES, progress=lambda _, left, total: on_progress(total - left, total))
        found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        draft.unlink()
        raise BackupBroken(f"{folder / FILE} is damaged: {found}")
    return draft


def close_sqlite(path: Path) -> None:
    """Bring all of a database into its one file.

    Raises
    ------
    BackupRefused
        If another process has it open.
    """
    with closing(sqlite3.connect(path, timeout=0.5, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            raise BackupRefused(f"{path} is in use ({error}): stop what has it open, then restore") from error
        except sqlite3.DatabaseError:  # a damaged one: this is why it is restored
            for suffix in ("-wal", "-shm", "-journal"):
                with suppress(FileNotFoundError):
                    path.with_name(path.name + suffix).unlink()


def _tables(connection: sqlite3.Connection) -> dict[str, CopiedTable]:
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    return {
        name: CopiedTable(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])
        for (name,) in names.fetchall()
    }
