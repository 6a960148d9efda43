"""Times of the stages of a prediction, by marks that cost less than a microsecond."""

from collections.abc import MutableMapping
from time import perf_counter
from typing import Any

STAGES = ("parse", "features", "model", "share", "write", "log")
_KEY = "stage_timer"


class StageTimer:
    """Marks the end of each stage; the next one begins there.

    ::

        clock = StageTimer.of(request.scope)
        card = read_card(body)
        clock.mark("parse")

    A stage may be marked more than once, as in a batch: its parts add up. Marks may come from another thread
    than the timer, as long as it is one at a time.
    """

    __slots__ = ("_append", "marks", "started")

    def __init__(self) -> None:
        self.marks: list[tuple[str, float]] = []
        """Each stage and when it ended, by :func:`time.perf_counter`."""
        self._append = self.marks.append
        self.started = perf_counter()

    @classmethod
    def of(cls, scope: MutableMapping[str, Any]) -> "StageTimer":
        """Start the timer of a request; the middleware of metrics finds it in the scope."""
        clock: StageTimer = cls()
        scope[_KEY] = clock
        return clock

    def mark(self, stage: str) -> None:
        """Note that a stage, one of :data:`STAGES`, ends now."""
        self._append((stage, perf_counter()))

    def skip(self) -> None:
        """Count the time since the last mark for no stage, such as waiting for a thread."""
        self._append(("", perf_counter()))

    def seconds_of(self, stage: str) -> float:
        """Return the seconds of the last part of a stage; 0 where it was not marked."""
        after = 0.0
        for name, ended in reversed(self.marks):
            if after:
                return after - ended
            if name == stage:
                after = ended
        return after and after - self.started

    def seconds(self) -> dict[str, float]:
        """Return the seconds of each stage that was marked."""
        took: dict[str, float] = {}
        before = self.started
        for stage, ended in self.marks:
            if stage:
                took[stage] = took.get(stage, 0.0) + ended - before
            before = ended
        return took


def timer_of(scope: MutableMapping[str, Any]) -> StageTimer | None:
    """Return the timer of a request that has one."""
    timer: StageTimer | None = scope.get(_KEY)
    return timer
