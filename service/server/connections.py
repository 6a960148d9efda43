"""Connections: time-outs, a limit on their number, and a last answer that closes them at shutdown.

**Guarantee** (``tests/service/test_overload.py``, ``test_malformed_http.py``): a client that sends or reads
too slowly is answered with 408 or cut off and delays nobody; at the limit an idle connection makes room, else
a new one is refused with 503. uvicorn has a time-out only for idle connections (``timeout_keep_alive``) and
leaves the rest to a proxy.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from service.errors import HeadTooSlow, Overloaded, ServiceError
from service.problems import problem_response
from service.server.bounded_protocol import BoundedHttpProtocol
from service.server.shutdown import ShutdownState
from service.settings import ServiceSettings

SWEEP_S = 0.5  # how often time-outs are checked: a request pays only for two readings of the clock
_LINGER_S = 2.0  # closing over unread bytes would reset the connection, and the answer be lost
_RECENT_S = 1.0  # a connection that was used within it is not closed to make room for another


class Connection(BoundedHttpProtocol):
    """One client's connection: uvicorn's protocol with time-outs, which :meth:`sweep` applies."""

    def __init__(self, *args: Any, settings: ServiceSettings, draining: ShutdownState, **others: Any) -> None:
        super().__init__(*args, **others)
        self._settings = settings
        self._draining = draining
        self._reading_since: float | None = None  # a request has begun, and is not complete
        self._stuck_since: float | None = None  # the client does not take up what we write
        self._stuck_s = 0.0  # for how long it has not, of one answer
        self._closing_since: float | None = None
        self._ended_at: float | None = None  # answered without the app
        self._quiet_since = self.loop.time()

    @property
    def is_idle(self) -> bool:
        """Whether no request is being read or answered here."""
        is_answered = self.cycle is None or self.cycle.response_complete
        return self._reading_since is None and is_answered and not self._unfed

    def sweep(self, now: float) -> None:
        """End the connection if what it waits for takes too long."""
        settings = self._settings
        if self.transport.is_closing():  # what was written is not taken up
            self._closing_since = self._closing_since or now
            if now - self._closing_since > settings.write_timeout_s:
                self.transport.abort()
        elif self._ended_at is not None:
            if now - self._ended_at > _LINGER_S:
                self.transport.close()
        elif self._stuck_since is not None:
            seconds = now - self._stuck_since
            if seconds > settings.write_timeout_s or self._stuck_s + seconds > settings.batch_timeout_s:
                self.transport.abort()
        elif self._reading_since is not None:
            self._sweep_reading(now - self._reading_since)
        elif self.is_idle:
            allowed = settings.header_timeout_s + (settings.keep_alive_s if self.cycle else 0.0)
            if now - self._quiet_since > allowed:  # blank lines keep uvicorn's own timer from running out
                self.transport.close()

    def refuse(self, error: ServiceError) -> None:
        """Read no more, answer without the app, and close once the client has the answer.

        Where earlier requests are still to be answered, the last of those answers closes.
        """
        self._reads_no_more = True
        if not self._is_free:
            self.cycle.keep_alive = False
            return
        self._ended_at = self.loop.time()
        self._answer(error)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; not in the middle of another answer."""
        if self._is_free:
            super().send_400_response(msg)
        else:
            self._reads_no_more = True
            self.cycle.keep_alive = False

    def retire(self) -> None:
        """Let the answer to the newest request be the last; further requests are still read until it is."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def close_if_idle(self) -> None:
        """Close the connection unless a request is under way."""
        if self.is_idle and not self.transport.is_closing():
            self.transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take up a connection, if there is room."""
        super().connection_made(transport)
        if len(self.connections) > self._settings.max_connections and not self._make_room():
            text = f"{self._settings.max_connections} connections are open already; try again later"
            self._answer(Overloaded(text, 1))
            self.transport.close()

    def on_message_begin(self) -> None:
        """Note when a request begins."""
        self._reading_since = self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start to answer a request; when the service ends, its answer is the last one."""
        before = self.cycle
        super().on_headers_complete()
        if self._draining.is_closing and self.cycle is not before:
            if before is not None and not before.response_started:
                before.keep_alive = True  # pipelined: the last answer closes, not the one before
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """Note that a request is complete."""
        self._reading_since = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Note since when the connection is idle."""
        self._quiet_since = self.loop.time()
        self._stuck_s = 0.0
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Note that the client does not take up what we write."""
        self._stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Go on writing."""
        if self._stuck_since is not None:
            self._stuck_s += self.loop.time() - self._stuck_since
            self._stuck_since = None
        super().resume_writing()

    def _sweep_reading(self, seconds: float) -> None:
        settings = self._settings
        if self._is_in_head:
            if seconds > settings.header_timeout_s:
                rule = f"the head of a request must arrive within {settings.header_timeout_s:g} s"
                self.refuse(HeadTooSlow(f"{rule}; this one did not"))
        elif self.cycle.response_complete and seconds > settings.header_timeout_s + settings.body_timeout_s:
            self.transport.close()  # answered long ago, and still sending

    def _make_room(self) -> bool:
        """Close the connection that has been idle for longest, if there is one."""
        latest = self.loop.time() - _RECENT_S
        others = [other for other in self.connections if isinstance(other, Connection) and other.is_idle]
        idle = [other for other in others if other._quiet_since < latest and not other.transport.is_closing()]
        if idle:
            min(idle, key=lambda other: other._quiet_since).transport.close()
        return bool(idle)

    @property
    def _is_free(self) -> bool:
        """Whether an answer to what arrives now would be the next one."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return True
        return not (self._is_in_head or cycle.response_started or self.pipeline)  # its body is what is wrong

    def _answer(self, error: ServiceError) -> None:
        """Answer in place of the app."""
        self.transport.write(_raw_answer(error))
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()


def _raw_answer(error: ServiceError) -> bytes:
    response = problem_response(error, None)
    response.headers["Connection"] = "close"
    reason = HTTPStatus(response.status_code).phrase
    head = [f"HTTP/1.1 {response.status_code} {reason}".encode()]
    head += [name + b": " + value for name, value in response.raw_headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + bytes(response.body)
