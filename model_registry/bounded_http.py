"""MLflow's requests with an end: so many bytes and so many seconds an answer, whatever the server does.

MLflow's own time-out is from one byte to the next, and it reads a body however long: a server that trickles
holds a thread for days, one that never ends fills the memory. Here an answer that takes too long has its
connection shut from outside, in the middle of whatever is being read.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

CALL_S = 30.0
"""Seconds for the whole answer to a question, its second try included."""
FILE_S = 300.0
"""Seconds for a file that is sent or fetched."""
MAX_CALL_BYTES = 8 * 2**20
"""Of an answer: a page of 200 versions takes some 1 MB."""
MAX_FILE_BYTES = 64 * 2**20
"""Of a fetched file; a whole artifact has as many at most."""


class TooLong(requests.RequestException):
    """The answer has more bytes than one may have."""


class Redirected(requests.RequestException):
    """The server sends elsewhere; to an address that nobody set, credentials would go along."""


def install() -> None:
    """Let every request of MLflow's in this process have an end."""
    from mlflow.utils import request_utils

    make = request_utils._get_request_session
    if getattr(make, "is_bounded", False):
        return

    def bounded(*args: Any, **options: Any) -> requests.Session:
        session: requests.Session = make(*args, **options)  # type: ignore[no-untyped-call]
        for prefix, adapter in list(session.adapters.items()):
            if not isinstance(adapter, BoundedAdapter):
                session.mount(prefix, BoundedAdapter(max_retries=getattr(adapter, "max_retries", 0)))
        return session

    bounded.is_bounded = True  # type: ignore[attr-defined]
    request_utils._get_request_session = bounded


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give all requests that this thread makes in a block so many seconds together."""
    before = getattr(_thread, "end", None)
    end = time.monotonic() + seconds
    _thread.end = end if before is None else min(end, before)
    try:
        yield
    finally:
        _thread.end = before


class BoundedAdapter(HTTPAdapter):
    """Sends requests, and cuts off what takes too long."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Let connections be such as can be cut."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        """The same through a proxy."""
        manager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, *args: Any, **options: Any
    ) -> requests.Response:
        """Return the answer; its body is counted as it is read."""
        is_file = stream or hasattr(request.body, "read")
        exchange = _Exchange(FILE_S if is_file else CALL_S)
        _thread.exchange = exchange
        try:
            response = super().send(request, stream, *args, **options)
        except requests.RequestException as error:
            exchange.end()
            raise exchange.why(error) from error
        finally:
            _thread.exchange = None
        response.raw = _Body(response.raw, exchange, MAX_FILE_BYTES if stream else MAX_CALL_BYTES)
        if response.is_redirect and not _may_redirect():
            response.close()
            raise Redirected("it redirects; set the address that it redirects to, if that is the registry's")
        return response


class _Exchange:
    """A request and its answer: when it is over, its connection is shut, whoever reads from it."""

    def __init__(self, seconds: float) -> None:
        end = getattr(_thread, "end", None)
        self._seconds = seconds if end is None else max(0.0, min(seconds, end - time.monotonic()))
        self._lock = threading.Lock()
        self._handles: list[socket.socket] = []
        self._is_over = self._is_cut = False
        self._timer = threading.Timer(self._seconds, self._cut)
        self._timer.daemon = True
        self._timer.name = "registry-timer"
        self._timer.start()

    def uses(self, sock: Any) -> None:
        """Note a connection; a handle of our own reaches it also under TLS, and once it was handed on."""
        with self._lock:
            if self._is_over:
                raise TimeoutError(f"no whole answer within {self._seconds:g} s")
            self._handles.append(socket.socket(fileno=os.dup(sock.fileno())))

    def end(self) -> None:
        """Let go of the connection as it is."""
        self._timer.cancel()
        with self._lock:
            self._is_over = True
            for handle in self._handles:
                handle.close()
            self._handles = []

    def why(self, error: Exception) -> Exception:
        """Return what to raise for an error: that it took too long, if that is why."""
        return requests.Timeout(f"no whole answer within {self._seconds:g} s") if self._is_cut else error

    @property
    def is_cut(self) -> bool:
        """Whether it took too long."""
        return self._is_cut

    def _cut(self) -> None:
        with self._lock:
            if self._is_over:
                return
            self._is_cut = True
            for handle in self._handles:
                try:
                    handle.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # it has ended by itself
        self.end()


class _Body:
    """An answer's body, counted after it is decompressed."""

    def __init__(self, raw: Any, exchange: _Exchange, at_most: int) -> None:
        self._raw, self._exchange, self._at_most = raw, exchange, at_most

    def stream(self, *args: Any, **options: Any) -> Iterator[bytes]:
        """Yield the body in pieces."""
        n_bytes = 0
        try:
            for piece in self._raw.stream(*args, **options):
                n_bytes += len(piece)
                if n_bytes > self._at_most:
                    raise TooLong(f"an answer may have {self._at_most} bytes, it has more")
                yield piece
        except TooLong:
            self._raw.close()
            raise
        except Exception as error:
            raise self._exchange.why(error) from error
        finally:
            self._exchange.end()
        if self._exchange.is_cut:  # a body without a length ends where its connection does
            raise self._exchange.why(TimeoutError())

    def close(self) -> None:
        """Close the connection."""
        self._exchange.end()
        self._raw.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


class _Noted:
    """A connection that tells the exchange of its thread which socket it uses."""

    sock: Any

    def _new_conn(self) -> Any:
        sock = super()._new_conn()  # type: ignore[misc]
        _note(sock)
        return sock

    def request(self, *args: Any, **options: Any) -> None:
        if self.sock is not None:  # it was opened for an earlier one
            _note(self.sock)
        super().request(*args, **options)  # type: ignore[misc]


class _Connection(_Noted, HTTPConnection):
    pass


class _TlsConnection(_Noted, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}
_thread = threading.local()


def _note(sock: Any) -> None:
    exchange = getattr(_thread, "exchange", None)
    if exchange is not None:
        exchange.uses(sock)


def _may_redirect() -> bool:
    return os.environ.get("MLFLOW_ALLOW_HTTP_REDIRECTS", "").lower() in ("true", "1")
