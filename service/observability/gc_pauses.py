"""The pauses of the garbage collector: each one stops every request of the process."""

import gc
import time
from typing import Any

from service.observability.buffered_histogram import BufferedHistogram

_RECENT_S = 0.0002  # a shorter one is in the histogram only
_N_RECENT = 64


class GcPauseRecorder:
    """Counts collections by generation, and gives the longest since a moment.

    The collector calls it in whichever thread it strikes, perhaps one that holds a lock: so nothing here
    takes one.
    """

    def __init__(self, pauses: list[BufferedHistogram]) -> None:
        self._pauses = pauses
        self._started = 0.0
        self._recent: tuple[tuple[float, float], ...] = ()
        self._longest_s = 0.0

    @property
    def longest_s(self) -> float:
        """The longest pause since the moment given to :meth:`begin`, in seconds."""
        return self._longest_s

    def install(self) -> None:
        """Record pauses until :meth:`remove`."""
        gc.callbacks.append(self._record)

    def remove(self) -> None:
        """Record no more."""
        gc.callbacks.remove(self._record)

    def begin(self, at: float) -> None:
        """Let :attr:`longest_s` be of the pauses from a moment of the monotonic clock, some seconds back."""
        self._longest_s = max((pause_s for ended, pause_s in self._recent if ended >= at), default=0.0)

    def _record(self, phase: str, details: dict[str, Any]) -> None:
        if phase == "start":
            self._started = time.perf_counter()
            return
        pause_s = time.perf_counter() - self._started
        self._pauses[details["generation"]].count(pause_s)
        if pause_s >= _RECENT_S:
            self._recent = (*self._recent[1 - _N_RECENT :], (time.monotonic(), pause_s))
        if pause_s > self._longest_s:
            self._longest_s = pause_s
