"""Reading what was logged, in the time that answers leave: cards become rows, rows meet their outcomes.

Python does this work, so it takes from the answers; hence it takes little when there are many.
"""

import time
from collections.abc import Callable

from sqlalchemy import Engine

from racing.predictions.outcomes import days_due, meet_day
from racing.predictions.reading import read_rows, read_unread, rows_of_writer

N_CARDS = 16  # about 3 ms of work, in steps of 0.1 ms between which answers come first
BUSY_SHARE, QUIET_SHARE = 0.02, 0.3  # of the time
BUSY_RATE = 50.0  # answers a second
OTHERS_S = 60.0


class LogReader:
    """Reads the cards that this process logged, now and then those that others left, and meets outcomes."""

    def __init__(self, writer: str, n_answers: Callable[[], int]) -> None:
        self._writer = writer
        self._n_answers = n_answers
        self._n_seen = 0
        self._seen_at = time.monotonic()
        self._read_to = 0
        self._next_at = 0.0
        self._others_at = 0.0

    def read_some(self, engine: Engine) -> None:
        """Read a few cards, if it is time again."""
        start = time.monotonic()
        if start < self._next_at:
            return
        share = BUSY_SHARE if self._is_busy(start) else QUIET_SHARE
        self._work(engine, start, is_quiet=share == QUIET_SHARE)
        now = time.monotonic()
        self._next_at = now + (now - start) * (1 / share - 1)

    def _work(self, engine: Engine, now: float, *, is_quiet: bool) -> None:
        until = now + (0.1 if is_quiet else 0.0)
        while rows := rows_of_writer(engine, self._writer, self._read_to, N_CARDS):
            read_rows(engine, rows, breathe=_breathe)
            self._read_to = rows[-1].number
            if time.monotonic() >= until:
                return
        if now >= self._others_at and is_quiet:
            self._others_at = now + OTHERS_S
            read_unread(engine, breathe=_breathe)
        for day in days_due(engine) if is_quiet else ():
            meet_day(engine, day, breathe=_breathe)

    def _is_busy(self, now: float) -> bool:
        n, seconds = self._n_answers(), max(now - self._seen_at, 1e-3)
        rate, self._n_seen, self._seen_at = (n - self._n_seen) / seconds, n, now
        return rate > BUSY_RATE


def _breathe() -> None:
    time.sleep(0)  # whoever waits for the interpreter is next
