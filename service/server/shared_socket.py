"""Connections from a socket that workers share, about as many for each."""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

log = logging.getLogger("greyhound.service")

REST_S = 0.0005
"""Less than a card takes, and more than another worker needs to wake up."""
_FULL_S = 0.5
_FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class SharedSocket:
    """Takes one connection of a listening socket, then leaves the next to the other workers for a moment.

    asyncio and uvloop take all that wait: the first worker that woke up had every connection of a load
    balancer that opens eight at once, and another one none for as long as they lasted.

    Parameters
    ----------
    listening
        It does not block.
    make_protocol
        Makes what answers a connection.
    """

    def __init__(self, listening: socket.socket, make_protocol: Callable[[], asyncio.Protocol]) -> None:
        self._listening = listening
        self._make_protocol = make_protocol
        self._loop = asyncio.get_running_loop()
        self._rest: asyncio.TimerHandle | None = None
        self._beginning: set[asyncio.Task[object]] = set()
        self._watch()

    def close(self) -> None:
        """Take no more; the socket stays open."""
        if self._rest is not None:
            self._rest.cancel()
        self._loop.remove_reader(self._listening)

    def _watch(self) -> None:
        self._rest = None
        self._loop.add_reader(self._listening, self._take)

    def _take(self) -> None:
        seconds = REST_S
        try:
            client, _ = self._listening.accept()
        except OSError as error:  # another worker took it, or it was given up
            if error.errno not in _FULL:
                return
            log.warning("no connection can be taken: %s", error.strerror)
            seconds = _FULL_S
        else:
            client.setblocking(False)
            begin = self._loop.connect_accepted_socket(self._make_protocol, client)
            task = self._loop.create_task(begin)
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)
        self._loop.remove_reader(self._listening)
        self._rest = self._loop.call_later(seconds, self._watch)
