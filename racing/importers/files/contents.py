"""What a file holds, unpacked: in memory where it is little, else read anew in each pass, never held whole.

A kilobyte can unpack to a gigabyte: memory is bounded by :data:`HELD_BYTES`, whatever a stranger packed.
"""

import bz2
import gzip
import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from racing.domain.errors import FileRefused

MAX_BYTES = 256 * 1024 * 1024  # of one file, unpacked; a month of Betfair's is 4 MB
MAX_RECORDED_BYTES = (
    8 * 1024 * 1024 * 1024
)  # of a recording, which is read line by line: a day has 1 to 2 GiB
_RECORDED = b'{"op":'
HELD_BYTES = 4 * 1024 * 1024
MAX_RATIO = 100  # unpacked to packed; CSV of races has 4 to 15
FREE_BYTES = 16 * 1024 * 1024  # so much may a file unpack to, whatever its ratio
CHUNK_BYTES = 256 * 1024
_GZIP = b"\x1f\x8b"
_BZIP2 = b"BZh"
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)

Open = Callable[[], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a file; ``sha256`` is of those that lie there, packed or not."""

    open: Open
    sha256: str
    head: bytes
    """The first 4 KiB, by which its type is recognised."""

    @classmethod
    def of(cls, raw: bytes, max_bytes: int = MAX_BYTES) -> "Content":
        """Return what bytes hold, unpacked to at most ``max_bytes``; see :meth:`read`."""
        return cls.read(lambda: io.BytesIO(raw), max_bytes)

    @classmethod
    def read(cls, opened: Open, max_bytes: int = MAX_BYTES) -> "Content":
        """Return what can be opened, unpacked where it is gzip or bzip2.

        Raises
        ------
        FileRefused
            If it is broken, or has or unpacks to more than ``max_bytes``.
        """
        digest = hashlib.sha256()
        limit = _most_bytes(opened, MAX_BYTES)
        held, n_bytes = _measured(opened, limit, digest.update)
        if n_bytes > limit:
            raise FileRefused(f"a file has at most {limit} bytes, this has more")
        head = held[:4096]
        plain = _opener(opened, held, n_bytes)
        if head.startswith((_GZIP, _BZIP2)):
            what, unpack = ("gzip", gzip.open) if head.startswith(_GZIP) else ("bzip2", bz2.open)
            packed = plain

            @contextmanager
            def unpacking() -> Iterator[BinaryIO]:
                with packed() as stream, unpack(stream) as unpacked:
                    yield cast(BinaryIO, unpacked)

            ratio_bytes = max(FREE_BYTES, MAX_RATIO * n_bytes)
            try:
                max_bytes = _most_bytes(unpacking, max_bytes)
                limit = min(max_bytes, ratio_bytes)
                held, n_unpacked = _measured(unpacking, limit)
            except BROKEN as error:
                raise FileRefused(f"the {what} file is broken or cut off: {error}") from error
            if n_unpacked > limit:
                why = f"a file has at most {max_bytes} bytes, this unpacks to more"
                if limit < max_bytes:
                    why = f"a file unpacks to at most {MAX_RATIO} times its size, this to more"
                raise FileRefused(why)
            head, plain = held[:4096], _opener(unpacking, held, n_unpacked)
        return cls(plain, digest.hexdigest(), head)

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes, some at a time."""
        with reading(self.open) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                yield chunk

    @contextmanager
    def text(
        self, encoding: str, errors: str = "strict", n_mark_bytes: int = 0
    ) -> Iterator[io.TextIOWrapper]:
        """Open the bytes as text below a byte-order mark; every line end is a line feed."""
        with reading(self.open) as stream:
            stream.read(n_mark_bytes)
            text = io.TextIOWrapper(stream, encoding, errors, newline=None)
            try:
                yield text
            finally:
                text.detach()


@contextmanager
def reading(opened: Open) -> Iterator[BinaryIO]:
    """Open what was read before; that it differs now is a refusal."""
    try:
        with opened() as stream:
            yield stream
    except (*BROKEN, UnicodeDecodeError) as error:
        raise FileRefused(f"it cannot be read a second time: {error}") from error


def _most_bytes(opened: Open, max_bytes: int) -> int:
    """Return how many bytes a file may have: more where it begins as a recorded stream does."""
    with opened() as stream:
        return MAX_RECORDED_BYTES if stream.read(len(_RECORDED)) == _RECORDED else max_bytes


def _measured(
    opened: Open, limit: int, note: Callable[[bytes], object] = lambda chunk: None
) -> tuple[bytes, int]:
    """Return the first bytes and the number of all; it stops where they are more than the limit."""
    with opened() as stream:
        held = stream.read(min(HELD_BYTES, limit) + 1)
        note(held)
        n_bytes = len(held)
        while n_bytes <= limit and (chunk := stream.read(CHUNK_BYTES)):
            note(chunk)
            n_bytes += len(chunk)
    return held, n_bytes


def _opener(opened: Open, held: bytes, n_bytes: int) -> Open:
    """Return how to open the bytes again: from memory where all of them are held."""
    return opened if len(held) < n_bytes or len(held) > HELD_BYTES else lambda: io.BytesIO(held)
