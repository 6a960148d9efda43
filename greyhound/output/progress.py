"""How far a stage of a command is: a bar on a terminal; elsewhere lines as it begins, goes on and ends."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from greyhound.output.console import CleanConsole
from greyhound.output.printing import clean_output, say

Report = Callable[..., None]
"""``report(n_done, n_total=None)``: how far the work is, in all, not since the last call."""
DRAW_BAR = __name__
"""Key of the flag ``--progress`` in the metadata of a command's context."""

INTERVAL_VARIABLE = "GREYHOUND_PROGRESS_INTERVAL_S"
DEFAULT_INTERVAL_S = 30.0
_SHORT_S = 1.0  # a stage that is over by then has one line; if it fails, only its error has one


@contextmanager
def progress(description: str, total: float | None = None) -> Iterator[Report]:
    """Show on standard error how far a stage is, and yield the function that reports it.

    A bar on a terminal or under ``--progress``, which leaves no trace when done;
    elsewhere :class:`ProgressLines`.
    """
    context = click.get_current_context(silent=True)
    is_drawn = context is not None and bool(context.meta.get(DRAW_BAR))
    if not (is_drawn or sys.stderr.isatty()):
        lines = ProgressLines(description, total, interval_s=interval_s())
        is_done = False
        try:
            yield lines.report
            is_done = True
        finally:
            lines.end(is_done=is_done)
        return
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        # Requested, it is drawn into a log too.
        console=CleanConsole(stderr=True, force_terminal=is_drawn or None),
        transient=True,
    )
    with bar, clean_output():  # rich puts streams of its own before ours while it draws
        task = bar.add_task(description, total=total)

        def report(n_done: float, n_total: float | None = None) -> None:
            bar.update(task, completed=n_done, total=total if n_total is None else n_total)

        yield report


class ProgressLines:
    """The lines of one stage, on standard error; also of one that never says how far it is."""

    def __init__(self, title: str, total: float | None, *, interval_s: float) -> None:
        self._title = title
        self._interval_s = interval_s
        self._n_done = 0.0
        self._total = total
        self._began = time.monotonic()
        self._is_over = threading.Event()
        self._has_begun_line = False
        self._thread = threading.Thread(target=self._run, name="progress-lines", daemon=True)
        self._thread.start()

    def report(self, n_done: float, n_total: float | None = None) -> None:
        """Take note of how far the stage is."""
        self._n_done = n_done
        self._total = self._total if n_total is None else n_total

    def end(self, *, is_done: bool) -> None:
        """Write the last line."""
        self._is_over.set()
        self._thread.join()  # or the interpreter could end while it writes
        if is_done and (self._n_done or self._has_begun_line):  # else there was nothing to do
            self._write(self._how_far())
        elif self._has_begun_line:
            self._write(f"ended unfinished: {self._how_far()}")

    def _run(self) -> None:
        if self._is_over.wait(_SHORT_S):
            return
        self._has_begun_line = True
        self._write("begins")
        while not self._is_over.wait(self._interval_s):
            self._write(f"{self._how_far()} so far")

    def _how_far(self) -> str:
        parts = [f"{time.monotonic() - self._began:.0f} s"]
        if self._total is not None:
            parts.insert(0, f"{self._n_done:.0f} of {self._total:.0f}")
        elif self._n_done:
            parts.insert(0, f"{self._n_done:.0f}")
        return ", ".join(parts)

    def _write(self, text: str) -> None:
        with suppress(OSError):  # a full disk under the log, or a reader that left, stops no training
            say(f"{self._title}: {text}", err=True)


def interval_s() -> float:
    """Return how many seconds lie between two lines of a stage."""
    given = os.environ.get(INTERVAL_VARIABLE, "")
    try:
        seconds = float(given) if given else DEFAULT_INTERVAL_S
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 86_400:
        raise click.UsageError(f"{INTERVAL_VARIABLE} is 0.1 to 86400 seconds, got {given!r}")
    return seconds
