"""A folder under another name until all of it is there: a backup is whole, or it is not there."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from greyhound.backup.errors import BackupRefused


@contextmanager
def finished_or_gone(folder: Path) -> Iterator[Path]:
    """Yield a new folder beside ``folder`` that gets its name at the end, or is removed.

    What a process left that was killed is removed by the next one.

    Raises
    ------
    BackupRefused
        If there is something of that name, or another process is at it.
    """
    folder = folder.absolute()
    refuse_existing(folder)
    draft = folder.with_name(f".{folder.name}.unfinished")
    draft.mkdir(parents=True, exist_ok=True)
    lock = os.open(draft, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupRefused(f"another process makes {folder} at the moment") from error
        try:
            empty(draft)
            yield draft
            refuse_existing(folder)
            for path in (*draft.rglob("*"), draft):
                write_through(path)
            draft.rename(folder)
            write_through(folder.parent)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    finally:
        os.close(lock)


def refuse_existing(folder: Path) -> None:
    """Raise where a folder is there already, other than an empty one."""
    if os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        raise BackupRefused(f"{folder} is there already: a backup is made in a folder of its own")


def empty(folder: Path) -> None:
    """Remove all that is in a folder."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def write_through(path: Path) -> None:
    """Return once a file or folder is on the disk, and survives a loss of power."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
