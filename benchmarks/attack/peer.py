"""A client of HTTP/1.1 on a bare socket: it sends whatever bytes it is given, and reads what comes back."""

import asyncio
from dataclasses import dataclass

NONE_S = 30.0
"""An answer that takes longer is none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; a status of 0 is no answer at all."""

    status: int
    head: bytes = b""
    body: bytes = b""

    def header(self, name: bytes) -> bytes | None:
        """Return the value of a header, in the bytes in which it was sent."""
        for line in self.head.split(b"\r\n")[1:]:
            found, _, value = line.partition(b":")
            if found.lower() == name:
                return value.strip()
        return None


class Peer:
    """A keep-alive connection to the service, opened when it is needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Send a request and return its answer; header names have ``_`` for ``-``."""
        lines = [f"{method} {path} HTTP/1.1", "Host: service"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
            if "Content_Type" not in headers:
                lines.append("Content-Type: application/json")
        return await self.send("\r\n".join([*lines, "", ""]).encode() + body)

    async def send(self, request: bytes, *, seconds: float = NONE_S) -> Answer:
        """Send bytes and return the first answer to them."""
        try:
            async with asyncio.timeout(seconds):
                reader, writer = await self.open()
                writer.write(request)
                answer = await _answer(reader)
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self.close()
            return Answer(0)
        if (answer.header(b"connection") or b"").lower() == b"close":
            self.close()
        return answer

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return the two directions of the connection."""
        if self._streams is None or self._streams[1].is_closing() or self._streams[0].at_eof():
            self.close()
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        return self._streams

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    answer = Answer(int(head.split(None, 2)[1]), head)
    length = answer.header(b"content-length")
    if length is not None:
        body = await reader.readexactly(int(length))
    elif (answer.header(b"transfer-encoding") or b"").lower() == b"chunked":
        pieces = []
        while size := int(await reader.readuntil(b"\r\n"), 16):
            pieces.append((await reader.readexactly(size + 2))[:-2])
        await reader.readuntil(b"\r\n")
        body = b"".join(pieces)
    else:
        body = b""
    return Answer(answer.status, head, body)
