"""A transport that sends an answer's head and body in one call of the system.

uvicorn writes the head, then the body, and uvloop sends each at once: two calls of the system an answer, 182
us of the system's processor time on a virtual machine where one takes 96, and a client that is woken twice,
first for a head with which it can do nothing. Here both wait until the answer is whole; what goes on, such as
a stream of events, is sent when the loop comes round.
"""

import asyncio
from typing import Any

_MUCH = 64 * 1024  # more does not wait: the client's slowness must reach what writes


class WholeAnswers:
    """Writes to a transport what was put together since the last time; all else is the transport's own."""

    __slots__ = ("_is_due", "_loop", "_n_bytes", "_parts", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self._n_bytes = 0
        self._is_due = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send with what follows in this turn of the loop."""
        self._parts.append(data)
        self._n_bytes += len(data)
        if self._n_bytes > _MUCH:
            self.send()
        elif not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._send_late)

    def send(self) -> None:
        """Send now what waits."""
        if self._parts:
            parts, self._parts, self._n_bytes = self._parts, [], 0
            self._transport.writelines(parts)

    def close(self) -> None:
        """Send what waits, and close."""
        self.send()
        self._transport.close()

    def write_eof(self) -> None:
        """Send what waits, and end."""
        self.send()
        self._transport.write_eof()

    def abort(self) -> None:
        """Close at once; what waits is dropped."""
        self._parts.clear()
        self._transport.abort()

    def _send_late(self) -> None:
        self._is_due = False
        self.send()
