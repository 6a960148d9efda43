"""The race database that the service uses: the file that is at its address now, and reads with a time-out."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from racing.database.engine import open_database
from racing.domain.errors import DatabaseUnavailable
from service.errors import NoAnswerInTime
from service.thread_pools import ThreadPool

Answer = TypeVar("Answer")


class RaceDatabase:
    """Opened at the first call, and again if its file was replaced. Its methods block.

    After a backup is restored, or another season made, a connection pool would go on with the deleted file.
    Each purpose has an instance of its own, so that a reader that hangs takes no other's connections.
    """

    def __init__(self, url: str | None, *, statement_timeout_s: float | None = None) -> None:
        self._url = url
        self._statement_timeout_s = statement_timeout_s
        self._engine: Engine | None = None
        self._file: tuple[int, int] | None = None
        self._opening = threading.Lock()
        self._n_users = 0
        self._is_closed = False

    @property
    def is_set(self) -> bool:
        """Whether there is an address at all."""
        return bool(self._url)

    @property
    def is_there(self) -> bool:
        """Whether what was opened is still the file at the address."""
        if self._engine is None or self._engine.dialect.name != "sqlite":
            return self._engine is not None
        return self._file is not None and _file_of(self._engine) == self._file

    def open(self) -> Engine:
        """Return the engine; a new one only if the file was replaced.

        Raises
        ------
        racing.domain.errors.DatabaseUnavailable
            If there is no database, or it cannot be opened.
        """
        if not self._url:
            raise DatabaseUnavailable("no race database is set, so nothing is stored; set GREYHOUND_DATABASE")
        with self._opening:
            if self._engine is not None and self.is_there:
                return self._engine
            self._dispose()
            engine = self._engine = open_database(self._url, statement_timeout_s=self._statement_timeout_s)
            self._file = _file_of(engine)
            return engine

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Yield the engine.

        Raises
        ------
        racing.domain.errors.DatabaseUnavailable
            As :meth:`open`; also if the database does not answer a statement.
        """
        with self._opening:
            self._n_users += 1
        try:
            yield self.open()
        except DBAPIError as error:
            raise DatabaseUnavailable(f"the race database does not answer: {error.orig}") from error
        finally:
            with self._opening:
                self._n_users -= 1
                self._dispose_unless_used()

    def close(self) -> None:
        """Close every connection; where one is in use, as soon as it is not."""
        with self._opening:
            self._is_closed = True
            self._dispose_unless_used()

    def _dispose_unless_used(self) -> None:
        if self._is_closed and not self._n_users:
            self._dispose()

    def _dispose(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()


class TimedReads:
    """Reads of the race database for requests, in threads of one purpose, each with a time-out."""

    def __init__(self, database: RaceDatabase, threads: ThreadPool) -> None:
        self._database = database
        self._threads = threads

    async def run(self, read: Callable[[Engine], Answer]) -> Answer:
        """Return what a function reads from the race database.

        Raises
        ------
        racing.domain.errors.DatabaseUnavailable
            If there is none, or if it does not answer in time.
        service.errors.Overloaded
            If too many wait already.
        """

        def blocking() -> Answer:
            with self._database.engine() as engine:
                return read(engine)

        try:
            return await self._threads.call(blocking)
        except NoAnswerInTime as error:
            raise DatabaseUnavailable(str(error)) from None


def _file_of(engine: Engine) -> tuple[int, int] | None:
    """Return device and inode of an SQLite file; None if it does not exist."""
    try:
        found = os.stat(str(engine.url.database))
    except OSError:
        return None
    return found.st_dev, found.st_ino
