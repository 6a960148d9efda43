"""Feeding a connection's bytes to uvicorn's parser: in pieces with a limit, and never long at a time.

**Guarantee** (``tests/service/test_bounds_on_the_wire.py``): a request's head, and what describes chunks or
follows the last one, is refused with 431 beyond 64 KiB to the byte; so is a head with more than 256 headers;
parsing stops after 1 ms for other connections; at most eight pipelined requests are parsed. httptools has no
limit at all. ``http="h11"`` with ``h11_max_incomplete_event_size`` was tried: it bounds memory too, but 15 of
the tests fail (an answer of plain text with status 400, a limit that depends on how the bytes arrive, none on
the number of headers, no write time-out), and a request costs 111 microseconds of processor time in the
protocol instead of 38 (31 without this module).
"""

import time
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.errors import HeadersTooLarge, ServiceError
from service.server.whole_answers import WholeAnswers

HEAD_BYTES = 64 * 1024  # request line and headers; and what of a chunked body is no body, at a stretch
MAX_HEADERS = 256  # each is an object, and 64 KiB would hold 16,000
MAX_PIPELINED = 8  # requests that are parsed while an earlier one is answered; others wait as bytes
_FEED_S = 0.001  # the parser works for so long, then the loop looks at other connections
_PIECE = 16 * 1024
_END = b"\r\n\r\n"


class BoundedHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol with heads counted to the byte, and parsing that never holds the loop for long.

    The parser holds a header until it is whole, and makes a call for every header, chunk and request: the
    size of a piece bounds its memory and its time. No piece goes past the end of a head, or past the end of a
    message, so the next message begins with the next piece.
    """

    def __init__(self, *args: Any, **others: Any) -> None:
        super().__init__(*args, **others)
        self.flow: _Flow = None  # type: ignore[assignment]  # there once connected
        self._unfed: bytes = b""
        self._is_feeding_later = False
        self._is_in_head = True
        self._n_head = 0
        self._n_lines = 0
        self._n_body_left: int | None = None  # None: chunked, so the parser knows
        self._n_idle = 0  # bytes of a chunked body since the last one that is body
        self._n_body_of_piece = 0
        self._last_three = b""
        self._reads_no_more = False
        self._running_cycle: RequestResponseCycle | None = None

    def refuse(self, error: ServiceError) -> None:
        """Answer without the app, and read no further."""
        raise NotImplementedError

    @property
    def is_over(self) -> bool:
        """Whether nothing more is read."""
        return self._reads_no_more or self.transport.is_closing() or self.parser is None

    def connection_made(self, transport: Any) -> None:
        """Take up a connection."""
        super().connection_made(WholeAnswers(transport, self.loop))  # type: ignore[arg-type]
        self.flow = _Flow(transport)

    def data_received(self, data: bytes) -> None:
        """Feed the parser for about a millisecond, the rest later."""
        self._unfed = self._unfed + data if self._unfed else data
        if not self._is_feeding_later:
            self._feed()

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the running request too: of pipelined ones, uvicorn notifies the newest."""
        if self._running_cycle is not None and not self._running_cycle.response_complete:
            self._running_cycle.disconnected = True
            self._running_cycle.message_event.set()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """Note how long the body is."""
        self._is_in_head = False
        self._n_idle = 0
        self._n_body_left = _length_of(self.headers)
        super().on_headers_complete()
        if self._n_body_left is None:
            self.headers = []  # the request's own are the app's now; what follows are trailers, unread
        if self.parser.should_upgrade():  # the parser takes what follows for no HTTP, be it a body
            self.cycle.keep_alive = False
            self._reads_no_more = True

    def on_body(self, body: bytes) -> None:
        """Count what is body."""
        self._n_body_of_piece += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Begin to count the next head."""
        self._is_in_head = True
        self._n_head = self._n_lines = 0
        self._last_three = b""
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Send the answer, and parse the requests that wait."""
        self.transport.send()  # type: ignore[attr-defined]
        super().on_response_complete()
        self._feed_later()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # uvicorn's own and private: nothing public says which of the pipelined requests runs now.
        self._running_cycle = cycle
        super()._start_asgi_task(cycle, app)

    def _feed(self) -> None:
        data, start, until = self._unfed, 0, 0.0
        while start < len(data) and not self.is_over and len(self.pipeline) < MAX_PIPELINED:
            if start:
                now = time.perf_counter()
                until = until or now + _FEED_S  # the first piece takes less
                if now > until:
                    self._feed_later()
                    break
            piece = self._next_piece(data, start)
            if self._is_in_head and (rule := self._broken_rule(piece)):
                self.refuse(HeadersTooLarge(f"{rule}; this one has more"))
                break
            start += len(piece)
            self._feed_piece(piece)
        self._unfed = b"" if self.is_over else data[start:]
        if not self.transport.is_closing():
            self.flow.hold(bool(self._unfed))

    def _next_piece(self, data: bytes, start: int) -> bytes:
        """Return what is parsed next: to the end of the head or of the message, and within the limit."""
        if not self._is_in_head and self._n_body_left:
            return data[start : start + self._n_body_left]
        room = HEAD_BYTES - self._n_head if self._is_in_head else _PIECE
        piece = data[start : start + room]
        before = self._last_three
        end = (before + piece).find(_END)
        return piece if end < 0 else piece[: end + len(_END) - len(before)]

    def _broken_rule(self, piece: bytes) -> str | None:
        """Return the rule of heads that is broken with this piece of one, before it is parsed."""
        if not piece:
            return f"the head of a request has at most {HEAD_BYTES} bytes"
        self._n_lines += piece.count(b"\n")
        if self._n_lines > MAX_HEADERS + 2:  # the request line, and the blank one at the end
            return f"a request has at most {MAX_HEADERS} headers"
        return None

    def _feed_piece(self, piece: bytes) -> None:
        if self._is_in_head:
            self._n_head += len(piece)
        elif self._n_body_left is not None:
            self._n_body_left -= len(piece)
        self._last_three = (self._last_three + piece[-3:])[-3:]
        self._n_body_of_piece = 0
        super().data_received(piece)
        if not self._is_in_head and self._n_body_left is None:
            self._n_idle = 0 if self._n_body_of_piece else self._n_idle + len(piece)
            if self._n_idle > HEAD_BYTES and not self.is_over:
                rule = f"what describes a chunk, or follows the last one, has at most {HEAD_BYTES} bytes"
                self.refuse(HeadersTooLarge(f"{rule}; this has more"))

    def _feed_later(self) -> None:
        if self._unfed and not self._is_feeding_later:
            self._is_feeding_later = True
            self.loop.call_soon(self._feed_on)

    def _feed_on(self) -> None:
        self._is_feeding_later = False
        if self._unfed:
            self._feed()


class _Flow(FlowControl):
    """Reading goes on when the app wants more *and* what has arrived is parsed."""

    def __init__(self, transport: Any) -> None:
        super().__init__(transport)
        self._socket = transport
        self._is_held = False

    def hold(self, is_held: bool) -> None:
        """Read no more, or again, on behalf of the parser."""
        if is_held != self._is_held:
            self._is_held = is_held
            if not self.read_paused:
                self._turn(on=not is_held)

    def pause_reading(self) -> None:
        """Read no more, on behalf of the app."""
        if not self.read_paused:
            self.read_paused = True
            if not self._is_held:
                self._turn(on=False)

    def resume_reading(self) -> None:
        """Read again, on behalf of the app."""
        if self.read_paused:
            self.read_paused = False
            if not self._is_held:
                self._turn(on=True)

    def _turn(self, *, on: bool) -> None:
        if on:
            self._socket.resume_reading()
        else:
            self._socket.pause_reading()


def _length_of(headers: list[tuple[bytes, bytes]]) -> int | None:
    """Return how long a body is by its headers, which the parser has checked; None if it comes in chunks."""
    n_bytes = 0
    for name, value in headers:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            n_bytes = int(value)
    return n_bytes
