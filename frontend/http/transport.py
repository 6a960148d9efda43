"""Requests to the service: so many connections, so large and so long an answer, and no more.

httpx's time-outs are for each read, so a service that sends a byte a second, or any other that stands at its
address, could hold a thread for ever and fill the memory. httpx lets nobody count what is read, above all of
heads that never end; httpcore, on which it is built, takes a network backend, so the pool is ours here.
"""

import threading
import time
from typing import Any

import httpcore
import httpx

MAX_ANSWER_BYTES = 16 * 1024 * 1024  # the largest is a training's report, some 1 MiB
MAX_CONNECTIONS = 16


class BoundedTransport(httpx.BaseTransport):
    """Sends requests whose answers have a largest size and a longest time, from the first byte to the last.

    Parameters
    ----------
    answer_s
        Seconds for all of an answer.
    max_bytes
        Bytes of it, its head among them.
    """

    def __init__(self, answer_s: float, max_bytes: int = MAX_ANSWER_BYTES) -> None:
        self._bounds = Bounds(answer_s, max_bytes)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_CONNECTIONS,
            keepalive_expiry=5.0,
            network_backend=Backend(self._bounds),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the whole answer; it may not be compressed, so that it is no larger than it comes."""
        request.headers["Accept-Encoding"] = "identity"
        self._bounds.begin()
        url = request.url
        sent = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.read(),
            extensions=request.extensions,
        )
        try:
            answer = self._pool.handle_request(sent)
            try:
                response = httpx.Response(answer.status, headers=answer.headers, content=answer.read())
            finally:
                answer.close()
        except CONNECTION_ERRORS as error:
            raise getattr(httpx, type(error).__name__)(str(error)) from error
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise httpx.ProtocolError("the answer is compressed, against the request")
        return response

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


# httpx has a class of the same name for each.
CONNECTION_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)


class Bounds(threading.local):
    """How much may still be read in this thread, and until when; a request is sent and read in one thread."""

    def __init__(self, answer_s: float, max_bytes: int) -> None:
        self._answer_s = answer_s
        self._max_bytes = max_bytes
        self.begin()

    def begin(self, answer_s: float | None = None, max_bytes: int | None = None) -> None:
        """Begin with another answer, or with the rest of one that has bounds of its own."""
        self._until = time.monotonic() + (self._answer_s if answer_s is None else answer_s)
        self._n_most = self._max_bytes if max_bytes is None else max_bytes
        self.refill()

    def refill(self) -> None:
        """Let as many bytes be read again."""
        self._n_left = self._n_most

    def left_s(self, timeout: float | None) -> float:
        """Return the seconds that may be waited for the next piece."""
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            raise httpcore.ReadTimeout(f"all of an answer has {self._answer_s:g} s")
        return left_s if timeout is None else min(timeout, left_s)

    def count(self, n_bytes: int) -> None:
        """Count a piece."""
        self._n_left -= n_bytes
        if self._n_left < 0:
            raise httpcore.ProtocolError(f"an answer has at most {self._n_most} bytes, this one has more")


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, bounds: Bounds) -> None:
        self._stream = stream
        self._bounds = bounds

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        piece = self._stream.read(max_bytes, self._bounds.left_s(timeout))
        self._bounds.count(len(piece))
        return piece

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(*args, **kwargs), self._bounds)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class Backend(httpcore.NetworkBackend):
    """Opens connections whose reads are bounded."""

    def __init__(self, bounds: Bounds) -> None:
        self._backend = httpcore.SyncBackend()
        self._bounds = bounds

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        """Return a connection."""
        return _Stream(self._backend.connect_tcp(*args, **kwargs), self._bounds)
