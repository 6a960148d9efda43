"""The API keys in memory: read from the database every few seconds, valid for a while without it."""

import asyncio
import hmac
import logging
import time

from sqlalchemy.exc import DBAPIError

from racing.domain.errors import DatabaseUnavailable
from service.errors import KeyRefused, KeysUnknown, NoAnswerInTime, Overloaded
from service.race_database import RaceDatabase
from service.security.api_keys import Key, digest, read_keys, write_use
from service.thread_pools import ThreadPools

log = logging.getLogger("greyhound.service")
WRITE_USE_EVERY_S = 300.0
LOCK_TIMEOUT_MS = 100
AWAY = "the keys cannot be read now"
_NO_KEY = (None, digest("no key"))
_Keys = dict[str, tuple[Key, bytes]]


class ApiKeyCache:
    """Finds a key by its text. All state belongs to the event loop.

    Keys are read in threads that no request can take, and their last use is written in another: a lock on the
    table of keys against writing does not keep a revoked key valid.

    Parameters
    ----------
    max_age_s
        For how long the keys that were read last are valid while the database does not answer.
    """

    def __init__(self, database: str | None, *, max_age_s: float) -> None:
        self._database = RaceDatabase(database)
        self._max_age_s = max_age_s
        self._keys: _Keys | None = None
        self._read_at = 0.0
        self._used: set[str] = set()
        self._use_written_at: dict[str, float] = {}
        self._writing: asyncio.Task[None] | None = None
        self.error: str | None = "the keys were not read yet" if database else "no database is set"

    def check(self, text: str) -> Key:
        """Return the key of a text; an unknown id takes the same path as a wrong secret.

        Raises
        ------
        KeyRefused
            If it is unknown, mistyped or revoked.
        KeysUnknown
            If the keys were never read, or too long ago.
        """
        if self._keys is None:
            raise KeysUnknown(f"no key can be checked: {self.error}")
        if time.monotonic() - self._read_at > self._max_age_s:
            rule = f"they are valid for {self._max_age_s:g} s after they were read"
            raise KeysUnknown(f"no key can be checked: {AWAY}, and {rule}")
        key, expected = self._keys.get(text[3:11], _NO_KEY)
        if not hmac.compare_digest(digest(text), expected) or key is None:
            raise KeyRefused("this key is unknown or revoked")
        self._used.add(key.id)
        return key

    async def poll(self, poll_s: float, threads: ThreadPools) -> None:
        """Read the keys every ``poll_s`` until cancelled."""
        began = time.monotonic()
        while self._database.is_set:
            await asyncio.sleep(max(0.0, began + poll_s - time.monotonic()))
            began = time.monotonic()
            await self.refresh(threads)

    async def refresh(self, threads: ThreadPools) -> None:
        """Read the keys once; an answer that comes too late is dropped, for a later one may be newer."""
        if not self._database.is_set:
            return
        began = time.monotonic()
        try:
            self._keys = await threads.key_poll.call(self._read)
        except (DatabaseUnavailable, DBAPIError, NoAnswerInTime, Overloaded) as error:
            if self._keys is not None and self.error != AWAY:  # at the start /model_status shows it
                log.warning("the keys cannot be read: %s", getattr(error, "orig", None) or error)
            self.error = AWAY
        except Exception:  # polling must go on
            log.exception("reading the keys failed")
        else:
            self._read_at, self.error = began, None
            if self._used and (self._writing is None or self._writing.done()):
                self._writing = asyncio.create_task(self._write_use_of_keys(threads))

    def _read(self) -> _Keys:
        """Return the keys that are not revoked. Blocking."""
        with self._database.open().connect() as connection:
            return read_keys(connection)

    async def _write_use_of_keys(self, threads: ThreadPools) -> None:
        """Write when keys were last used, each at most every five minutes."""
        now = time.monotonic()
        used, self._used = self._used, set()
        due = {
            key
            for key in used
            if now - self._use_written_at.get(key, -WRITE_USE_EVERY_S) >= WRITE_USE_EVERY_S
        }
        if not due:
            return
        try:
            await threads.key_use.call(lambda: self._write_use(due))
        except (DatabaseUnavailable, DBAPIError, NoAnswerInTime, Overloaded) as error:
            # an import holds the lock, or we may not write
            log.info("the use of a key was not noted: %s", type(error).__name__)
            return
        self._use_written_at |= dict.fromkeys(due, now)

    def _write_use(self, ids: set[str]) -> None:
        """Write the use of keys, without waiting long for a lock. Blocking."""
        engine = self._database.open()
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {LOCK_TIMEOUT_MS}")
            else:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
            write_use(connection, ids)
