"""The race database for the routes that read the log and bring results; opened when first asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from racing.database.engine import open_database
from racing.errors import DatabaseUnavailable
from service.keeping.database import identity_of


class Store:
    """Gives the engine, opened again where the database's file is another than before. Blocking."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._engine: Engine | None = None
        self._file: tuple[int, int] | None = None
        self._opening = threading.Lock()

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Give the engine.

        Raises
        ------
        racing.errors.DatabaseUnavailable
            If there is no database, or if it does not answer.
        """
        try:
            yield self._open()
        except DBAPIError as error:
            raise DatabaseUnavailable(f"the race database does not answer: {error.orig}") from error

    def close(self) -> None:
        """Let the database go."""
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    def _open(self) -> Engine:
        if self._url is None:
            raise DatabaseUnavailable("no race database is set, so nothing is kept; set GREYHOUND_DATABASE")
        with self._opening:
            if self._engine is None or identity_of(self._engine) != self._file:
                if self._engine is not None:
                    self._engine.dispose()
                    self._engine = None
                self._engine = open_database(self._url)
                self._file = identity_of(self._engine)
            return self._engine
