"""Which processes there are, and waiting until something is so."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

SOON_S = 60.0
"""What happens soon has happened by then, on a machine that does ten other things too."""


def wait_until(is_so: Callable[[], Any], *, seconds: float = SOON_S) -> Any:
    """Repeat a question until its answer is true, and return the answer."""
    deadline = time.monotonic() + seconds
    while not (answer := is_so()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)
    return answer


def children_of(parent: int) -> list[int]:
    """The processes that a process started and that are there, zombies left out."""
    return [pid for pid, of_parent, _ in _living() if of_parent == parent]


def members_of(group: int) -> list[int]:
    """The processes of a group that are there, zombies left out."""
    return [pid for pid, _, of_group in _living() if of_group == group]


def _living() -> Iterator[tuple[int, int, int]]:
    """Yield each process with its parent and its group, read once: it may have gone by the next time."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):  # it has ended meanwhile
            state, parent, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            if state != "Z":
                yield int(entry.name), int(parent), int(group)
