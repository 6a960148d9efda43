"""Progress into a file or a cron job's mail: a line when a stage begins, when it ends, and now and then."""

import os
import time
from contextlib import suppress

import click

INTERVAL_VARIABLE = "GREYHOUND_PROGRESS_INTERVAL_S"
DEFAULT_INTERVAL_S = 30.0


class ProgressLines:
    """The lines of one stage, on standard error."""

    def __init__(self, title: str, total: float | None, *, interval_s: float) -> None:
        self._title = title
        self._interval_s = interval_s
        self._n_done = 0.0
        self._total = total
        self._began = self._last_line_at = time.monotonic()
        self._write("begins")

    def report(self, n_done: float, n_total: float | None = None) -> None:
        """Take note of how far the stage is; a line at most every interval."""
        self._n_done = n_done
        self._total = self._total if n_total is None else n_total
        now = time.monotonic()
        if now - self._last_line_at >= self._interval_s:
            self._last_line_at = now
            self._write(self._how_far())

    def end(self, *, is_done: bool) -> None:
        """Write the last line."""
        self._write(self._how_far() if is_done else f"ended unfinished: {self._how_far()}")

    def _how_far(self) -> str:
        parts = [f"{time.monotonic() - self._began:.0f} s"]
        if self._total is not None:
            parts.insert(0, f"{self._n_done:.0f} of {self._total:.0f}")
        elif self._n_done:
            parts.insert(0, f"{self._n_done:.0f}")
        return ", ".join(parts)

    def _write(self, text: str) -> None:
        with suppress(OSError):  # a full disk under the log, or a reader that left, stops no training
            click.echo(f"{self._title}: {text}", err=True)


def interval_s() -> float:
    """Return how many seconds lie between two lines at least."""
    given = os.environ.get(INTERVAL_VARIABLE, "")
    try:
        seconds = float(given) if given else DEFAULT_INTERVAL_S
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise click.UsageError(f"{INTERVAL_VARIABLE} is a number of seconds, 0 or more, got {given!r}")
    return seconds
