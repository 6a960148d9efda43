"""Which processes there are, and waiting until something is so."""

import time
from collections.abc import Callable
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
    return [pid for pid in _living() if _stat(pid)[1] == str(parent)]


def members_of(group: int) -> list[int]:
    """The processes of a group that are there, zombies left out."""
    return [pid for pid in _living() if _stat(pid)[2] == str(group)]


def _living() -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if _stat(pid)[0] != "Z"]


def _stat(pid: int) -> list[str]:
    """State, parent and group of a process; that of a zombie for one that has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return ["Z", "0", "0"]
