"""The newest events of the race database, read by one poller for all followers of this process.

**Guarantee** (``tests/service/events/``): memory does not grow with followers or events, a database that is
away ends no stream, and nothing is polled while nobody follows. Each follower knows only how far it has read;
the newest events lie encoded in one list for all. A queue a follower was looked at: a hundred of them would
hold the same bytes a hundred times.
"""

import asyncio
import logging
from bisect import bisect_right
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from racing.domain.errors import DatabaseUnavailable
from racing.race_day.events import StoredEvent, events_after, newest_event
from service.errors import NoAnswerInTime, Overloaded
from service.events.wire import as_bytes
from service.observability.metrics import Metrics
from service.race_database import RaceDatabase
from service.thread_pools import ThreadPool

POLL_S = 0.5
MAX_RECENT = 2_000
"""Newest events in memory, some 3 MB at most; who is further behind reads them from the database."""
PAGE = 500
CHUNK_BYTES = 64 * 1024
RETRY_AFTER_S = 5
Read = TypeVar("Read")
log = logging.getLogger("greyhound.service")


@dataclass(frozen=True, slots=True)
class Page:
    """Events as they are sent, and where to go on after them."""

    after: int
    text: bytes
    n_events: int
    missed_until: int | None = None
    """The last of the events that were no longer stored, if there were any."""


@dataclass(frozen=True, slots=True)
class _News:
    newest: int
    events: list[StoredEvent]


class EventFeed:
    """Polls the database while somebody follows, and hands its newest events out.

    Parameters
    ----------
    polls, replays
        Threads for the poller, and for followers that read what they missed.
    max_followers
        So many streams at once in this process.
    """

    def __init__(
        self,
        database: RaceDatabase,
        polls: ThreadPool,
        replays: ThreadPool,
        metrics: Metrics,
        *,
        max_followers: int,
    ) -> None:
        self._database = database
        self._polls = polls
        self._replays = replays
        self._metrics = metrics
        self._max_followers = max_followers
        self._ids: list[int] = []
        self._events: list[tuple[str, bytes]] = []
        self._woken = asyncio.Event()
        self._change = asyncio.Event()
        self.n_followers = 0
        self.newest: int | None = None
        """Number of the newest event that was read; None until the database was."""
        self.first = 0
        """The events after this number are in memory."""
        self.error: str | None = None
        """Why the database cannot be read now."""
        self.is_ending = False

    def enter(self) -> None:
        """Count one more follower, until :meth:`leave`.

        Raises
        ------
        service.errors.Overloaded
            If there are as many as this process takes.
        """
        if self.n_followers >= self._max_followers:
            text = f"{self._max_followers} follow the events already, as many as this service takes"
            raise Overloaded(f"{text}; try again later", RETRY_AFTER_S)
        self.n_followers += 1
        self._metrics.event_followers.set(self.n_followers)
        self._woken.set()

    def leave(self) -> None:
        """Count one follower less."""
        self.n_followers -= 1
        self._metrics.event_followers.set(self.n_followers)

    def wake(self) -> None:
        """Read the database now: this process has written to it."""
        self._woken.set()

    def end(self) -> None:
        """End every stream: the service stops. Followers resume elsewhere, or here once it is back."""
        self.is_ending = True
        self._tell_followers()

    async def wait_for_change(self, seconds: float) -> None:
        """Wait until there is something new to say, at most some seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._change.wait()

    async def run(self) -> None:
        """Poll while somebody follows; never ends by itself."""
        while True:
            if not self.n_followers:
                self._forget()
                self._woken.clear()
                await self._woken.wait()
            self._woken.clear()
            if await self._look():
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._woken.wait()

    def recent(self, after: int, kinds: Collection[str] | None) -> Page | None:
        """Return what is in memory after an event; None if not all of it is."""
        if self.newest is None or after < self.first or after > self.newest:
            return None
        start, size, parts = bisect_right(self._ids, after), 0, list[bytes]()
        last = after
        for i in range(start, len(self._ids)):
            kind, text = self._events[i]
            last = self._ids[i]
            if kinds is None or kind in kinds:
                parts.append(text)
                size += len(text)
                if size > CHUNK_BYTES:
                    break
        return Page(last, b"".join(parts), len(parts))

    async def stored(self, after: int, kinds: Collection[str] | None) -> Page:
        """Return a page of what the database has after an event.

        Raises
        ------
        racing.domain.errors.DatabaseUnavailable, service.errors.NoAnswerInTime, service.errors.Overloaded
            If it cannot be read now.
        """
        return await self._replays.call(
            lambda: self._read(lambda connection: _page(connection, after, kinds))
        )

    async def _look(self) -> bool:
        """Read what is new; return whether there is more of it."""
        try:
            newest = self.newest
            news = await self._polls.call(lambda: self._read(lambda connection: _news(connection, newest)))
        except (DatabaseUnavailable, NoAnswerInTime, Overloaded) as error:
            if self.error is None:
                log.warning("followers of events wait for the race database: %s", error)
                self.error = str(error)
                self._tell_followers()
            return False
        self._take(news)
        return len(news.events) == PAGE

    def _take(self, news: _News) -> None:
        is_back, self.error = self.error is not None, None
        is_first, is_replaced = self.newest is None, news.newest < (self.newest or 0)
        if is_first or is_replaced:  # another file lies at the address, with numbers of its own
            self._forget()
            self.first = self.newest = news.newest
        if news.events and news.events[0].id > (self.newest or 0) + 1:  # pruned before they were read
            self._forget()
            self.first = news.events[0].id - 1
        for event in news.events:
            self._ids.append(event.id)
            self._events.append((event.kind, as_bytes(event)))
            self.newest = event.id
        if len(self._ids) > 2 * MAX_RECENT:
            self.first = self._ids[-MAX_RECENT - 1]
            del self._ids[:-MAX_RECENT], self._events[:-MAX_RECENT]
        if news.events or is_back or is_first or is_replaced:
            self._tell_followers()

    def _forget(self) -> None:
        self._ids, self._events, self.newest = [], [], None

    def _tell_followers(self) -> None:
        change, self._change = self._change, asyncio.Event()
        change.set()

    def _read(self, read: Callable[[Connection], Read]) -> Read:
        with self._database.engine() as engine, engine.connect() as connection:
            return read(connection)


def _news(connection: Connection, after: int | None) -> _News:
    newest = newest_event(connection)
    if after is None or newest <= after:
        return _News(newest, [])
    return _News(newest, events_after(connection, after, None, PAGE))


def _page(connection: Connection, after: int, kinds: Collection[str] | None) -> Page:
    newest = newest_event(connection)
    if after > newest:  # another database lies at the address: nothing before now belongs to this follower
        return Page(newest, b"", 0, missed_until=newest)
    events = events_after(connection, after, None, PAGE)
    sent = [as_bytes(event) for event in events if kinds is None or event.kind in kinds]
    missed_until = events[0].id - 1 if events and events[0].id > after + 1 else None  # numbers have no gaps
    return Page(events[-1].id if events else after, b"".join(sent), len(sent), missed_until)
