"""The files that paths mean: files, all below folders, members of zips and tars; each with bounded bytes."""

import os
import re
import struct
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from racing.domain.errors import FileRefused
from racing.importers.files.contents import BROKEN, HELD_BYTES, MAX_BYTES, MAX_RECORDED_BYTES, Content
from racing.importers.files.file_types import what_zip_is
from racing.importers.files.packed_tars import SUFFIXES as PACKED_TARS
from racing.importers.files.packed_tars import PackedTar, is_packed_tar
from racing.importers.files.tars import TarMember, is_tar, tar_members

MAX_MEMBERS = 10_000
MAX_DIRECTORY_BYTES = 4 * 1024 * 1024  # of a zip's list of members, which is read whole
MAX_UNPACKED_BYTES = 2 * 1024 * 1024 * 1024  # of all members of a zip
SUFFIXES = (".csv", ".tsv", ".json", ".ndjson", ".jsonl", ".bz2", ".gz")
_ARCHIVES = (*PACKED_TARS, ".zip", ".tar")
_SPREADSHEETS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_FOUND_IN_FOLDERS = (*SUFFIXES, *_ARCHIVES, *_SPREADSHEETS)
_RECORDED_MARKET = re.compile(r"1\.\d{6,12}")  # as programs that record Betfair's stream name a market's file
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"  # also the mark of every zip's end
_END_BYTES = 22
_LOCATOR = b"PK\x06\x07"  # of a zip with long fields
_LOCATOR_BYTES = 20
_LONG_END_BYTES = 56
# What unpacks some bytes at a time; zipfile unpacks bzip2 and LZMA as much at once as 4 KiB of them give.
_UNPACKED_IN_STEPS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Zip:
    """A zip on disk, open from the first member that is read to the last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: zipfile.ZipFile | None = None
        self.members: list[zipfile.ZipInfo] = []
        self.refusal: str | None = None
        try:
            if (size := _directory_bytes(path)) > MAX_DIRECTORY_BYTES:
                self.refusal = (
                    f"a zip's list of files has at most {MAX_DIRECTORY_BYTES} bytes, this has {size}"
                )
                return
            with zipfile.ZipFile(path) as file:
                self.members = [
                    info for info in file.infolist() if info.filename and info.filename[-1] != "/"
                ]
                self.refusal = self._refusal(file)
        except (*BROKEN, NotImplementedError, ValueError, struct.error) as error:
            self.refusal = f"the zip file is broken or cut off: {error}"

    def _refusal(self, file: zipfile.ZipFile) -> str | None:
        names = [info.filename for info in self.members]
        if len(names) > MAX_MEMBERS:
            return f"a zip has at most {MAX_MEMBERS} files, this has {len(names)}"
        mimetype = b""
        if names and names[0] == "mimetype" and self._can_be_opened(self.members[0]):
            with file.open(names[0]) as stream:
                mimetype = stream.read(100)
        if document := what_zip_is(names, mimetype):
            return document
        size = sum(info.file_size for info in self.members)
        if size > MAX_UNPACKED_BYTES:
            return f"a zip unpacks to at most {MAX_UNPACKED_BYTES} bytes, this to {size}"
        return None

    @staticmethod
    def _can_be_opened(info: zipfile.ZipInfo) -> bool:
        return not info.flag_bits & 1 and info.compress_type in _UNPACKED_IN_STEPS

    def content(self, info: zipfile.ZipInfo, *, is_last: bool) -> Content:
        """Return a member's content; after the last the file is closed."""
        try:
            if info.flag_bits & 1:
                raise FileRefused("it is encrypted in its zip; unpack it with its password first")
            if not self._can_be_opened(info):
                raise FileRefused(
                    "it is packed in its zip by another method than deflate; unpack the zip first"
                )
            if info.file_size > MAX_BYTES:
                raise FileRefused(f"a file has at most {MAX_BYTES} bytes, this has {info.file_size}")
            if info.file_size > HELD_BYTES:
                return Content.read(lambda: self._opened_alone(info))
            self._file = self._file or zipfile.ZipFile(self._path)
            with self._file.open(info) as stream:
                # No more than the size that the zip states is unpacked, whatever its data would give.
                raw = stream.read(HELD_BYTES)
            return Content.of(raw)
        except (*BROKEN, NotImplementedError, RuntimeError, ValueError, struct.error) as error:
            raise FileRefused(f"it cannot be read from its zip: {error}") from error
        finally:
            if is_last and self._file:
                self._file.close()
                self._file = None

    @contextmanager
    def _opened_alone(self, info: zipfile.ZipInfo) -> Iterator[BinaryIO]:
        """Open a member in a zip of its own, which is closed with it."""
        with zipfile.ZipFile(self._path) as file, file.open(info) as stream:
            yield cast(BinaryIO, stream)


def _directory_bytes(path: Path) -> int:
    """Return the length of a zip's list of members, as its end states it where zipfile looks."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _END_BYTES - 65_535 - _LOCATOR_BYTES, 0))
        tail = file.read()
        at = len(tail) - _END_BYTES
        if at < 0 or tail[at : at + 4] != _EMPTY_ZIP or tail[-2:] != bytes(2):
            at = tail.rfind(_EMPTY_ZIP)
        if at < 0:
            return 0
        stated = int.from_bytes(tail[at + 12 : at + 16], "little")
        locator = tail[max(at - _LOCATOR_BYTES, 0) : at]
        if not locator.startswith(_LOCATOR):
            return stated
        # Versions of Python look where the locator says, or right before it.
        before = size - len(tail) + at - _LOCATOR_BYTES - _LONG_END_BYTES
        ends = {int.from_bytes(locator[8:16], "little"), before}
        return max((_long_directory_bytes(file, end) for end in ends if 0 <= end < size), default=0)


def _long_directory_bytes(file: IO[bytes], at: int) -> int:
    file.seek(at)
    return int.from_bytes(file.read(_LONG_END_BYTES)[40:48], "little")


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read: ``name`` is its path, of an archive's member ``archive.zip/member.csv``."""

    name: str
    path: Path
    zip: Zip | None = field(default=None, repr=False)
    member: zipfile.ZipInfo | None = None
    tar_member: TarMember | None = None
    packed_tar: PackedTar | None = field(default=None, repr=False)
    is_last: bool = True
    refusal: str | None = None

    def content(self) -> Content:
        """Return what it holds, unpacked.

        Raises
        ------
        FileRefused
            If it cannot be read or is too much.
        """
        if self.refusal:
            raise FileRefused(self.refusal)
        if self.zip and self.member:
            return self.zip.content(self.member, is_last=self.is_last)
        if self.packed_tar and self.tar_member:
            return self.packed_tar.content(self.tar_member, is_last=self.is_last)
        if self.tar_member:
            return self.tar_member.content(self.path)
        return content_of(self.path)


def expand(paths: Iterable[str | Path]) -> list[Source]:
    """Return the files meant: those named, all below folders named that may be data, those in archives."""
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += sorted(file for file in path.rglob("*") if _may_be_data(file.name) and file.is_file())
        else:
            found.append(path)
    return [source for path in dict.fromkeys(found) for source in sources_of(path)]


def sources_of(path: Path) -> list[Source]:
    """Return the file, or, of a zip or tar, packed or not, its members."""
    name = printable(str(path))
    head = _head_of(path)
    if is_zip(head):
        return _sources_of_zip(name, path)
    if is_tar(head):
        return _sources_of_tar(name, path)
    if is_packed_tar(path):
        return _sources_of_packed_tar(name, path)
    return [Source(name, path)]


def _sources_of_zip(name: str, path: Path) -> list[Source]:
    archive = Zip(path)
    if archive.refusal:
        return [Source(name, path, refusal=archive.refusal)]
    wanted = [info for info in archive.members if _is_wanted(info.filename)]
    if not wanted:
        return [Source(name, path, refusal=_without_data("zip", [info.filename for info in archive.members]))]
    wanted.sort(key=lambda info: info.filename)
    return [
        Source(
            f"{name}/{printable(info.filename)}",
            path,
            archive,
            info,
            is_last=info is wanted[-1],
            refusal=_refusal_of_member(info.filename, "zip"),
        )
        for info in wanted
    ]


def _sources_of_tar(name: str, path: Path) -> list[Source]:
    try:
        return _sources_of_members(name, path, tar_members(path))
    except FileRefused as error:
        return [Source(name, path, refusal=str(error))]


def _sources_of_packed_tar(name: str, path: Path) -> list[Source]:
    try:
        tar = PackedTar(path)
    except FileRefused as error:
        return [Source(name, path, refusal=str(error))]
    except OSError as error:
        return [Source(name, path, refusal=f"it cannot be unpacked: {error.strerror}")]
    return _sources_of_members(name, path, tar.members, tar)


def _sources_of_members(
    name: str, path: Path, members: list[TarMember], packed_tar: PackedTar | None = None
) -> list[Source]:
    wanted = sorted((one for one in members if _is_wanted(one.name)), key=lambda one: one.name)
    if not wanted:
        return [Source(name, path, refusal=_without_data("tar", [one.name for one in members]))]
    return [
        Source(
            f"{name}/{printable(one.name)}",
            path,
            tar_member=one,
            packed_tar=packed_tar,
            is_last=one is wanted[-1],
            refusal=_refusal_of_member(one.name, "tar"),
        )
        for one in wanted
    ]


def _without_data(what: str, names: list[str]) -> str:
    others = ", ".join(printable(name) for name in names[:3]) or "nothing"
    return f"the {what} holds no file of a kind that is read, but {others}"


def content_of(path: Path) -> Content:
    """Return what a file holds, unpacked.

    Raises
    ------
    FileRefused
        If it cannot be read or is too large.
    """
    try:
        if path.stat().st_size > MAX_RECORDED_BYTES:
            raise FileRefused(f"a file has at most {MAX_BYTES} bytes, this has {path.stat().st_size}")
        return Content.read(lambda: path.open("rb"))
    except OSError as error:
        raise FileRefused(f"cannot be read: {error.strerror}") from error


def is_zip(raw: bytes) -> bool:
    """Return whether bytes begin as a zip does."""
    return raw.startswith((_ZIP, _EMPTY_ZIP))


def printable(name: str) -> str:
    """Return a file's name without characters that no terminal or database takes."""
    return "".join(char if char.isprintable() else "?" for char in name)


def _may_be_data(name: str) -> bool:
    """Return whether a file is looked at, by its name, where nobody named it."""
    if name.startswith((".", "~$")):
        return False
    return name.lower().endswith(_FOUND_IN_FOLDERS) or bool(_RECORDED_MARKET.fullmatch(name))


def _is_wanted(member: str) -> bool:
    path = PurePosixPath(member)
    return _may_be_data(path.name) and "__MACOSX" not in path.parts


def _refusal_of_member(member: str, archive: str) -> str | None:
    for suffix in _ARCHIVES:
        if member.lower().endswith(suffix):
            return f"a {suffix[1:]} inside a {archive} is not opened; unpack the outer one"
    return None


def _head_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(512)
    except OSError:
        return b""
