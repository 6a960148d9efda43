"""A task that the service does at intervals, in one process of all replicas at a time."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """A task done at intervals while this process holds the lease ``automation``.

    ``run`` blocks, in a thread of its own, and must bear being interrupted and done twice. It shares the
    interpreter with the answers: at most some milliseconds of Python; what takes longer starts a process.
    """

    name: str
    every_s: float
    run: Callable[[Engine], None]
    everywhere: bool = False
    """Whether each process does it, with the lease and without, and does not wait its turn."""
