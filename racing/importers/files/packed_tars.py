"""Tars packed as a whole (``.tar.gz``, ``.tar.bz2``): unpacked onto the disk while they are read.

A packed file cannot be read from its middle, and a tar of a day has hundreds of members. So the tar is
unpacked into a temporary file, first to find its members, then again when the first of them is read; after
the last it is deleted. Never more than one lies there at a time.
"""

import bz2
import gzip
import tempfile
from pathlib import Path
from typing import IO, BinaryIO, cast

from racing.domain.errors import FileRefused
from racing.importers.files.contents import BROKEN, CHUNK_BYTES, FREE_BYTES, MAX_RATIO, Content
from racing.importers.files.tars import TarMember, is_tar, tar_members

SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz")
MAX_UNPACKED_BYTES = 2 * 1024 * 1024 * 1024  # as of a zip
_GZIP, _BZIP2 = b"\x1f\x8b", b"BZh"


def is_packed_tar(path: Path) -> bool:
    """Return whether a file is a packed tar, by its name and by how it begins unpacked."""
    if not path.name.lower().endswith(SUFFIXES):
        return False
    try:
        with _unpacking(path) as stream:
            return is_tar(stream.read(512))
    except (*BROKEN, FileRefused):
        return False


class PackedTar:
    """A packed tar on disk, unpacked from the first member that is read to the last."""

    def __init__(self, path: Path) -> None:
        """Find the members.

        Raises
        ------
        FileRefused
            If it is broken, unpacks to too much, or is no tar within bounds.
        """
        self._path = path
        self._file: IO[bytes] | None = None
        with self._unpacked() as file:
            self.members: list[TarMember] = tar_members(Path(file.name))

    def content(self, member: TarMember, *, is_last: bool) -> Content:
        """Return a member's content; after the last the unpacked tar is deleted.

        Raises
        ------
        FileRefused
            If it cannot be read or is too much.
        """
        self._file = self._file or self._unpacked()
        content = member.content(Path(self._file.name), of_open=self._file)
        if is_last:  # a large member reads on from the file that it holds open
            self._file = None
        return content

    def _unpacked(self) -> IO[bytes]:
        """Return a temporary file with the tar in it, which goes when nobody holds it any more."""
        limit = min(MAX_UNPACKED_BYTES, max(FREE_BYTES, MAX_RATIO * self._path.stat().st_size))
        file = cast(IO[bytes], tempfile.NamedTemporaryFile(prefix="greyhound-tar-"))  # noqa: SIM115
        n_bytes = 0
        try:
            with _unpacking(self._path) as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    n_bytes += len(chunk)
                    if n_bytes > limit:
                        raise FileRefused(f"a packed tar unpacks to at most {limit} bytes, this to more")
                    file.write(chunk)
            file.flush()
        except BROKEN as error:
            file.close()
            raise FileRefused(f"the packed tar is broken or cut off: {error}") from error
        except FileRefused:
            file.close()
            raise
        return file


def _unpacking(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        head = file.read(3)
    if head.startswith(_GZIP):
        return cast(BinaryIO, gzip.open(path))
    if head.startswith(_BZIP2):
        return cast(BinaryIO, bz2.open(path))
    raise FileRefused("a packed tar is gzip or bzip2")
