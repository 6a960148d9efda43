"""The form that predictions draw on, with or without the race database behind it."""

import asyncio
import logging
import time
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from racing.domain.cards import Card
from racing.domain.errors import DatabaseUnavailable
from racing.features import CardFeatures, CardFeaturizer, CardWarning
from racing.features.cards.stored_form import StoredForm
from service.blocking_calls import BlockingCalls
from service.errors import NoAnswerInTime
from service.race_database import RaceDatabase

log = logging.getLogger("greyhound.service")

AWAY = CardWarning("database_away", "the race database is away: only what the card brings is known")


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows of a card's dogs, and the book that it was read with."""

    book: CardFeaturizer
    stored: StoredForm


class FormStore:
    """Reads form from the race database; while it is away, cards are rated by what they bring.

    One rule, whether no database is set or it is away: a card is answered if at least one of its runners
    carries form. Runners that come as a name only are then strangers, and a warning says so.

    Everything but :meth:`keep` may block on the database.
    """

    def __init__(self, database: str | None) -> None:
        self._database = RaceDatabase(database)
        self._answers = False
        self._engine: Engine | None = None
        self._book: CardFeaturizer | None = None
        self.error: str | None = "it has not been looked at yet" if database else "no database is set"

    async def keep(self, poll_s: float, threads: BlockingCalls) -> None:
        """Look, and look again, until cancelled; blocking work goes to threads that nobody else uses."""
        while self._database.is_set:
            await asyncio.sleep(poll_s)
            try:
                await self.look_in_time(threads)
            except Exception:  # the keeper must outlive whatever a look meets
                log.exception("looking at the race database failed")

    async def look_in_time(self, threads: BlockingCalls) -> None:
        """Look in a thread; a look that hangs is left to itself, and no other begins before it is done.

        A database that has answered is not away, however long its tables take to be read.
        """
        if not threads.all_hang:
            self._answers = False
        try:
            await threads.call(self.look)
        except NoAnswerInTime as error:
            if not self._answers:
                self.give_up(error)

    def give_up(self, why: NoAnswerInTime) -> None:
        """Count the database as away until a look succeeds: it did not answer in time."""
        self._is_away(DatabaseUnavailable(str(why)))

    def look(self) -> None:
        """Open the database if it was away, and read its tables anew if an import changed them.

        A book is replaced whole, so no card sees half of two.
        """
        if not self._database.is_set:
            return
        try:
            engine = self._open()
            is_current = self._book is not None and self._book.is_current()
            self._answers = True
            if not is_current:
                start = time.monotonic()
                self._book = CardFeaturizer(engine)
                log.info("the form book is read, in %.2f s", time.monotonic() - start)
        except DatabaseUnavailable as error:
            self._is_away(error)
        else:
            self.error = None

    def is_in_memory(self, card: Card) -> bool:
        """Return whether :meth:`read` will not wait for the database: it knows none of the card's dogs."""
        book = self._book
        return book is None or not book.has_stored_dog(card)

    def read(self, card: Card) -> Known | None:
        """Return what the database knows of a card's dogs; ``None`` while it is away."""
        book = self._book
        if book is None:
            return None
        try:
            return Known(book, book.read(card))
        except DatabaseUnavailable as error:
            self._is_away(error)
            return None

    def features_of_card(
        self, card: Card, known: Known | None, *, without_database: CardFeaturizer
    ) -> CardFeatures:
        """Return what is known of a card's runners, given what :meth:`read` returned.

        Raises
        ------
        racing.domain.errors.DatabaseUnavailable
            If the database is away and no runner carries form.
        """
        if known is not None:
            return known.book.features_of_card(card, known.stored)
        features = without_database.features_of_card(card)
        return replace(features, warnings=(AWAY, *features.warnings)) if self._database.is_set else features

    def _open(self) -> Engine:
        """Return the engine; a book that was read from another file is put away."""
        engine = self._database.open()
        if engine is not self._engine:
            self._engine, self._book = engine, None
        return engine

    def _is_away(self, error: DatabaseUnavailable) -> None:
        if self._book is not None or self.error is None:
            log.warning("the race database is away: %s", error)
        self._book = None  # so that no request waits for it before the next look
        self.error = str(error)
