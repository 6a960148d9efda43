"""One follower's stream: what it missed, from the database, then what happens, and a sign of life meanwhile.

Starlette's own ``StreamingResponse`` sends it. sse-starlette and FastAPI's ``EventSourceResponse`` were
looked at: both encode each event for each follower and bring a ping task a stream; here the bytes of an event
are made once, and a heartbeat carries the position, so that who waits only for promotions resumes at now.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from racing.domain.errors import DatabaseUnavailable
from service.errors import NoAnswerInTime, Overloaded, ServiceError
from service.events.feed import EventFeed
from service.events.wire import comment, missed, opening
from service.observability.metrics import Metrics
from service.observability.request_metrics import STREAMED

HEARTBEAT_S = 15.0
LOOK_S = 1.0
"""A follower whose key is revoked is let go within it."""
STOPPING = "the service is stopping; come again"


class EventStream(StreamingResponse):
    """The answer to one follower, from :meth:`~service.events.feed.EventFeed.enter` to ``leave``."""

    media_type = "text/event-stream"

    def __init__(self, feed: EventFeed, parts: AsyncIterator[bytes]) -> None:
        super().__init__(parts, headers={"X-Accel-Buffering": "no"})  # nginx would gather 8 KiB first
        self._feed = feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the follower leaves or is let go."""
        scope[STREAMED] = True
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._feed.leave()


class Follower:
    """What one follower is sent.

    Parameters
    ----------
    after
        Number of the last event that it has; None begins with what happens now.
    check
        Raises an error of the service once the follower may no longer read.
    """

    def __init__(
        self,
        feed: EventFeed,
        metrics: Metrics,
        *,
        kinds: Collection[str] | None,
        after: int | None,
        check: Callable[[], object] = lambda: None,
    ) -> None:
        self._feed = feed
        self._metrics = metrics
        self._kinds = kinds
        self._position = after
        self._check = check
        self._is_live = False
        self._is_absence_sent = False

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield what is sent, piece by piece."""
        feed, loop = self._feed, asyncio.get_running_loop()
        yield opening(self._position)
        silent_since = loop.time()
        while not feed.is_ending:
            try:
                self._check()
            except ServiceError as error:
                yield comment(f"no longer: {error}")
                return
            before = self._position
            part, is_over = await self._next()
            if part:
                silent_since = loop.time()
                yield part
            elif loop.time() - silent_since >= HEARTBEAT_S:
                silent_since = loop.time()
                yield comment("still here", self._position)
            if is_over:
                return
            if not part and self._position == before:
                await feed.wait_for_change(LOOK_S)
        yield comment(STOPPING, self._position)

    async def _next(self) -> tuple[bytes, bool]:
        """Return what there is to send now, and whether the stream ends with it."""
        feed = self._feed
        if feed.error is not None:
            was_sent, self._is_absence_sent = self._is_absence_sent, True
            return (b"" if was_sent else comment(f"waiting: {feed.error}", self._position)), False
        self._is_absence_sent = False
        if feed.newest is None:
            return b"", False
        if self._position is None:
            self._position = feed.newest
            return comment(f"events after {self._position}", self._position), False
        page = feed.recent(self._position, self._kinds)
        if page is not None:
            self._is_live = True
            return self._taken(page.after, page.text, page.n_events), False
        if self._is_live and self._position <= feed.newest:
            self._metrics.events_dropped.inc()
            return comment("you read too slowly; come again with Last-Event-ID", self._position), True
        return await self._replayed(self._position), False

    async def _replayed(self, position: int) -> bytes:
        try:
            page = await self._feed.stored(position, self._kinds)
        except (DatabaseUnavailable, NoAnswerInTime, Overloaded):
            return b""  # the poller says so, or it is tried again
        lost = b"" if page.missed_until is None else missed(position, page.missed_until)
        return self._taken(page.after, lost + page.text, page.n_events)

    def _taken(self, position: int, text: bytes, n_events: int) -> bytes:
        self._position = position
        if n_events:
            self._metrics.events_sent.inc(n_events)
        return text


async def nothing_but_the_end() -> AsyncIterator[bytes]:
    """Yield what a follower is sent who comes while the service stops: browsers then come again."""
    yield opening(None)
    yield comment(STOPPING)
