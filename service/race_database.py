"""The race database that the service draws on: what lies at its address now, not what lay there once."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from racing.database.engine import open_database
from racing.domain.errors import DatabaseUnavailable


class RaceDatabase:
    """Opened when first asked for, and anew if its file is another one now. Blocking.

    Somebody restores a backup, or makes another season: a pool would go on with the file that is deleted. Who
    reads for one purpose has one of these, so that a reader that hangs takes no other's connections.
    """

    def __init__(self, url: str | None, *, statement_timeout_s: float | None = None) -> None:
        self._url = url
        self._statement_timeout_s = statement_timeout_s
        self._engine: Engine | None = None
        self._file: tuple[int, int] | None = None
        self._opening = threading.Lock()

    @property
    def is_set(self) -> bool:
        """Whether there is an address at all."""
        return bool(self._url)

    @property
    def is_there(self) -> bool:
        """Whether what was opened is still what the address means."""
        if self._engine is None or self._engine.dialect.name != "sqlite":
            return self._engine is not None
        return self._file is not None and _file_of(self._engine) == self._file

    def open(self) -> Engine:
        """Return the engine: another than before only if the file is another.

        Raises
        ------
        racing.domain.errors.DatabaseUnavailable
            If there is no database, or it cannot be opened.
        """
        if not self._url:
            raise DatabaseUnavailable("no race database is set, so nothing is kept; set GREYHOUND_DATABASE")
        with self._opening:
            if self._engine is not None and self.is_there:
                return self._engine
            self._let_go()
            engine = self._engine = open_database(self._url, statement_timeout_s=self._statement_timeout_s)
            self._file = _file_of(engine)
            return engine

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Give the engine to work with.

        Raises
        ------
        racing.domain.errors.DatabaseUnavailable
            As :meth:`open`; also if the database does not answer while it is worked with.
        """
        try:
            yield self.open()
        except DBAPIError as error:
            raise DatabaseUnavailable(f"the race database does not answer: {error.orig}") from error

    def close(self) -> None:
        """Let the database go."""
        with self._opening:
            self._let_go()

    def _let_go(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()


def _file_of(engine: Engine) -> tuple[int, int] | None:
    """Return which file an SQLite database is; None where the file is gone."""
    try:
        found = os.stat(str(engine.url.database))
    except OSError:
        return None
    return found.st_dev, found.st_ino
