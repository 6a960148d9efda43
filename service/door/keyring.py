"""The keys that are let in, in memory: read from the database every few seconds, kept while it is away."""

import asyncio
import hmac
import logging
import time

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from racing.errors import DatabaseUnavailable
from service.door.stored_keys import Key, digest, note_use, read_keys
from service.errors import KeyRefused, KeysUnknown
from service.race_database import RaceDatabase

log = logging.getLogger("greyhound.service")
NOTED_EVERY_S = 300.0
AWAY = "the keys cannot be read now"
_NOBODY = (None, digest("nobody"))


class Keyring:
    """Knows a key by its text; everything but :meth:`keep` and :meth:`check` may block on the database."""

    def __init__(self, database: str | None) -> None:
        self._database = RaceDatabase(database)
        self._keys: dict[str, tuple[Key, bytes]] | None = None
        self._used: set[str] = set()
        self._noted_at: dict[str, float] = {}
        self.error: str | None = "the keys were not read yet" if database else "no database is set"

    def check(self, text: str) -> Key:
        """Return the key of a text; an unknown id takes the same path as a wrong secret.

        Raises
        ------
        KeyRefused
            If it is unknown, mistyped or revoked.
        KeysUnknown
            If the keys were never read.
        """
        if self._keys is None:
            raise KeysUnknown(f"no key can be checked: {self.error}")
        key, expected = self._keys.get(text[3:11], _NOBODY)
        if not hmac.compare_digest(digest(text), expected) or key is None:
            raise KeyRefused("this key is unknown or revoked")
        self._used.add(key.id)
        return key

    async def keep(self, poll_s: float) -> None:
        """Look, and look again, until cancelled; blocking work goes to a thread."""
        while self._database.is_set:
            try:
                await asyncio.to_thread(self.look)
            except Exception:  # the keeper must outlive whatever a look meets
                log.exception("looking at the keys failed")
            await asyncio.sleep(poll_s)

    def look(self) -> None:
        """Read the keys anew; while the database is away, those known before are still let in."""
        if not self._database.is_set:
            return
        try:
            engine = self._database.open()
            with engine.connect() as connection:
                self._keys = read_keys(connection)
            self._note(engine)
        except (DatabaseUnavailable, DBAPIError) as error:
            if self._keys is not None and self.error != AWAY:  # at the start /model_status tells it
                log.warning("the keys cannot be read: %s", getattr(error, "orig", None) or error)
            self.error = AWAY
        else:
            self.error = None

    def _note(self, engine: Engine) -> None:
        """Write down which keys were used, each at most every five minutes, and never wait for a lock."""
        now = time.monotonic()
        used, self._used = self._used, set()
        due = {key for key in used if now - self._noted_at.get(key, -NOTED_EVERY_S) >= NOTED_EVERY_S}
        if not due:
            return
        try:
            with engine.begin() as connection:
                if engine.dialect.name == "sqlite":
                    connection.exec_driver_sql("PRAGMA busy_timeout = 100")
                note_use(connection, due)
        except DBAPIError as error:  # an import holds the lock, or we may not write
            log.info("the use of a key was not noted: %s", type(error).__name__)
            return
        self._noted_at |= dict.fromkeys(due, now)
