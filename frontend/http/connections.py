"""Connections to the front end: how many, how long and how much of them, for all strangers together.

waitress stops accepting at its limit of connections, lets a silent one be for two minutes and one that does
not read its answer for ever, and takes bodies without regard to what all of them hold. Here the connection
that has been waited for longest makes room for a new one, and every wait has an end.
"""

import socket
import time
from contextlib import suppress
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import Error

from frontend.http.security import MAX_BODY_BYTES

MAX_CONNECTIONS = 400  # a browser opens six at most
MAX_HEAD_BYTES = 32 * 1024  # a card in an address has some 2 KiB, cookies of neighbours on the same host more
MAX_BODIES_BYTES = 24 * 1024 * 1024  # of all requests that are being sent or answered
HEAD_S = 15.0  # from the connection, or the end of the last answer, until a head is whole
BODY_S = 30.0  # from the head until the body is whole
TAKE_S = 30.0  # until some of an answer is taken
ANSWER_S = 120.0  # until all of it is
QUEUE_S = 10.0  # until a thread is free for a request
_ACCEPTED_AT_ONCE = 32
# The types that are published for waitress are wrong about most of what is used here.
_Channel: Any = HTTPChannel
_Server: Any = TcpWSGIServer


class Busy(Error):
    """What waitress answers where a bound of all requests together is reached."""

    code = 503
    reason = "Service Unavailable"

    def to_response(self, ident: str | None = None) -> Any:
        """Return the answer, with when to come again."""
        status, headers, body = super().to_response(ident)
        return status, [*headers, ("Retry-After", "2")], body


class Channel(_Channel):  # type: ignore[misc]
    """One connection, with a clock for what is waited for."""

    request: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting_since = time.monotonic()
        self.head_at = 0.0
        self.queued_at = 0.0
        self.taken_at = 0.0

    @property
    def n_body_bytes(self) -> int:
        """Return how much of bodies this connection holds."""
        held = [*self.requests, self.request]
        return sum(len(one.body_rcv) for one in held if one is not None and one.body_rcv is not None)

    def received(self, data: bytes) -> bool:
        """Take what arrived, unless the bodies of all connections are too much by now."""
        is_taken: bool = super().received(data)
        with self.requests_lock:
            request = self.request
            if request is None or not request.headers_finished:
                self.head_at = 0.0
                return is_taken
            self.head_at = self.head_at or time.monotonic()
            if self.server.n_body_bytes <= MAX_BODIES_BYTES:
                return is_taken
            request.close()
            request.body_rcv = None
            request.error = Busy("too much is being sent by others; try again soon")
            request.completed = True
            self.request = None
            self.requests.append(request)
            if len(self.requests) == 1:
                self.server.add_task(self)
        return is_taken

    def service(self) -> None:
        """Answer one request; those that were sent before its answer are left, and the connection closed.

        Browsers and proxies do not send them, and their answers would pile up unread.
        """
        with self.requests_lock:
            first, *others = self.requests
            if others:
                for other in others:
                    other.close()
                del self.requests[1:]
                first.headers["CONNECTION"] = "close"
            if time.monotonic() - self.queued_at > QUEUE_S:
                first.error = first.error or Busy("too many pages are requested; try again soon")
        super().service()

    def write_soon(self, data: bytes) -> int:
        """Take some of an answer to send: from now on the client is waited for, no longer the page."""
        self.waiting_since = time.monotonic()
        if not self.total_outbufs_len:
            self.taken_at = self.waiting_since
        return int(super().write_soon(data))

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send what the system takes, and note when it did."""
        n_bytes = int(super().send(data, do_close=do_close))
        if n_bytes:
            self.taken_at = time.monotonic()
        return n_bytes

    def is_overdue(self, now: float) -> bool:
        """Return whether the client has been waited for too long."""
        if self.total_outbufs_len:
            is_slow = not self.requests and now - self.waiting_since > ANSWER_S
            return is_slow or now - self.taken_at > TAKE_S
        if self.requests:
            return False
        return now - (self.head_at or self.waiting_since) > (BODY_S if self.head_at else HEAD_S)

    def cut(self) -> None:
        """Let the loop close the connection at its next turn, also where the client reads nothing."""
        self.will_close = True
        with suppress(OSError):  # gone already
            self.socket.shutdown(socket.SHUT_RDWR)


class Server(_Server):  # type: ignore[misc]
    """waitress's server, whose waits have an end."""

    channel_class = Channel
    _checked_at = 0.0

    @property
    def n_body_bytes(self) -> int:
        """Return how much of bodies all connections hold."""
        return sum(channel.n_body_bytes for channel in list(self.active_channels.values()))

    def add_task(self, task: Channel) -> None:
        """Queue a connection whose request is whole."""
        task.queued_at = time.monotonic()
        super().add_task(task)

    def handle_accept(self) -> None:
        """Accept who waits; where there are too many, who has been waited for longest makes room."""
        for _ in range(_ACCEPTED_AT_ONCE):
            n_before = len(self.active_channels)
            super().handle_accept()
            if len(self.active_channels) == n_before:
                return
            if n_before >= MAX_CONNECTIONS:
                self._make_room()

    def readable(self) -> bool:
        """Return whether to accept; waitress asks before each wait, and we check once a second."""
        self.next_channel_cleanup = 0  # waitress goes by the time of day, which may be set back
        return bool(super().readable())

    def maintenance(self, _now: float) -> None:
        """Close what is overdue."""
        now = time.monotonic()
        if now - self._checked_at < 1:
            return
        self._checked_at = now
        for channel in list(self.active_channels.values()):
            if not channel.will_close and channel.is_overdue(now):
                channel.cut()

    def _make_room(self) -> None:
        waiting = [one for one in self.active_channels.values() if not one.requests and not one.will_close]
        if waiting:
            min(waiting, key=lambda one: one.waiting_since).cut()


def server_of(app: Any, listening: socket.socket, *, threads: int) -> Server:
    """Return a server of an app on a socket, for :meth:`Server.run`."""
    adjustments = Adjustments(
        sockets=[listening],
        threads=threads,
        ident=None,
        clear_untrusted_proxy_headers=True,
        max_request_header_size=MAX_HEAD_BYTES,
        max_request_body_size=MAX_BODY_BYTES + 1,  # waitress refuses this many
        inbuf_overflow=MAX_BODY_BYTES + 1,  # in memory, which is bounded; files may be memory too
        connection_limit=2
        * MAX_CONNECTIONS,  # where even those that are answered are too many: accept no more
        channel_request_lookahead=1,  # who has left is not answered
        asyncore_use_poll=True,  # select() ends the process at descriptor 1024
    )
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(threads)
    address = (listening.family, listening.type, listening.proto, listening.getsockname())
    return Server(
        app, {}, True, listening, dispatcher=dispatcher, adj=adjustments, sockinfo=address, bind_socket=False
    )
