"""Reading what was logged, in the time that answers leave: cards become rows, rows meet their outcomes.

Python does this work, so it takes from the answers; hence it takes little when there are many.
"""

import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy import Engine

from racing.predictions.outcomes import days_due, meet_day
from racing.predictions.reading import numbers_of_writer, read_rows, read_unread, rows_of_writer
from racing.predictions.unreadable import n_unreadable
from service.race_database import RaceDatabase

log = logging.getLogger("greyhound.service")
N_CARDS = 16  # about 3 ms of work
BUSY_SHARE, QUIET_SHARE = 0.02, 0.3  # of the time
BUSY_RATE = 50.0  # answers a second
LOOK_S = 0.25
OTHERS_S = 60.0


class _Stopped(Exception):
    """The service stops; what was not read now is read by whoever comes next."""


class LogReader:
    """A thread that reads the cards that this process logged, those that others left, and meets outcomes."""

    def __init__(self, url: str | None, writer: str, n_answers: Callable[[], int]) -> None:
        self.error: str | None = None
        """Why logged cards cannot be read now, if they cannot: the database, not a card, is at fault."""
        self.n_unreadable = 0
        """Cards of the whole log that are set aside, as last seen."""
        self._store = RaceDatabase(url)
        self._writer = writer
        self._n_answers = n_answers
        self._n_seen = 0
        self._seen_at = time.monotonic()
        self._is_busy = False
        self._read_to = 0
        self._others_at = 0.0
        self._worked_since = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-reader", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end_soon(self) -> None:
        """End after the batch that is being read."""
        self._stopping.set()

    def stop(self, seconds: float) -> None:
        """End, or be left alone after some time."""
        self._stopping.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            self._worked_since = time.monotonic()
            try:
                with self._store.engine() as engine:
                    self._read(engine)
            except _Stopped:
                break
            except Exception as error:  # the database may go away at any time
                self.error = " ".join(str(error).split())[:300] or type(error).__name__
                log.debug("reading logged predictions failed: %s", self.error)
            else:
                self.error = None
        self._store.close()

    def _read(self, engine: Engine) -> None:
        while numbers := numbers_of_writer(engine, self._writer, self._read_to, N_CARDS):
            rows = rows_of_writer(engine, self._writer, numbers)
            if read_rows(engine, rows) < len(numbers):
                self._count(engine)
            self._read_to = numbers[-1]
            self._rest()
        for day in days_due(engine):
            meet_day(engine, day, rest=self._rest)
        if time.monotonic() >= self._others_at and not self._is_busy:
            read_unread(engine, n_at_once=N_CARDS, rest=self._rest)
            self._count(engine)
            self._others_at = time.monotonic() + OTHERS_S

    def _count(self, engine: Engine) -> None:
        with engine.connect() as connection:
            self.n_unreadable = n_unreadable(connection)

    def _rest(self) -> None:
        """Leave the interpreter to others for as long as the share of the work asks for."""
        now = time.monotonic()
        if now - self._seen_at > LOOK_S:
            n = self._n_answers()
            self._is_busy = (n - self._n_seen) / (now - self._seen_at) > BUSY_RATE
            self._n_seen, self._seen_at = n, now
        share = BUSY_SHARE if self._is_busy else QUIET_SHARE
        if self._stopping.wait((now - self._worked_since) * (1 / share - 1)):
            raise _Stopped
        self._worked_since = time.monotonic()
