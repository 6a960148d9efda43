"""The phases of a prediction, timed by marks that cost less than a microsecond."""

from collections.abc import MutableMapping
from time import perf_counter
from typing import Any

PHASES = ("parse", "features", "model", "share", "write", "log")
_KEY = "phase_clock"


class StageTimer:
    """A clock that is told when a phase ends; the next one begins there.

    ::

        clock = StageTimer.of(request.scope)
        card = read_card(body)
        clock.mark("parse")

    A phase may be marked more than once, as in a batch: its parts add up. Marks may come from another thread
    than the clock, as long as it is one at a time.
    """

    __slots__ = ("_append", "marks", "started")

    def __init__(self) -> None:
        self.marks: list[tuple[str, float]] = []
        """Each phase and when it ended, by :func:`time.perf_counter`."""
        self._append = self.marks.append
        self.started = perf_counter()

    @classmethod
    def of(cls, scope: MutableMapping[str, Any]) -> "StageTimer":
        """Start the clock of a request; what watches the request finds it in the scope."""
        clock: StageTimer = cls()
        scope[_KEY] = clock
        return clock

    def mark(self, phase: str) -> None:
        """Say that a phase ends now; one of :data:`PHASES`."""
        self._append((phase, perf_counter()))

    def skip(self) -> None:
        """Let what passed since the last mark belong to no phase, such as waiting for a thread."""
        self._append(("", perf_counter()))

    def seconds(self) -> dict[str, float]:
        """Return how long each phase took that was marked."""
        took: dict[str, float] = {}
        before = self.started
        for phase, ended in self.marks:
            if phase:
                took[phase] = took.get(phase, 0.0) + ended - before
            before = ended
        return took


def clock_of(scope: MutableMapping[str, Any]) -> StageTimer | None:
    """Return the clock of a request that has one."""
    clock: StageTimer | None = scope.get(_KEY)
    return clock
