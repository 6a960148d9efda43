"""The form book that requests read, with or without the race database behind it."""

import logging
import time

from racing.cards import Card
from racing.database.engine import open_database
from racing.errors import DatabaseUnavailable
from racing.features import FormBook
from service.prediction import CardFeatures

RETRY_S = 2.0
log = logging.getLogger("greyhound.service")


class Form:
    """Reads form; a database that was away when the service started is tried again as requests come.

    All calls may block on the database.
    """

    def __init__(self, database: str | None) -> None:
        self._database = database
        self._book: FormBook | None = None
        self._without_database = FormBook(None)
        self._retry_at = 0.0
        self.error: str | None = None if database else "no database is set"

    @property
    def may_block(self) -> bool:
        """Whether reading form may wait for a database."""
        return self._database is not None

    def open(self) -> FormBook:
        """Return the form book with the database if it can be had, else the one without."""
        if self._book is None and self._database and time.monotonic() >= self._retry_at:
            try:
                self._book = FormBook(open_database(self._database))
                self.error = None
            except DatabaseUnavailable as error:
                self._retry_at = time.monotonic() + RETRY_S
                self.error = str(error)
                log.warning("the race database is away: %s", error)
        return self._book or self._without_database

    def features_of_card(self, card: Card) -> CardFeatures:
        """Return what is known of a card's runners."""
        return self.open().features_of_card(card)
