"""A folder whose files are imported as they come, once they are whole.

A file is taken when it is whole: its size and time of change were the same at two looks, no process has it
open for writing (where the system says so), and it is not named as an unfinished download is; of a zip or
JSON the end must be there, of any file a first byte, or nothing have changed for half a minute. It is then
moved to ``.taking``, which one watcher alone of several can do; imported; and moved to ``taken`` or, with the
reason beside it, to ``refused``. What a crash leaves in ``.taking`` is imported by the next watcher that
starts; the digest of what was imported tells that it is not imported twice.
"""

import contextlib
import errno
import fcntl
import os
import stat
import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

TAKEN, REFUSED, TAKING = "taken", "refused", ".taking"
_OWN = frozenset((TAKEN, REFUSED, TAKING))
_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".tmp", ".filepart", ".opdownload", "~")
MAX_LISTED = 20_000
"""Files that one look lists; those behind them have their turn when these are moved."""
MAX_DEPTH = 8
SETTLED_S = 30.0
"""A file without its end is taken, and refused, when nothing of it has changed for so long."""
_MAX_NAME = 255  # bytes of a file's name
_N_TAIL = 16  # bytes at the end of a name that is cut
_N_END = 256  # bytes that a look reads of a file
_REASON = ".reason.txt"


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as a look found it."""

    n_bytes: int
    changed_ns: int
    """As the file says itself; copies may bring it along."""
    touched_ns: int
    """As the system says."""
    inode: int


class WatchedFolder:
    """The files of one folder, and of those below it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: dict[Path, Seen] = {}
        self.unreadable: dict[Path, str] = {}
        """What a look could not read, and why."""

    def prepare(self) -> None:
        """Make the folder and those that files are moved to."""
        for one in (self.folder, *(self.folder / name for name in sorted(_OWN))):
            one.mkdir(parents=True, exist_ok=True)

    def left_over(self) -> list[Path]:
        """Return the files that a watcher took and did not finish; no other works on them now."""
        below = (self.folder / TAKING).rglob("*")
        return [path for path in _oldest_first(below) if not path.name.startswith(".")]

    def whole(self) -> list[Path]:
        """Look, and return the files that are as they were at the look before, the oldest first.

        So what was stated last is imported last.
        """
        self.unreadable = {}
        now = dict(self._files(self.folder, 0))
        before, self._seen = self._seen, now
        same = [path for path, seen in now.items() if before.get(path) == seen and self._is_ended(path, seen)]
        return sorted(same, key=lambda path: (now[path].changed_ns, path))

    def take(self, path: Path) -> Path | None:
        """Move a file to where this watcher works on it; None if it is gone or another has it.

        Raises
        ------
        OSError
            If it cannot be read or moved.
        """
        if is_open_for_writing(path):
            return None
        if not os.access(path, os.R_OK) and path.exists():  # in this order: another may move it meanwhile
            raise PermissionError(errno.EACCES, "it may not be read")
        target = self.folder / TAKING / path.relative_to(self.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        return _moved(path, target)

    def put(self, path: Path, where: str, reason: str | None = None) -> Path:
        """Move a file that was worked on to ``taken`` or ``refused``; a name that exists gets a number."""
        inside = path.relative_to(self.folder / TAKING)
        target = self.folder / where / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        moved = _moved(path, target) or target
        if reason is not None:
            _write_whole(_with_name(moved, _REASON, reserve=len(".")), reason + "\n")
        with contextlib.suppress(OSError):  # not empty
            for folder in path.parents[: len(inside.parts) - 1]:
                folder.rmdir()
        return moved

    def _is_ended(self, path: Path, seen: Seen) -> bool:
        """Return whether a file has its end, as far as its kind tells."""
        is_settled = time.time() - seen.touched_ns / 1e9 >= SETTLED_S
        if is_settled or _has_end(path, seen.n_bytes):
            return True
        self.unreadable[path] = f"it has no end yet; it is tried when unchanged for {SETTLED_S:.0f} s"
        return False

    def _files(self, folder: Path, depth: int) -> Iterator[tuple[Path, Seen]]:
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self.unreadable[folder] = error.strerror or str(error)
            return
        n = 0
        for entry in entries:
            if entry.name.startswith(".") or (depth == 0 and entry.name in _OWN):
                continue
            path = Path(entry.path)
            try:
                is_folder = entry.is_dir(follow_symlinks=False)
                about = entry.stat(follow_symlinks=False)
            except OSError:  # gone meanwhile
                continue
            if is_folder and depth < MAX_DEPTH:
                yield from self._files(path, depth + 1)
            elif is_folder:
                self.unreadable[path] = f"folders are looked into {MAX_DEPTH} deep"
            elif stat.S_ISLNK(about.st_mode):
                self.unreadable[path] = "a symbolic link is not followed"
            elif stat.S_ISREG(about.st_mode) and not _is_unfinished(entry.name):
                n += 1
                if n > MAX_LISTED:
                    return
                yield path, Seen(about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino)


@contextlib.contextmanager
def working_alone(folder: Path) -> Iterator[bool]:
    """Yield whether no other watcher works on the folder; while this one does, no other will.

    Raises
    ------
    OSError
        If the lock may not be written.
    """
    with (folder / TAKING / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def is_open_for_writing(path: Path) -> bool:
    """Return whether a process has a file open for writing; False where the system cannot say.

    A read lease (Linux) is given only where none has.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:  # another's file, or a file system without leases
        return False
    finally:
        os.close(file)
    return False


def _has_end(path: Path, n_bytes: int) -> bool:
    """Return whether nothing tells that the end of a file is missing."""
    kind = path.suffix.lower()
    try:
        if kind == ".zip":
            return zipfile.is_zipfile(path)
        if kind == ".json" and n_bytes:
            with path.open("rb") as file:
                file.seek(max(n_bytes - _N_END, 0))
                return file.read(_N_END).rstrip()[-1:] in (b"", b"}", b"]")
    except OSError:  # gone, or not to be read: taking it finds out
        return True
    return n_bytes > 0


def _oldest_first(paths: Iterable[Path]) -> list[Path]:
    found = [(path.lstat(), path) for path in paths]
    files = [(about.st_mtime_ns, path) for about, path in found if stat.S_ISREG(about.st_mode)]
    return [path for _, path in sorted(files)]


def _is_unfinished(name: str) -> bool:
    return name.lower().endswith(_UNFINISHED)


def _moved(path: Path, target: Path) -> Path | None:
    """Move a file to a name that is free, with a number where it must be; None if the file is gone.

    In one step, so that a crash leaves it at one of the two names; only the watcher that works alone on the
    folder gives names there.
    """
    number = 1
    free = target
    while os.path.lexists(free):
        number += 1
        free = _with_name(target, f" ({number}){target.suffix}", stem=target.stem)
    try:
        path.rename(free)
    except FileNotFoundError:  # another took it
        return None
    return free


def _with_name(path: Path, ending: str, *, stem: str | None = None, reserve: int = 0) -> Path:
    """Return a path whose name ends so, cut in the middle where it would be longer than names may be."""
    most = _MAX_NAME - len(os.fsencode(ending)) - reserve
    beginning = os.fsencode(path.name if stem is None else stem)
    if len(beginning) > most:  # its end may be a number that tells it from others
        beginning = beginning[: most - _N_TAIL] + beginning[-_N_TAIL:]
    return path.with_name(os.fsdecode(beginning) + ending)


def _write_whole(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text(text, encoding="utf-8", errors="backslashreplace")
    unfinished.rename(path)
