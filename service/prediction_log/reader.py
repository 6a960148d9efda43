"""The thread that reads logged cards and matches them with outcomes, in the time that answers leave.

Python does this work, so it takes from the answers; hence it takes little when there are many.
"""

import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy import Engine

from racing.predictions.reading import newest_id, numbers_of_writer, read_rows, read_unread, rows_of_writer
from racing.predictions.unreadable import n_unreadable
from racing.predictions.update import changed_days, match_day
from service.race_database import RaceDatabase

log = logging.getLogger("greyhound.service")
N_CARDS = 16  # about 3 ms of work
BUSY_SHARE, QUIET_SHARE = 0.02, 0.3  # of the time
BUSY_RATE = 50.0  # answers a second
POLL_S = 0.25
OTHERS_S = 60.0  # between two searches for unread cards of other processes
ALL_S = 3600.0  # between two searches of the whole log: somebody may want set-aside cards read again


class _Stopped(Exception):
    """The service stops; another process reads what was not read."""


class LogReader:
    """Reads the cards that this process logged and unread ones of others, and matches outcomes."""

    def __init__(self, url: str | None, writer: str, n_answers: Callable[[], int]) -> None:
        self.error: str | None = None
        """Why logged cards cannot be read now, if they cannot: the database, not a card, is at fault."""
        self.n_unreadable = 0
        """Cards of the whole log that are set aside, as last counted."""
        self._database = RaceDatabase(url)
        self._writer = writer
        self._n_answers = n_answers
        self._n_counted = 0
        self._counted_at = time.monotonic()
        self._is_busy = False
        self._read_to = 0
        self._others_at = self._all_at = 0.0
        self._newest_ids = (0, 0)
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
        """Wait for the end, at most some seconds."""
        self._stopping.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping.wait(POLL_S):
            self._worked_since = time.monotonic()
            try:
                with self._database.engine() as engine:
                    self._read(engine)
            except _Stopped:
                break
            except Exception as error:  # the database may go away at any time
                self.error = " ".join(str(error).split())[:300] or type(error).__name__
                log.debug("reading logged predictions failed: %s", self.error)
            else:
                self.error = None
        self._database.close()

    def _read(self, engine: Engine) -> None:
        while numbers := numbers_of_writer(engine, self._writer, self._read_to, N_CARDS):
            rows = rows_of_writer(engine, self._writer, numbers)
            if read_rows(engine, rows) < len(numbers):
                self._count_unreadable(engine)
            self._read_to = numbers[-1]
            self._pause()
        for day in changed_days(engine):
            match_day(engine, day, pause=self._pause)
        if time.monotonic() >= self._others_at and not self._is_busy:
            self._read_others(engine)
            self._others_at = time.monotonic() + OTHERS_S

    def _read_others(self, engine: Engine) -> None:
        """Read unread cards, from where the last search but one ended: no commit of a card takes so long."""
        if time.monotonic() >= self._all_at:
            self._newest_ids, self._all_at = (0, 0), time.monotonic() + ALL_S
        with engine.connect() as connection:
            after, newest = self._newest_ids[0], newest_id(connection)
        read_unread(engine, after=after, n_at_once=N_CARDS, pause=self._pause)
        self._newest_ids = (self._newest_ids[1], newest)
        self._count_unreadable(engine)

    def _count_unreadable(self, engine: Engine) -> None:
        with engine.connect() as connection:
            self.n_unreadable = n_unreadable(connection)

    def _pause(self) -> None:
        """Leave the interpreter to other threads for as long as the share of the work asks for."""
        now = time.monotonic()
        if now - self._counted_at > POLL_S:
            n = self._n_answers()
            self._is_busy = (n - self._n_counted) / (now - self._counted_at) > BUSY_RATE
            self._n_counted, self._counted_at = n, now
        share = BUSY_SHARE if self._is_busy else QUIET_SHARE
        if self._stopping.wait((now - self._worked_since) * (1 / share - 1)):
            raise _Stopped
        self._worked_since = time.monotonic()
