"""Small disks that are full when a test wants it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FILLER = "filler"


@contextmanager
def small_disk(folder: Path, *, n_bytes: int = 4 * 2**20) -> Iterator[Path]:
    """A disk of its own in a folder, or skip where this user may not mount one."""
    folder.mkdir(parents=True)
    options = f"size={n_bytes},mode=700"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True)
    if done.returncode:
        pytest.skip(f"this user may mount no small disk: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path) -> None:
    """Leave no byte free."""
    with (disk / FILLER).open("ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def free(disk: Path) -> None:
    """Make room again."""
    (disk / FILLER).unlink()
