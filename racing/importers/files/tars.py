"""The members of a tar, found by its headers alone: where each begins, how long it is. Nothing is unpacked.

:mod:`tarfile` reads what precedes a member's header (its long name, say) whole into memory, however long the
archive states that it is. Here that is bounded, as the number of members is.
"""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from racing.domain.errors import FileRefused
from racing.importers.files.contents import BROKEN, HELD_BYTES, MAX_BYTES, Content

MAX_MEMBERS = 100_000  # a month of Betfair's stream files, all countries and markets, has 40,000
MAX_NAME_BYTES = 64 * 1024  # of what stands before a member's header
_BLOCK = tarfile.BLOCKSIZE
_MAGIC_AT, _MAGIC = 257, b"ustar"


@dataclass(frozen=True, slots=True)
class TarMember:
    """A file in a tar: its name there, and where in the tar its bytes are."""

    name: str
    offset: int
    size: int

    def content(self, path: Path, of_open: object = None) -> Content:
        """Return what it holds, unpacked where it is packed itself.

        ``of_open`` is what must live as long as a large member is read from the path: a temporary file.

        Raises
        ------
        FileRefused
            If it cannot be read or is too much.
        """
        if self.size > MAX_BYTES:
            raise FileRefused(f"a file has at most {MAX_BYTES} bytes, this has {self.size}")
        try:
            if self.size > HELD_BYTES:
                return Content.read(lambda: self._opened(path, of_open))
            with path.open("rb") as file:
                file.seek(self.offset)
                raw = file.read(self.size)
        except BROKEN as error:
            raise FileRefused(f"it cannot be read from its tar: {error}") from error
        if len(raw) < self.size:
            raise FileRefused("it cannot be read from its tar: the tar is cut off")
        return Content.of(raw)

    @contextmanager
    def _opened(self, path: Path, of_open: object) -> Iterator[BinaryIO]:
        with path.open("rb") as file:
            file.seek(self.offset)
            yield cast(BinaryIO, _Part(file, self.size))


class _Part:
    """The next bytes of a file, read as a file of their own."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def read(self, n_bytes: int = -1) -> bytes:
        raw = self._file.read(self._left if n_bytes < 0 else min(n_bytes, self._left))
        self._left -= len(raw)
        return raw

    def readable(self) -> bool:
        return True


def is_tar(head: bytes) -> bool:
    """Return whether bytes begin as a tar does."""
    return head[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] == _MAGIC


def tar_members(path: Path) -> list[TarMember]:
    """Return the files of a tar; links, devices and folders are none.

    Raises
    ------
    FileRefused
        If it is broken, or has more files than any archive should.
    """
    members: list[TarMember] = []
    try:
        with path.open("rb") as file:
            for member in _members(file, path.stat().st_size):
                members.append(member)
                if len(members) > MAX_MEMBERS:
                    raise FileRefused(f"a tar has at most {MAX_MEMBERS} files, this has more")
    except (OSError, tarfile.TarError, ValueError) as error:
        raise FileRefused(f"the tar file is broken or cut off: {error}") from error
    return members


def _members(file: BinaryIO, n_bytes: int) -> Iterator[TarMember]:
    at, n_headers = 0, 0
    long_name: str | None = None
    long_size: int | None = None
    while at < n_bytes:
        file.seek(at)
        header = file.read(_BLOCK)
        if not header.strip(b"\0"):
            return  # two blocks of zeros end it
        info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        n_headers += 1
        if n_headers > 4 * MAX_MEMBERS:
            raise FileRefused(f"a tar has at most {4 * MAX_MEMBERS} headers, this has more")
        begin = at + _BLOCK
        is_before_another = info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
        size = info.size if is_before_another or long_size is None else long_size
        if size < 0 or begin + size > n_bytes:
            raise FileRefused(f"the tar file is broken or cut off: {info.name[:80]!r} ends behind its end")
        if is_before_another:
            if size > MAX_NAME_BYTES:
                raise FileRefused(f"a name in a tar has at most {MAX_NAME_BYTES} bytes, this {size}")
            raw = file.read(size)
            if info.type == tarfile.GNUTYPE_LONGNAME:
                long_name = raw.rstrip(b"\0").decode("utf-8", "replace")
            else:
                facts = _pax_facts(raw)
                long_name = facts.get("path", long_name)
                long_size = int(facts["size"]) if "size" in facts else long_size
        else:
            if info.isreg() and info.type not in (tarfile.GNUTYPE_SPARSE, tarfile.CONTTYPE):
                yield TarMember(long_name or info.name, begin, size)
            long_name = long_size = None
        at = begin + -(-size // _BLOCK) * _BLOCK


def _pax_facts(raw: bytes) -> dict[str, str]:
    """Return what a POSIX header says of the next member: lines of ``27 path=a/b.bz2``."""
    facts: dict[str, str] = {}
    at = 0
    while at < len(raw) and (blank := raw.find(b" ", at)) > 0:
        length = int(raw[at:blank])
        if length <= blank - at:
            raise ValueError("a line of a header has no length")
        name, _, value = raw[blank + 1 : at + length - 1].partition(b"=")
        facts[name.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
        at += length
    return facts
