"""The messages of a recorded exchange stream, JSON lines, one at a time: a recording is never held whole.

A line is Betfair's market change message (``"op":"mcm"``): when it was published (``pt``, milliseconds since
1970) and what changed, market by market (``mc``). msgspec reads them where it is installed, three times as
fast as the standard library.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from racing.domain.errors import FileRefused
from racing.importers.files.contents import Content

try:
    import msgspec.json

    _decode: Callable[[bytes], Any] = msgspec.json.decode
except ImportError:
    _decode = json.loads

MAX_LINE_BYTES = 32 * 1024 * 1024  # the first message of a recording of 400 markets has 10 MB
MARKET_CHANGE = "mcm"
_HEAD = re.compile(r'\s*\{[^{}\[\]]{0,400}"op"\s*:\s*"(mcm|connection|status)"')

OnBroken = Callable[[int, str], None]
"""``on_broken(line, reason)``."""


class Message(NamedTuple):
    """What changed at one time."""

    line: int
    at_ms: int
    """When it was published: milliseconds since 1970, UTC."""
    markets: list[dict[str, Any]]
    """A change a market: ``id``; ``marketDefinition``, where it changed; ``rc``, what changed of runners."""


def is_stream(head: str) -> bool:
    """Return whether a file that begins so is a recorded stream."""
    return _HEAD.match(head.removeprefix("\ufeff")) is not None


def messages(
    content: Content, holding: bytes = b"", on_broken: OnBroken = lambda line, reason: None
) -> Iterator[Message]:
    """Yield the messages of a recording in order.

    Parameters
    ----------
    holding
        Only the lines with these bytes, and the last line, are read; the others cost next to nothing.
    on_broken
        Called for a line that is no message. The last line of a recording that was interrupted is none.

    Raises
    ------
    FileRefused
        If a line has more than :data:`MAX_LINE_BYTES`.
    """
    before: tuple[int, bytes] | None = None
    for number, line in enumerate(lines(content), 1):
        if holding in line:
            if message := _message(number, line, on_broken):
                yield message
            before = None
        elif line.strip():
            before = number, line
    if before is not None and (message := _message(*before, on_broken)):
        yield message


def lines(content: Content) -> Iterator[bytes]:
    """Yield the lines of a file, each within bounds.

    Raises
    ------
    FileRefused
        If one has more than :data:`MAX_LINE_BYTES`.
    """
    begun: list[bytes] = []  # of a line that goes on: joined once, however long it is
    n_begun = 0
    for chunk in content.chunks():
        first, *others = chunk.split(b"\n")
        begun.append(first)
        n_begun += len(first)
        if n_begun > MAX_LINE_BYTES:
            raise FileRefused(f"a line of a recorded stream has at most {MAX_LINE_BYTES} bytes")
        if others:
            yield b"".join(begun)
            yield from others[:-1]
            begun, n_begun = [others[-1]], len(others[-1])
    if n_begun:
        yield b"".join(begun)


def _message(number: int, line: bytes, on_broken: OnBroken) -> Message | None:
    if not line.strip():
        return None
    try:
        read = _decode(line)
    except (ValueError, RecursionError):
        on_broken(
            number, f"a line of a recorded stream is JSON, got {line[:40].decode('utf-8', 'replace')!r}"
        )
        return None
    if not isinstance(read, dict) or read.get("op") != MARKET_CHANGE:
        if not isinstance(read, dict) or "op" not in read:
            on_broken(number, "a message of a recorded stream has an op, got none")
        return None
    at, changes = read.get("pt"), read.get("mc") or []
    if type(at) is not int or not 0 < at < 1 << 43 or not isinstance(changes, list):
        on_broken(number, f"a message's pt is in milliseconds since 1970, got {str(at)[:40]!r}")
        return None
    return Message(number, at, [change for change in changes if isinstance(change, dict) and "id" in change])
