"""The form that predictions draw on, with or without the race database behind it."""

import asyncio
import logging
import os
import time
from dataclasses import replace

from sqlalchemy import Engine, make_url
from sqlalchemy.exc import ArgumentError

from racing.cards import Card
from racing.database.engine import open_database
from racing.errors import DatabaseUnavailable
from racing.features import CardFeatures, CardWarning, FormBook

log = logging.getLogger("greyhound.service")

AWAY = CardWarning("database_away", "the race database is away: only what the card brings is known")


class Form:
    """Reads form from the race database; while it is away, cards are rated by what they bring.

    One rule, whether no database is set or it is away: a card is answered if at least one of its runners
    carries form. Runners that come as a name only are then strangers, and a warning says so.

    Everything but :meth:`keep` may block on the database.
    """

    def __init__(self, database: str | None) -> None:
        self._database = database
        self._engine: Engine | None = None
        self._file: tuple[int, int] | None = None
        self._book: FormBook | None = None
        self.error: str | None = "it has not been looked at yet" if database else "no database is set"

    async def keep(self, poll_s: float) -> None:
        """Look, and look again, until cancelled; blocking work goes to a thread."""
        while self._database:
            await asyncio.sleep(poll_s)
            try:
                await asyncio.to_thread(self.look)
            except Exception:  # the keeper must outlive whatever a look meets
                log.exception("looking at the race database failed")

    def look(self) -> None:
        """Open the database if it was away, and read its tables anew if an import changed them.

        A book is replaced whole, so no card sees half of two.
        """
        if not self._database:
            return
        try:
            self._open(self._database)
            if self._engine and (self._book is None or not self._book.is_current()):
                start = time.monotonic()
                self._book = FormBook(self._engine)
                log.info("the form book is read, in %.2f s", time.monotonic() - start)
        except DatabaseUnavailable as error:
            self._is_away(error)
        else:
            self.error = None

    def features_of_card(self, card: Card, *, without_database: FormBook) -> CardFeatures:
        """Return what is known of a card's runners.

        Raises
        ------
        racing.errors.DatabaseUnavailable
            If the database is away and no runner carries form.
        """
        book = self._book
        if book is not None:
            try:
                return book.features_of_card(card)
            except DatabaseUnavailable as error:
                self._is_away(error)
        features = without_database.features_of_card(card)
        return replace(features, warnings=(AWAY, *features.warnings)) if self._database else features

    def _open(self, database: str) -> None:
        """Open the database, anew if its file is another than before: a pool would keep the deleted one."""
        file = file_of(database)
        if self._engine is None or file != self._file:
            if self._engine:
                self._engine.dispose()
            self._engine = self._book = None
            self._engine = open_database(database)
            self._file = file_of(database)

    def _is_away(self, error: DatabaseUnavailable) -> None:
        if self._book is not None or self.error is None:
            log.warning("the race database is away: %s", error)
        self._book = None  # so that no request waits for it before the next look
        self.error = str(error)


def file_of(database: str) -> tuple[int, int] | None:
    """Return which file an SQLite database is, None for any other database."""
    try:
        url = make_url(database)
        found = os.stat(str(url.database)) if url.get_backend_name() == "sqlite" else None
    except (ArgumentError, ValueError, OSError):  # opening it will tell
        return None
    return (found.st_dev, found.st_ino) if found else None
