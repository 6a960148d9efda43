"""A database that is restored under another name: put in its place at the end, or gone."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, Connection, create_engine, text

from greyhound.backup.errors import BackupRefused
from greyhound.backup.manifest import CopiedDatabase
from greyhound.backup.postgresql_copy import drop_schema, load_tables, make_schema, move_from_schema
from greyhound.backup.renames import Renames
from greyhound.backup.sqlite_copy import close_sqlite, stage_sqlite

Report = Callable[..., None]
MakeTables = Callable[[str, str], None]
"""Makes the tables of a revision at an address."""


class StagedDatabase(Protocol):
    """A database beside its place."""

    def connection(self) -> AbstractContextManager[Connection]:
        """Yield a connection in a transaction."""

    def rename(self, renames: Renames) -> None:
        """Put it in its place, if that is a matter of names."""

    def commit(self, *, replace: bool) -> None:
        """Put it in its place, if that is a transaction."""


@contextmanager
def _transaction(url: URL | str) -> Iterator[Connection]:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


class StagedFile:
    """A database of SQLite."""

    def __init__(self, draft: Path, target: Path) -> None:
        self._draft, self._target = draft, target

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Yield a connection in a transaction."""
        with _transaction(f"sqlite:///{self._draft}") as connection:
            yield connection

    def rename(self, renames: Renames) -> None:
        """Put it in its place."""
        if self._target.exists():
            close_sqlite(self._target)
        renames.put(self._draft, self._target)

    def commit(self, *, replace: bool) -> None:
        """Do nothing more."""


class StagedSchema:
    """A database of PostgreSQL."""

    def __init__(self, url: URL, inside: URL) -> None:
        self._url, self._inside = url, inside

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Yield a connection in a transaction."""
        with _transaction(self._inside) as connection:
            yield connection

    def rename(self, renames: Renames) -> None:
        """Do nothing yet."""

    def commit(self, *, replace: bool) -> None:
        """Put it in its place."""
        with _transaction(self._url) as connection:
            move_from_schema(connection, replace=replace)


@contextmanager
def staged_file(folder: Path, target: Path, report: Report) -> Iterator[StagedFile]:
    """Prepare a database of SQLite."""
    draft = stage_sqlite(folder, target, report)
    try:
        yield StagedFile(draft, target)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def staged_schema(
    folder: Path, copied: CopiedDatabase, url: URL, report: Report, make_tables: MakeTables
) -> Iterator[StagedSchema]:
    """Prepare a database of PostgreSQL, whose tables ``make_tables`` makes as they were."""
    inside = make_schema(url)
    try:
        address = inside.render_as_string(hide_password=False)
        make_tables(address, copied.revision)
        with StagedSchema(url, inside).connection() as connection:
            found = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if found != copied.revision:
            rule = (
                f"the backup has tables of revision {copied.revision}, what is installed here makes {found}"
            )
            raise BackupRefused(
                f"{rule}: install the versions that the manifest names, restore, then upgrade"
            )
        load_tables(inside, folder, copied, report)
        yield StagedSchema(url, inside)
    finally:
        drop_schema(url)
