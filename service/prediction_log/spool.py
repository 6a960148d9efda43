"""The spool: answers on disk while the race database is away, in files that outlive their process.

::

    var/spool/
        8a41.../                one folder a database, by the fingerprint of its address
            3f0c.../            one folder a process; "lock" is locked while it lives
                lock
                00000001.log    records in the order in which they were answered
                00000002.log
            refused.jsonl       what no database takes, for people

A process that starts, and every one now and then, takes over the folders of its database whose lock nobody
holds.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from service.prediction_log.records import Damaged, Numbered, from_bytes, to_bytes
from service.settings import address_fingerprint

SEGMENT_BYTES = 8 * 1024 * 1024
_SUFFIX = ".log"
_UNBORN = ".new-"


def folder_for(database: str, root: Path) -> Path:
    """Return the folder of a database's spools: what was answered for one is never written to another."""
    return root / address_fingerprint(database)[:16]


class SpoolFull(OSError):
    """The spool holds as much as it may."""


class Spool:
    """The folder of one process, locked by it; made when it is first needed.

    One thread appends while another reads and removes. Neither waits for the other: the one that reads asks
    for the segment that is appended to, and the one that appends lets go of it in its own time.
    """

    def __init__(self, root: Path, writer: str, *, max_bytes: int = 1 << 30, lock: int | None = None) -> None:
        self.writer = writer
        self.folder = root / writer
        self._bytes_in = 0
        self._bytes_out = 0
        self._root = root
        self._max_bytes = max_bytes
        self._lock_file = lock
        self._file: int | None = None
        self._file_bytes = 0
        self._next = 1
        self._active: Path | None = None
        self._is_active_wanted = False
        if lock is not None:
            self._bytes_in = sum(segment.stat().st_size for segment in self.segments())

    @property
    def n_bytes(self) -> int:
        """Return how many bytes of records it holds."""
        return self._bytes_in - self._bytes_out

    def append(self, records: list[Numbered]) -> None:
        """Write records behind the others; they are on disk, all or none, when this returns.

        Raises
        ------
        OSError
            If they cannot be written; nothing of them stays.
        """
        data = b"".join(map(to_bytes, records))
        if self.n_bytes + len(data) > self._max_bytes:
            raise SpoolFull(f"it holds {self.n_bytes} bytes and may hold {self._max_bytes}")
        file = self._open()
        try:
            _write_whole(file, data)
            os.fsync(file)
        except OSError:
            self._cut_back(file)
            raise
        self._file_bytes += len(data)
        self._bytes_in += len(data)
        if self._file_bytes >= SEGMENT_BYTES:
            self._close()
        self.let_go()

    def let_go(self) -> None:
        """Append to another segment from now on, if this one is wanted; from the thread that appends."""
        if self._is_active_wanted:
            self._close()
            self._is_active_wanted = False

    def segments(self) -> list[Path]:
        """Return the files that hold records, oldest first."""
        if self._lock_file is None:
            return []
        return sorted(self.folder.glob(f"*{_SUFFIX}"))

    def oldest(self) -> Path | None:
        """Return the oldest file to which nothing is appended any more; ask for the one that is."""
        before, segments = self._active, self.segments()
        if segments and segments[0] in (before, self._active):
            self._is_active_wanted = True
            return None
        return segments[0] if segments else None

    def read(self, segment: Path) -> Iterator[Numbered | Damaged]:
        """Yield the records of a segment, and what is damaged among them."""
        return from_bytes(segment.read_bytes())

    def remove(self, segment: Path) -> None:
        """Delete a segment whose records are in the database."""
        n_bytes = segment.stat().st_size
        segment.unlink()
        self._bytes_out += n_bytes

    def leave(self) -> None:
        """Give the folder up: empty, it goes; else whoever comes next takes it over."""
        if self._lock_file is None:
            return
        self._close()
        if not self.segments():
            shutil.rmtree(self.folder, ignore_errors=True)
            with suppress(OSError):  # others of the same database spool there still
                self._root.rmdir()
        os.close(self._lock_file)
        self._lock_file = None

    def _open(self) -> int:
        if self._lock_file is None:
            self._lock_file = _make_folder(self._root, self.writer)
        if self._file is None:
            self._active = self.folder / f"{self._next:08d}{_SUFFIX}"
            self._file = os.open(self._active, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._file_bytes = 0
            self._next += 1
        return self._file

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = self._active = None

    def _cut_back(self, file: int) -> None:
        try:
            os.ftruncate(file, self._file_bytes)
        except OSError:
            self._close()  # a half record at a segment's end is skipped when it is read


def take_over(root: Path) -> Iterator[Spool]:
    """Yield the spools that processes left behind which are no more, locked by us from now on."""
    try:
        folders = sorted(path for path in root.iterdir() if (path / "lock").is_file())
    except OSError:
        return
    for folder in folders:
        if folder.name.startswith(_UNBORN):
            continue
        try:
            lock = os.open(folder / "lock", os.O_RDWR)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_there = os.stat(folder / "lock").st_ino == os.fstat(lock).st_ino
        except OSError:  # its owner lives, or another took it over and is done
            is_there = False
        if not is_there:
            os.close(lock)
            continue
        yield Spool(root, folder.name, lock=lock)


def _make_folder(root: Path, writer: str) -> int:
    """Make a folder that is locked before others see it, and return the lock."""
    unborn = root / f"{_UNBORN}{writer}"
    unborn.mkdir(parents=True, exist_ok=True)
    lock = os.open(unborn / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unborn.rename(root / writer)
    except OSError:
        os.close(lock)
        raise
    return lock


def _write_whole(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]
