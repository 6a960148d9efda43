"""Turns a version off that does not work: it scores no card any more until another one takes its role."""

import logging
import threading
from dataclasses import dataclass

log = logging.getLogger("greyhound.service")
MAX_FAILURES = 20
"""Cards in a row that a version may fail to score."""
MAX_SLOW = 5
"""Calls in a row that may be slow."""
SLOW_S = 0.25
"""A call that takes more of a processor's time is slow; a card takes 1 ms, and a call scores 64 at most."""
HANG_CHECKS, CHECK_S = 8, 0.25
"""A call hangs that is seen so often, so many seconds apart: a machine that stops a while sees nothing."""
HANG_S = HANG_CHECKS * CHECK_S


@dataclass(slots=True)
class ShadowCounts:
    """How a version does beside the champion, since it was loaded."""

    n_scored: int = 0
    n_dropped: int = 0
    """Cards that were too many or came too late."""
    n_failed: int = 0
    """Cards that it could not score."""
    n_failures_in_a_row: int = 0
    n_slow_in_a_row: int = 0


class Breakers:
    """Counts how each version does, and turns off what fails; safe to share between threads."""

    def __init__(self) -> None:
        self._counts: dict[int, ShadowCounts] = {}
        self._off: dict[int, str] = {}
        self._lock = threading.Lock()

    def is_off(self, version: int) -> bool:
        """Return whether a version is to score nothing."""
        return version in self._off

    def why_off(self, version: int) -> str | None:
        """Return why a version was turned off, if it was."""
        return self._off.get(version)

    def counts(self, version: int) -> ShadowCounts:
        """Return the counts of a version."""
        with self._lock:
            return self._of(version)

    def scored(self, version: int, n: int) -> None:
        """Count cards that a version scored."""
        with self._lock:
            counts = self._of(version)
            counts.n_scored += n
            counts.n_failures_in_a_row = 0

    def dropped(self, version: int, n: int = 1) -> None:
        """Count cards that a version did not come to score."""
        with self._lock:
            self._of(version).n_dropped += n

    def failed(self, version: int, why: str, n: int = 1) -> None:
        """Count cards that a version failed to score; after so many in a row it is turned off."""
        with self._lock:
            counts = self._of(version)
            counts.n_failed += n
            counts.n_failures_in_a_row += n
            is_over = counts.n_failures_in_a_row >= MAX_FAILURES
        if is_over:
            self.turn_off(version, f"{MAX_FAILURES} failures in a row, the last: {why}")

    def took(self, version: int, seconds: float) -> None:
        """Note the processor time of a call; after so many slow ones in a row the version is turned off."""
        with self._lock:
            counts = self._of(version)
            counts.n_slow_in_a_row = counts.n_slow_in_a_row + 1 if seconds > SLOW_S else 0
            is_over = counts.n_slow_in_a_row >= MAX_SLOW
        if is_over:
            rule = f"{MAX_SLOW} calls in a row took over {SLOW_S:g} s of processor"
            self.turn_off(version, f"{rule}, the last {seconds:.2f} s")

    def turn_off(self, version: int, why: str) -> None:
        """Turn a version off."""
        if version not in self._off:
            self._off[version] = why
            log.error("version %d runs beside the champion no more: %s", version, why)

    def forget(self, version: int) -> None:
        """Let a version begin anew: it was loaded for a role."""
        with self._lock:
            self._counts.pop(version, None)
            self._off.pop(version, None)

    def forget_all_but(self, versions: set[int]) -> None:
        """Forget versions that have no role any more; with the next role they begin anew."""
        with self._lock:
            for version in self._counts.keys() - versions:
                del self._counts[version]
            for version in self._off.keys() - versions:
                del self._off[version]

    def _of(self, version: int) -> ShadowCounts:
        return self._counts.setdefault(version, ShadowCounts())
