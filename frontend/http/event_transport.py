"""The stream of the service's events: no event, no head and no other answer is larger than 64 KiB.

A stream has no end, so what :mod:`frontend.http.transport` allows an answer is allowed each event here.
"""

import time
from collections.abc import Callable, Iterator

import httpcore
import httpx

from frontend.http.transport import CONNECTION_ERRORS, Backend, Bounds

MAX_EVENT_BYTES = 64 * 1024
HEAD_S = 10.0
STREAM_S = 3600.0
"""Then a stream is begun anew, after the last event that was read."""
SILENCE_S = 25.0
"""The service sends something every 15 s."""


class EventTransport(httpx.BaseTransport):
    """Reads streams piece by piece.

    Parameters
    ----------
    heard
        Called with true at the head of a stream, with false at each piece; what it raises ends the stream.
    """

    def __init__(self, heard: Callable[[bool], None]) -> None:
        self._heard = heard
        self._heard_at = -SILENCE_S
        self._bounds = Bounds(HEAD_S, MAX_EVENT_BYTES)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=2,
            keepalive_expiry=5.0,
            network_backend=Backend(self._bounds),
        )

    @property
    def is_connected(self) -> bool:
        """Return whether a stream is open and not silent."""
        return time.monotonic() - self._heard_at < SILENCE_S

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return a stream, or the whole of an answer that is none."""
        request.headers["Accept-Encoding"] = "identity"
        self._bounds.begin()
        url = request.url
        sent = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            extensions=request.extensions,
        )
        try:
            answer = self._pool.handle_request(sent)
        except CONNECTION_ERRORS as error:
            raise _of_httpx(error) from error
        head = httpx.Response(answer.status, headers=answer.headers)
        is_stream = head.headers.get("Content-Type", "").startswith("text/event-stream")
        is_plain = head.headers.get("Content-Encoding", "identity").lower() == "identity"
        if head.is_success and is_stream and is_plain:
            self._note(is_new=True)
            return httpx.Response(answer.status, headers=answer.headers, stream=_Stream(self, answer))
        try:
            content = answer.read()
        except CONNECTION_ERRORS as error:
            raise _of_httpx(error) from error
        finally:
            answer.close()
        if head.is_success or not is_plain:
            raise httpx.ProtocolError("this is no stream of events")
        return httpx.Response(answer.status, headers=answer.headers, content=content)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def pieces(self, answer: httpcore.Response) -> Iterator[bytes]:
        """Yield what comes, as long as no event is too large."""
        # One read may hold the end of an event and many whole ones.
        self._bounds.begin(STREAM_S, 3 * MAX_EVENT_BYTES)
        n_bytes, last = 0, b""
        try:
            for piece in answer.iter_stream():
                self._note(is_new=False)
                end, *others = (last + piece).split(b"\n\n")
                n_bytes += len(end)
                if n_bytes > MAX_EVENT_BYTES:
                    raise httpx.ProtocolError(f"an event has at most {MAX_EVENT_BYTES} bytes")
                if others:
                    n_bytes = len(others[-1])
                    self._bounds.refill()
                last = piece[-1:] if not others or others[-1] else b""
                yield piece
        except CONNECTION_ERRORS as error:
            raise _of_httpx(error) from error

    def ended(self) -> None:
        """Note that a stream is over."""
        self._heard_at = -SILENCE_S

    def _note(self, *, is_new: bool) -> None:
        self._heard_at = time.monotonic()
        self._heard(is_new)


class _Stream(httpx.SyncByteStream):
    def __init__(self, transport: EventTransport, answer: httpcore.Response) -> None:
        self._transport = transport
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._transport.pieces(self._answer)

    def close(self) -> None:
        self._transport.ended()
        self._answer.close()


def _of_httpx(error: Exception) -> Exception:
    found: Exception = getattr(httpx, type(error).__name__)(str(error))
    return found
