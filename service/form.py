"""The form book that requests read, with or without the race database behind it."""

import asyncio
import logging
import time

from sqlalchemy import Engine

from racing.cards import Card
from racing.database.engine import open_database
from racing.errors import DatabaseUnavailable
from racing.features import CardFeatures, FormBook

log = logging.getLogger("greyhound.service")


class Form:
    """Reads form; a database that is away is tried again, and what an import changed is read anew.

    Everything but :meth:`keep` may block on the database.
    """

    def __init__(self, database: str | None, *, retry_s: float, refresh_s: float) -> None:
        self._database = database
        self._retry_s, self._refresh_s = retry_s, refresh_s
        self._engine: Engine | None = None
        self._book: FormBook | None = None
        self._cards_only = FormBook(None)
        self.error: str | None = None if database else "no database is set"

    @property
    def may_block(self) -> bool:
        """Whether reading form may wait for a database."""
        return self._database is not None

    async def keep(self) -> None:
        """Open and refresh the book, again and again, until cancelled; blocking work goes to a thread."""
        while self._database:
            await asyncio.sleep(self._refresh_s if self.error is None else self._retry_s)
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> None:
        """Read the database's tables anew; a book is replaced whole, so no card sees half of two."""
        if not self._database:
            return
        start = time.monotonic()
        try:
            self._engine = self._engine or open_database(self._database)
            self._book = FormBook(self._engine)
        except DatabaseUnavailable as error:
            self._is_away(error)
        else:
            self.error = None
            log.info("the form book is read, in %.2f s", time.monotonic() - start)

    def features_of_card(self, card: Card) -> CardFeatures:
        """Return what is known of a card's runners.

        Raises
        ------
        racing.errors.DatabaseUnavailable
            If the database is away and a runner comes as a name only.
        """
        book = self._book
        if book is not None:
            try:
                return book.features_of_card(card)
            except DatabaseUnavailable as error:
                self._is_away(error)
        names_only = [runner.name for runner in card.runners if not runner.form]
        if names_only and self._database:
            raise DatabaseUnavailable(f"{len(names_only)} runner(s) carry no form, and the database is away")
        return self._cards_only.features_of_card(card)

    def _is_away(self, error: DatabaseUnavailable) -> None:
        if self.error is None or self._book is None:
            log.warning("the race database is away: %s", error)
        self.error = str(error)
