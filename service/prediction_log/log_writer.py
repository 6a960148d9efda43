"""The thread that writes to the race database: batches that are handed to it, and what was spooled."""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from itertools import islice
from pathlib import Path

from racing.domain.errors import DatabaseUnavailable
from service.observability.metrics import Metrics
from service.prediction_log.database import LogDatabase, is_about_data, open_log_database
from service.prediction_log.log_queue import LogRecord
from service.prediction_log.records import Damaged
from service.prediction_log.spool import REFUSED, Spool, add_damaged, add_refused, read_segment, take_over

log = logging.getLogger("greyhound.service")
RETRY_S = 1.0
TAKE_OVER_S = 10.0
MAX_REMEMBERED = 10_000  # records that were refused, so that each is counted once
CHUNK = 512  # records a transaction, when a spool is moved


class LogWriter:
    """Holds the connection to the database, writes batches, and moves spools, those of dead processes too.

    What goes wrong with the database is in ``error``, and is tried again.
    """

    def __init__(self, url: str, spool: Spool, root: Path, metrics: Metrics) -> None:
        self.error: str | None = "it has not been opened yet"
        self.n_written = 0
        self.n_refused = 0
        """Records that the database refuses, and those that lay damaged in a spool."""
        self._url = url
        self._spool = spool
        self._root = root
        self._metrics = metrics
        self._database: LogDatabase | None = None
        self._refused: deque[tuple[str, int]] = deque(maxlen=MAX_REMEMBERED)
        self._left_behind: list[Spool] = []
        self._try_at = self._take_over_at = 0.0
        self._batches: queue.SimpleQueue[tuple[list[LogRecord], Future[bool]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End after the batches that were handed in, or be left alone after some time."""
        self._batches.put(None)
        self._thread.join(seconds)
        for spool in self._left_behind:
            spool.leave()

    def write(self, records: list[LogRecord], timeout_s: float) -> bool:
        """Return whether records are in the database, within some time.

        If not, they may be written later: the caller spools them, and no record gets into the database twice.
        """
        written: Future[bool] = Future()
        self._batches.put((records, written))
        try:
            return written.result(timeout_s)
        except TimeoutError:
            written.cancel()
            return False

    @property
    def n_spooled_bytes(self) -> int:
        """Return the bytes of all spools that are to be moved."""
        return sum(spool.n_bytes for spool in (self._spool, *self._left_behind))

    def _run(self) -> None:
        is_moving = True  # there may be something to move
        while True:
            try:
                batch = self._batches.get(timeout=0.0 if is_moving else RETRY_S / 4)
            except queue.Empty:
                is_moving = self._try(self._move_some)
                continue
            if batch is None:
                break
            records, written = batch
            if written.set_running_or_notify_cancel():
                written.set_result(self._try(partial(self._write, self._spool.writer, records)))
                is_moving = True
            del batch, records, written  # some MB, which would stay until the next batch
        if self._database:
            self._database.close()

    def _try(self, work: Callable[[], bool]) -> bool:
        """Return what some work with the database returns; False if it fails, and why is noted."""
        try:
            if self._is_open():
                return work()
        except Exception as error:  # whatever the driver throws
            self._note_failure(error)
        return False

    def _is_open(self) -> bool:
        if self._database and not self._database.is_there():
            self._note_failure(DatabaseUnavailable("its file is gone, or another"))
        if self._database is None:
            if time.monotonic() < self._try_at:
                return False
            self._try_at = time.monotonic() + RETRY_S
            self._database = open_log_database(self._url)
            log.info("the prediction log writes to the database")
            self.error = None
            self._take_over_at = 0.0
        return True

    def _note_failure(self, error: Exception) -> None:
        why = " ".join(str(error).split())[:300] or type(error).__name__
        if self.error is None:
            log.warning("the prediction log spools, the database is away: %s", why)
        self.error = why
        self._try_at = time.monotonic() + RETRY_S
        if self._database and "locked" not in why:
            database, self._database = self._database, None
            try:
                database.close()
            except Exception as also:
                log.debug("closing the log's database failed: %s", also)

    def _write(self, writer: str, records: list[LogRecord]) -> bool:
        assert self._database
        try:
            n_new = self._database.write(writer, records)
        except Exception as error:
            if not is_about_data(error):
                raise
            n_new = sum(self._write_alone(writer, record) for record in records)
        self.error = None
        self.n_written += n_new
        self._metrics.log_stored.labels(where="database").inc(n_new)
        return True

    def _write_alone(self, writer: str, record: LogRecord) -> int:
        """Write one record, or set it aside if the database does not take it: it must hold up no other."""
        assert self._database
        try:
            return self._database.write(writer, [record])
        except Exception as error:
            if not is_about_data(error):
                raise
            why = " ".join(str(error).split())[:300]
            log.error("the database refuses to log request %s: %s", record.request_id, why)
            if (writer, record.number) not in self._refused:  # else it was written late and spooled as well
                self._refused.append((writer, record.number))
                self._count_refused(add_refused(self._root, writer, record, why))
            return 0

    def _count_refused(self, is_in_file: bool, n: int = 1) -> None:
        if not is_in_file:
            log.error("%s is full or cannot be written: the answer is lost", self._root / REFUSED)
        self.n_refused += n
        self._metrics.log_dropped.labels(reason="refused").inc(n)

    def _move_some(self) -> bool:
        """Move one file, the oldest of the first spool that has any; return whether there may be more."""
        self._take_over_others()
        for spool in (self._spool, *self._left_behind):
            if (segment := spool.oldest()) is not None:
                self._move(spool, segment)
                return True
            if spool is not self._spool:  # it is locked by us: nobody adds to it
                self._left_behind.remove(spool)
                spool.leave()
                return True
        self.error = None
        return False

    def _move(self, spool: Spool, segment: Path) -> None:
        found = read_segment(segment)
        damaged: list[Damaged] = []
        while chunk := list(islice(found, CHUNK)):
            self._write(spool.writer, [one for one in chunk if isinstance(one, LogRecord)])
            damaged += (one for one in chunk if isinstance(one, Damaged))
        for one in damaged:
            rule = "%s holds %d bytes that are no record: %d answers are lost, at least"
            log.error(rule, segment, len(one.data), one.n_lost)
            self._count_refused(add_damaged(self._root, spool.writer, segment.name, one), one.n_lost)
        spool.remove_oldest()

    def _take_over_others(self) -> None:
        now = time.monotonic()
        if now < self._take_over_at:
            return
        self._take_over_at = now + TAKE_OVER_S
        for spool in take_over(self._root):
            log.warning("taking over %d bytes that process %s spooled", spool.n_bytes, spool.writer)
            self._left_behind.append(spool)
