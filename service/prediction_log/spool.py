"""The spool: answers on disk while the race database does not take them, in files that outlive their process.

::

    var/spool/
        8a41.../                one folder a database, by the fingerprint of its address
            3f0c.../            one folder a process; "lock" is locked while it lives
                lock
                00000001.log    the records of one batch, in the order in which they were answered
                00000002.log
            refused.jsonl       records that no database takes, for people

A process takes over the folders of its database whose lock nobody holds.

An outbox in SQLite's write-ahead mode was tried in its place. It loses more than what is damaged
(:mod:`service.prediction_log.records`), cannot remove records while the disk is full, and costs 40 us of
processor and 8 times its bytes a record also while the database is there, when this costs nothing.
"""

import base64
import fcntl
import json
import os
import shutil
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from service.prediction_log.log_queue import LogRecord
from service.prediction_log.records import Damaged, from_bytes, to_bytes
from service.settings import address_fingerprint

REFUSED = "refused.jsonl"
MAX_REFUSED_BYTES = 16 * 1024 * 1024  # of the file; records after that are counted only
_UNBORN = ".new-"


def folder_for(database: str, root: Path) -> Path:
    """Return the folder of a database's spools: records of one database are never written to another."""
    return root / address_fingerprint(database)[:16]


class SpoolFull(OSError):
    """The spool holds as much as it may."""


class Spool:
    """The folder of one process, locked by it; made when it is first needed.

    One thread appends while another reads and removes: a file never changes once it has its name.
    """

    def __init__(self, root: Path, writer: str, *, max_bytes: int = 1 << 30, lock: int | None = None) -> None:
        self.writer = writer
        self.folder = root / writer
        self._root = root
        self._max_bytes = max_bytes
        self._lock = lock
        found = _segments_in(self.folder) if lock is not None else []
        self._segments = deque((segment, segment.stat().st_size) for segment in found)
        self._bytes_in = sum(n_bytes for _, n_bytes in self._segments)
        self._bytes_out = 0
        self._next = 1

    @property
    def n_bytes(self) -> int:
        """Return how many bytes of records it holds."""
        return self._bytes_in - self._bytes_out

    def append(self, records: list[LogRecord]) -> None:
        """Write records behind the others; they are on disk, all or none, when this returns.

        Raises
        ------
        OSError
            If they cannot be written; nothing of them stays.
        """
        data = b"".join(map(to_bytes, records))
        if self.n_bytes + len(data) > self._max_bytes:
            raise SpoolFull(f"it holds {self.n_bytes} bytes and may hold {self._max_bytes}")
        if self._lock is None:
            self._lock = _make_folder(self._root, self.writer)
        segment = self.folder / f"{self._next:08d}.log"
        unfinished = segment.with_suffix(".new")
        try:
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(
                segment
            )  # if power fails before that lasts, the next process takes over both names
        except OSError:
            with suppress(OSError):
                unfinished.unlink()
            raise
        self._next += 1
        self._bytes_in += len(data)
        self._segments.append((segment, len(data)))

    def segments(self) -> list[Path]:
        """Return the files that hold records, oldest first."""
        return [segment for segment, _ in self._segments]

    @property
    def is_empty(self) -> bool:
        """Whether it holds no file."""
        return not self._segments

    def oldest(self) -> Path | None:
        """Return the file that is to be moved first, if there is one; from the thread that removes."""
        while self._segments and not self._segments[0][0].exists():
            self._forget_oldest()  # somebody deleted it
        return self._segments[0][0] if self._segments else None

    def remove_oldest(self) -> None:
        """Delete the oldest file: its records are in the database."""
        self._segments[0][0].unlink(missing_ok=True)
        self._forget_oldest()

    def leave(self) -> None:
        """Give the folder up: it is removed if it is empty, else another process takes it over."""
        if self._lock is None:
            return
        if self.is_empty:
            shutil.rmtree(self.folder, ignore_errors=True)
            with suppress(OSError):  # others of the same database spool there still
                self._root.rmdir()
        os.close(self._lock)
        self._lock = None

    def _forget_oldest(self) -> None:
        _, n_bytes = self._segments.popleft()
        self._bytes_out += n_bytes


def read_segment(segment: Path) -> Iterator[LogRecord | Damaged]:
    """Yield the records of a file, and what is damaged among them."""
    return from_bytes(segment.read_bytes())


def take_over(root: Path) -> Iterator[Spool]:
    """Yield the spools of processes that have ended, locked by us from now on."""
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


def _segments_in(folder: Path) -> list[Path]:
    """Return the files of a process that has ended; one that it was still writing holds whole records too."""
    return sorted(path for path in folder.iterdir() if path.suffix in (".log", ".new"))


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


def add_refused(root: Path, writer: str, record: LogRecord, why: str) -> bool:
    """Append a record that the database refuses to the file for people; return whether it could be."""
    line = {"why": why[:300], "writer": writer, **record._asdict()}
    texts = {
        name: (getattr(record, name) or b"").decode(errors="replace")
        for name in ("card", "answer", "shadows")
    }
    return _append_line(root / REFUSED, json.dumps(line | texts))


def add_damaged(root: Path, writer: str, segment: str, damaged: Damaged) -> bool:
    """Append bytes of a spooled file that are no record to the file for people."""
    n_bytes = len(damaged.data)
    why = f"{segment}: {n_bytes} bytes are no whole record, at least {damaged.n_lost} answers are lost"
    line = {"why": why, "writer": writer, "base64": base64.b64encode(damaged.data).decode()}
    return _append_line(root / REFUSED, json.dumps(line))


def _append_line(path: Path, line: str) -> bool:
    data = (line + "\n").encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(file).st_size
            if size + len(data) > MAX_REFUSED_BYTES:
                return False
            if os.write(file, data) == len(data):
                return True
            os.ftruncate(file, size)  # the disk is full: half a line would spoil the next one too
            return False
        finally:
            os.close(file)
    except OSError:
        return False
