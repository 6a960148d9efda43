"""The stored form of a card's dogs, with or without a race database."""

import asyncio
import logging
import time
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from racing.domain.cards import Card
from racing.domain.errors import DatabaseUnavailable
from racing.features import CardFeatures, CardFeaturizer, CardWarning
from racing.features.cards.stored_form import StoredForm
from service.errors import NoAnswerInTime
from service.race_database import RaceDatabase
from service.thread_pools import ThreadPool

log = logging.getLogger("greyhound.service")

AWAY = CardWarning("database_away", "the race database is away: only what the card brings is known")


@dataclass(frozen=True, slots=True)
class CardForm:
    """The stored form of a card's dogs, and the featurizer that read it."""

    featurizer: CardFeaturizer
    stored: StoredForm


class FormStore:
    """Reads form from the race database; while it is away, cards are rated by what they bring.

    One rule, whether no database is set or it is away: a card is answered if at least one of its runners
    carries form. Runners that come as a name only are then strangers, and a warning says so.

    Everything but :meth:`poll` and :meth:`refresh_in_time` may block on the database.
    """

    def __init__(self, database: str | None) -> None:
        self._database = RaceDatabase(database)
        self._has_answered = False
        self._engine: Engine | None = None
        self._featurizer: CardFeaturizer | None = None
        self.error: str | None = "it has not been read yet" if database else "no database is set"

    @property
    def tables(self) -> object | None:
        """What form is read by: another object after the ratings changed; None while the database is away."""
        return self._featurizer

    async def poll(self, poll_s: float, threads: ThreadPool) -> None:
        """Refresh every ``poll_s`` seconds until cancelled, in threads that serve no request."""
        while self._database.is_set:
            await asyncio.sleep(poll_s)
            try:
                await self.refresh_in_time(threads)
            except Exception:  # polling must go on
                log.exception("polling the race database failed")

    async def refresh_in_time(self, threads: ThreadPool) -> None:
        """Refresh in a thread; a call that hangs is left to itself, and no other begins before it is done.

        A database that has answered is not away, however long its tables take to be read.
        """
        if not threads.all_hang:
            self._has_answered = False
        try:
            await threads.call(self.refresh)
        except NoAnswerInTime as error:
            if not self._has_answered:
                self.mark_away(error)

    def mark_away(self, why: NoAnswerInTime) -> None:
        """Count the database as away until a refresh succeeds: it did not answer in time."""
        self._set_away(DatabaseUnavailable(str(why)))

    def refresh(self) -> None:
        """Open the database if it was away, and read its tables anew if an import changed them.

        The featurizer is replaced whole, so no card gets half of two.
        """
        if not self._database.is_set:
            return
        try:
            engine = self._open()
            is_current = self._featurizer is not None and self._featurizer.is_current()
            self._has_answered = True
            if not is_current:
                start = time.monotonic()
                self._featurizer = CardFeaturizer(engine)
                log.info("the tables of form are read, in %.2f s", time.monotonic() - start)
        except DatabaseUnavailable as error:
            self._set_away(error)
        else:
            self.error = None

    def is_in_memory(self, card: Card) -> bool:
        """Return whether :meth:`read` will not wait for the database: see :class:`CardFeaturizer`."""
        featurizer = self._featurizer
        return featurizer is None or featurizer.is_in_memory(card)

    def read(self, card: Card) -> CardForm | None:
        """Return the stored form of a card's dogs; None while the database is away."""
        featurizer = self._featurizer
        if featurizer is None:
            return None
        try:
            return CardForm(featurizer, featurizer.read(card))
        except DatabaseUnavailable as error:
            self._set_away(error)
            return None

    def features_of_card(
        self,
        card: Card,
        form: CardForm | None,
        *,
        without_database: CardFeaturizer,
        with_runs: bool = False,
    ) -> CardFeatures:
        """Return the features of a card's starters, given the result of :meth:`read`.

        ``with_runs`` adds the numbers of single runs.

        Raises
        ------
        racing.domain.errors.DatabaseUnavailable
            If the database is away and no runner carries form.
        """
        if form is not None:
            return form.featurizer.features_of_card(card, form.stored, with_runs=with_runs)
        features = without_database.features_of_card(card, with_runs=with_runs)
        return replace(features, warnings=(AWAY, *features.warnings)) if self._database.is_set else features

    def _open(self) -> Engine:
        """Return the engine; a featurizer of another file is dropped."""
        engine = self._database.open()
        if engine is not self._engine:
            self._engine, self._featurizer = engine, None
        return engine

    def _set_away(self, error: DatabaseUnavailable) -> None:
        if self._featurizer is not None or self.error is None:
            log.warning("the race database is away: %s", error)
        self._featurizer = None  # so that no request waits for it before the next refresh
        self.error = str(error)
