"""Compressed bodies: gzip is unpacked up to the limit of a body, other encodings are refused."""

import zlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from service.errors import BodyNotGzip, BodyTooLarge, EncodingNotRead
from service.thread_pools import ThreadPool

MAX_MEMBERS = 1000  # gzip files may follow each other; a body of empty ones would take seconds
_IS_GZIP = 31  # zlib's wbits: a gzip header, its checksum, and the largest window
_AT_ONCE = 1024 * 1024  # bytes that are unpacked within about a millisecond, so in the event loop
_PIECE = 64 * 1024


def is_gzip(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the body of a request comes as gzip, by its headers.

    Raises
    ------
    service.errors.EncodingNotRead
        If it is encoded in another way, or twice.
    """
    sent = [value for name, value in headers if name == b"content-encoding"]
    if not sent:
        return False
    codings = [coding.strip().lower() for coding in b",".join(sent).decode("latin-1").split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if codings and codings not in (["gzip"], ["x-gzip"]):
        got = ", ".join(codings)[:60]
        raise EncodingNotRead(f"a body comes as it is or with `Content-Encoding: gzip`, got '{got}'")
    return bool(codings)


async def gunzip_in_time(
    body: bytes | bytearray, at_most: int, threads: ThreadPool, *, hold: Callable[[int], Any]
) -> bytes | bytearray:
    """Return what a gzip body holds, without holding up others.

    Parameters
    ----------
    threads
        Where long bodies are unpacked.
    hold
        Called with the size of each piece that comes out; what it raises ends the work.

    Raises
    ------
    service.errors.BodyNotGzip
        If it is not gzip, is cut off, or something else follows it.
    service.errors.BodyTooLarge
        If it holds more than ``at_most`` bytes; it is unpacked no further.
    service.errors.Overloaded
        If too many wait to be unpacked, or it takes too long.
    """
    if at_most <= _AT_ONCE:
        return gunzip(body, at_most, hold)
    return await threads.call(partial(gunzip, body, at_most, hold))


def gunzip(
    body: bytes | bytearray, at_most: int, hold: Callable[[int], Any] = lambda _: None
) -> bytes | bytearray:
    """Return what gzip holds, see :func:`gunzip_in_time`."""
    out = bytearray()
    n_members, member = 1, zlib.decompressobj(_IS_GZIP)
    for start in range(0, len(body), _PIECE):
        piece: bytes | bytearray = body[start : start + _PIECE]
        while piece:
            if member.eof:
                n_members, member = n_members + 1, zlib.decompressobj(_IS_GZIP)
                if n_members > MAX_MEMBERS:
                    raise BodyNotGzip(f"at most {MAX_MEMBERS} gzip files may follow each other in a body")
            try:
                part = member.decompress(piece, _PIECE)
            except zlib.error as error:
                raise BodyNotGzip(f"the body is no gzip file: {_reason(error, n_members)}") from error
            if len(out) + len(part) > at_most:
                raise BodyTooLarge(f"a body has at most {at_most} bytes once unpacked; this one has more")
            hold(len(part))
            out += part
            piece = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        raise BodyNotGzip("the body is no whole gzip file: it ends too early")
    return out


def _reason(error: zlib.error, n_members: int) -> str:
    if n_members > 1:
        return "something else follows after its end"
    return str(error).rpartition(": ")[2]  # "Error -3 while decompressing data: incorrect header check"
