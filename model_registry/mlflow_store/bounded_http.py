"""MLflow's requests with an end.

Guarantee: an answer takes so many seconds and bytes and no more, whatever the server does. MLflow's own
time-out is from one byte to the next, and it reads a body however long: a server that trickles holds a thread
for days, one that never ends fills the memory. MLflow has no public way to send by a session of ours;
``test_mlflow_internals`` shows that ``_get_request_session`` still makes all of its sessions.
"""

import http.client
import io
import os
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
"""Seconds for the whole answer to a call, its second try included."""
FILE_S = 300.0
"""Seconds for a file that is sent or fetched."""
MAX_CALL_BYTES = 8 * 2**20
"""Of an answer: a page of 200 versions takes some 1 MB."""
MAX_FILE_BYTES = 64 * 2**20
"""Of a fetched file; a whole artifact has as many at most."""


class TooLong(ValueError):
    """The answer has more bytes than one may have, or is compressed, so that they cannot be counted."""


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
    """Sends requests, and gives up on answers that take too long or are too long."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Let connections read within a limit."""
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
        """Return the answer; the limit holds for its body too, whenever that is read."""
        is_file = stream or hasattr(request.body, "read")
        limit = _Limit(FILE_S if is_file else CALL_S, MAX_FILE_BYTES if stream else MAX_CALL_BYTES)
        request.headers["Accept-Encoding"] = "identity"
        _thread.limit = limit
        try:
            response = super().send(request, stream, *args, **options)
        except requests.RequestException as error:
            if limit.left_s <= 0:
                raise requests.Timeout(limit.rule) from error
            raise
        finally:
            _thread.limit = None
        refusal: Exception | None = None
        if response.is_redirect and not _may_redirect():
            refusal = Redirected(
                "it redirects; set the address that it redirects to, if that is the registry's"
            )
        elif response.headers.get("Content-Encoding", "identity") != "identity":
            refusal = TooLong("an answer must not be compressed, as the request says; this one is")
        if refusal:
            response.close()
            raise refusal
        return response


class _Limit:
    """What is left of the seconds and bytes of one answer."""

    def __init__(self, seconds: float, n_bytes: int) -> None:
        now, end = time.monotonic(), getattr(_thread, "end", None)
        self._end = now + seconds if end is None else min(now + seconds, end)
        self._max_bytes = self._left_bytes = n_bytes
        self.rule = f"no whole answer within {max(0.0, self._end - now):g} s"

    @property
    def left_s(self) -> float:
        return self._end - time.monotonic()

    def bound(self, sock: Any) -> None:
        """Let the next operation of a socket end in time."""
        left_s = self.left_s
        if left_s <= 0:
            raise TimeoutError(self.rule)
        before = sock.gettimeout()
        sock.settimeout(left_s if before is None else min(before, left_s))

    def count(self, n_bytes: int) -> None:
        self._left_bytes -= n_bytes
        if self._left_bytes < 0:
            raise TooLong(f"an answer may have {self._max_bytes} bytes, it has more")


class _Reader(io.RawIOBase):
    """Reads an answer from a socket within its limit."""

    def __init__(self, sock: Any, limit: _Limit) -> None:
        self._sock, self._limit = sock, limit
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._limit.bound(self._sock)
        n_bytes: int = self._raw.readinto(buffer)
        self._limit.count(n_bytes)
        return n_bytes

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer that is read within the limit of the request that its thread makes."""

    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        limit = getattr(_thread, "limit", None)
        if limit is not None:
            self.fp.close()
            self.fp = io.BufferedReader(_Reader(sock, limit))


class _Bounded:
    sock: Any
    response_class: Any = _Response

    def send(self, data: Any) -> None:
        limit = getattr(_thread, "limit", None)
        if limit is not None and self.sock is not None:
            limit.bound(self.sock)
        super().send(data)  # type: ignore[misc]


class _Connection(_Bounded, HTTPConnection):
    pass


class _TlsConnection(_Bounded, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}
_thread = threading.local()


def _may_redirect() -> bool:
    return os.environ.get("MLFLOW_ALLOW_HTTP_REDIRECTS", "").lower() in ("true", "1")
