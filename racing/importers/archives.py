"""The CSV files that paths mean: files, all below folders, members of zips; each with bounded bytes."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from racing.errors import FileRefused
from racing.importers.formats import what_zip_is

MAX_BYTES = 256 * 1024 * 1024  # a month of Betfair's is 4 MB
MAX_MEMBERS = 10_000
MAX_UNPACKED_BYTES = 2 * 1024 * 1024 * 1024  # of all members of a zip
SUFFIXES = tuple(kind + packed for kind in (".csv", ".tsv") for packed in ("", ".gz", ".bz2"))
_SPREADSHEETS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_FOUND_IN_FOLDERS = (*SUFFIXES, ".zip", *_SPREADSHEETS)
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_GZIP = b"\x1f\x8b"
_BZIP2 = b"BZh"
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


class Zip:
    """A zip on disk, open from the first member that is read to the last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: zipfile.ZipFile | None = None
        self.members: list[zipfile.ZipInfo] = []
        self.refusal: str | None = None
        try:
            with zipfile.ZipFile(path) as file:
                self.members = [info for info in file.infolist() if not info.is_dir()]
                self.refusal = self._refusal(file)
        except (*_BROKEN, NotImplementedError, ValueError) as error:
            self.refusal = f"the zip file is broken or cut off: {error}"

    def _refusal(self, file: zipfile.ZipFile) -> str | None:
        names = [info.filename for info in self.members]
        if len(names) > MAX_MEMBERS:
            return f"a zip has at most {MAX_MEMBERS} files, this has {len(names)}"
        mimetype = b""
        if names and names[0] == "mimetype" and not self.members[0].flag_bits & 1:
            with file.open(names[0]) as stream:
                mimetype = stream.read(100)
        if document := what_zip_is(names, mimetype):
            return document
        size = sum(info.file_size for info in self.members)
        if size > MAX_UNPACKED_BYTES:
            return f"a zip unpacks to at most {MAX_UNPACKED_BYTES} bytes, this to {size}"
        return None

    def read(self, info: zipfile.ZipInfo, *, is_last: bool) -> bytes:
        """Return a member's bytes; after the last the file is closed."""
        try:
            if info.flag_bits & 1:
                raise FileRefused("it is encrypted in its zip; unpack it with its password first")
            if info.file_size > MAX_BYTES:
                raise FileRefused(f"a file has at most {MAX_BYTES} bytes, this has {info.file_size}")
            self._file = self._file or zipfile.ZipFile(self._path)
            with self._file.open(info) as stream:
                # No more than the size that the zip states is unpacked, whatever its data would give.
                return stream.read(MAX_BYTES)
        except (*_BROKEN, NotImplementedError, RuntimeError) as error:
            raise FileRefused(f"it cannot be read from its zip: {error}") from error
        finally:
            if is_last and self._file:
                self._file.close()
                self._file = None


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read: ``name`` is its path, of a zip's member ``archive.zip/member.csv``."""

    name: str
    path: Path
    zip: Zip | None = field(default=None, repr=False)
    member: zipfile.ZipInfo | None = None
    is_last: bool = True
    refusal: str | None = None

    def read(self) -> bytes:
        """Return its bytes as they lie there, at most ``MAX_BYTES``.

        Raises
        ------
        FileRefused
            If they cannot be read or are too many.
        """
        if self.refusal:
            raise FileRefused(self.refusal)
        if self.zip and self.member:
            return self.zip.read(self.member, is_last=self.is_last)
        return bytes_of(self.path)


def expand(paths: Iterable[str | Path]) -> list[Source]:
    """Return the files meant: those named, all CSV files below folders named, those in zips; by name."""
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            files = (file for file in path.rglob("*") if file.name.lower().endswith(_FOUND_IN_FOLDERS))
            found += sorted(
                file for file in files if file.is_file() and not file.name.startswith((".", "~$"))
            )
        else:
            found.append(path)
    return [source for path in dict.fromkeys(found) for source in sources_of(path)]


def sources_of(path: Path) -> list[Source]:
    """Return the file, or, of a zip, its members."""
    name = printable(str(path))
    if not is_zip(_head_of(path)):
        return [Source(name, path)]
    archive = Zip(path)
    if archive.refusal:
        return [Source(name, path, refusal=archive.refusal)]
    wanted = [info for info in archive.members if _is_wanted(info.filename)]
    if not wanted:
        others = ", ".join(printable(info.filename) for info in archive.members[:3]) or "nothing"
        return [Source(name, path, refusal=f"the zip holds no CSV file, but {others}")]
    wanted.sort(key=lambda info: info.filename)
    return [
        Source(
            f"{name}/{printable(info.filename)}",
            path,
            archive,
            info,
            is_last=info is wanted[-1],
            refusal=_refusal_of_member(info.filename),
        )
        for info in wanted
    ]


def bytes_of(path: Path) -> bytes:
    """Return a file's bytes.

    Raises
    ------
    FileRefused
        If it cannot be read or is too large.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FileRefused(f"a file has at most {MAX_BYTES} bytes, this has {path.stat().st_size}")
        return path.read_bytes()
    except OSError as error:
        raise FileRefused(f"cannot be read: {error.strerror}") from error


def is_zip(raw: bytes) -> bool:
    """Return whether bytes begin as a zip does."""
    return raw.startswith((_ZIP, _EMPTY_ZIP))


def unpacked(raw: bytes, limit: int = MAX_BYTES) -> bytes:
    """Return bytes unpacked where they are gzip or bzip2, others as they are.

    Raises
    ------
    FileRefused
        If they are broken, or unpack to more than ``limit`` bytes.
    """
    if not raw.startswith((_GZIP, _BZIP2)):
        return raw
    what, unpack = ("gzip", gzip.open) if raw.startswith(_GZIP) else ("bzip2", bz2.open)
    try:
        with unpack(io.BytesIO(raw)) as stream:
            plain: bytes = stream.read(limit + 1)
    except _BROKEN as error:
        raise FileRefused(f"the {what} file is broken or cut off: {error}") from error
    if len(plain) > limit:
        raise FileRefused(f"a file has at most {limit} bytes, this unpacks to more")
    return plain


def printable(name: str) -> str:
    """Return a file's name without characters that no terminal or database takes."""
    return "".join(char if char.isprintable() else "?" for char in name)


def _is_wanted(member: str) -> bool:
    path = PurePosixPath(member)
    is_hidden = path.name.startswith((".", "~$")) or "__MACOSX" in path.parts
    return not is_hidden and path.name.lower().endswith(_FOUND_IN_FOLDERS)


def _refusal_of_member(member: str) -> str | None:
    if member.lower().endswith(".zip"):
        return "a zip inside a zip is not opened; unpack the outer one"
    return None


def _head_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError:
        return b""
