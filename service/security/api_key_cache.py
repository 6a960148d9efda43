"""The API keys in memory: read from the database every few seconds, believed for a while without it."""

import asyncio
import hmac
import logging
import time

from sqlalchemy.exc import DBAPIError

from racing.domain.errors import DatabaseUnavailable
from service.errors import KeyRefused, KeysUnknown, NoAnswerInTime, Overloaded
from service.race_database import RaceDatabase
from service.security.stored_keys import Key, digest, note_use, read_keys
from service.thread_pools import ThreadPools

log = logging.getLogger("greyhound.service")
NOTED_EVERY_S = 300.0
LOCK_TIMEOUT_MS = 100
AWAY = "the keys cannot be read now"
_NOBODY = (None, digest("nobody"))
_Keys = dict[str, tuple[Key, bytes]]


class ApiKeyCache:
    """Knows a key by its text. All of its state belongs to the event loop.

    Keys are read in threads that no request can take, and their use is noted in another: whoever locks the
    keys' table against writing does not keep a revoked key in.

    Parameters
    ----------
    max_age_s
        For how long the keys that were read last are believed while the database does not answer.
    """

    def __init__(self, database: str | None, *, max_age_s: float) -> None:
        self._database = RaceDatabase(database)
        self._max_age_s = max_age_s
        self._keys: _Keys | None = None
        self._read_at = 0.0
        self._used: set[str] = set()
        self._noted_at: dict[str, float] = {}
        self._noting: asyncio.Task[None] | None = None
        self.error: str | None = "the keys were not read yet" if database else "no database is set"

    def check(self, text: str) -> Key:
        """Return the key of a text; an unknown id takes the same path as a wrong secret.

        Raises
        ------
        KeyRefused
            If it is unknown, mistyped or revoked.
        KeysUnknown
            If the keys were never read, or so long ago that they are not believed any more.
        """
        if self._keys is None:
            raise KeysUnknown(f"no key can be checked: {self.error}")
        if time.monotonic() - self._read_at > self._max_age_s:
            rule = f"they are believed for {self._max_age_s:g} s after they were read"
            raise KeysUnknown(f"no key can be checked: {AWAY}, and {rule}")
        key, expected = self._keys.get(text[3:11], _NOBODY)
        if not hmac.compare_digest(digest(text), expected) or key is None:
            raise KeyRefused("this key is unknown or revoked")
        self._used.add(key.id)
        return key

    async def keep(self, poll_s: float, threads: ThreadPools) -> None:
        """Read the keys again and again, a look every ``poll_s``, until cancelled."""
        began = time.monotonic()
        while self._database.is_set:
            await asyncio.sleep(max(0.0, began + poll_s - time.monotonic()))
            began = time.monotonic()
            await self.look(threads)

    async def look(self, threads: ThreadPools) -> None:
        """Read the keys anew; a reading that comes too late is dropped, for a later one may be newer."""
        if not self._database.is_set:
            return
        began = time.monotonic()
        try:
            self._keys = await threads.key_poll.call(self._read)
        except (DatabaseUnavailable, DBAPIError, NoAnswerInTime, Overloaded) as error:
            if self._keys is not None and self.error != AWAY:  # at the start /model_status tells it
                log.warning("the keys cannot be read: %s", getattr(error, "orig", None) or error)
            self.error = AWAY
        except Exception:  # the polls must outlive whatever a look meets
            log.exception("looking at the keys failed")
        else:
            self._read_at, self.error = began, None
            if self._used and (self._noting is None or self._noting.done()):
                self._noting = asyncio.create_task(self._note(threads))

    def _read(self) -> _Keys:
        """Return the keys that are not revoked. Blocking."""
        with self._database.open().connect() as connection:
            return read_keys(connection)

    async def _note(self, threads: ThreadPools) -> None:
        """Write down which keys were used, each at most every five minutes."""
        now = time.monotonic()
        used, self._used = self._used, set()
        due = {key for key in used if now - self._noted_at.get(key, -NOTED_EVERY_S) >= NOTED_EVERY_S}
        if not due:
            return
        try:
            await threads.key_use.call(lambda: self._write_use(due))
        except (DatabaseUnavailable, DBAPIError, NoAnswerInTime, Overloaded) as error:
            # an import holds the lock, or we may not write
            log.info("the use of a key was not noted: %s", type(error).__name__)
            return
        self._noted_at |= dict.fromkeys(due, now)

    def _write_use(self, ids: set[str]) -> None:
        """Note the use of keys, and hardly wait for a lock. Blocking."""
        engine = self._database.open()
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {LOCK_TIMEOUT_MS}")
            else:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
            note_use(connection, ids)
