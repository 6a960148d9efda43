"""The prediction log of a service: an answer is ``put``, and saved by threads of the log's own.

An answer is in the queue for one interval at most (and a tenth of a second, where its shadows are to
come). Then the batch is handed to the thread that writes to the
race database. If that has not written it half an interval later, or spooled records come first, the batch
goes to disk (:mod:`service.prediction_log.spool`), and from there to the database once it answers. So no
answer waits for the log, and a killed process loses nothing that is older than a second.
"""

import datetime as dt
import logging
import threading
import time
import uuid
from pathlib import Path

from service.observability.metrics import Metrics
from service.prediction_log.log_queue import SHADOW_WAIT_S, AwaitedShadows, LogQueue, LogRecord
from service.prediction_log.log_writer import LogWriter
from service.prediction_log.reader import LogReader
from service.prediction_log.spool import Spool, folder_for
from service.schemas.status import LogOut
from service.serving.slots import Snapshot
from service.settings import ServiceSettings

log = logging.getLogger("greyhound.service")
MUCH_BYTES = 2 * 1024 * 1024  # 200 cards of 8 runners: some 0.05 s of writing
_STEPS = 8
STOP_S = 0.5  # for the last batch; what the database has not taken by then is spooled


class PredictionLog:
    """Logs answered cards, in threads of its own; an answer never waits for it and never fails by it."""

    def __init__(self, settings: ServiceSettings, metrics: Metrics) -> None:
        self.is_on = settings.log_predictions and settings.database is not None
        self._interval_s = settings.log_interval_s
        self._metrics = metrics
        self._queue = LogQueue(settings.log_queue_bytes)
        self._unsaved: list[LogRecord] = []
        self._n_saved = self._n_spooled = self._n_dropped_counted = 0
        self._last_saved: dt.datetime | None = None
        self._spool_error: str | None = None
        self._stopping = threading.Event()
        database = settings.database or ""
        root = folder_for(database, Path(settings.spool))
        self._spool = Spool(root, uuid.uuid4().hex, max_bytes=settings.spool_bytes)
        self._reader = LogReader(settings.database, self._spool.writer, lambda: self._n_saved)
        self._writer = LogWriter(database, self._spool, root, metrics)
        self._thread = threading.Thread(target=self._run, name="log-batches", daemon=True)

    def put(
        self,
        *,
        request_id: str,
        snapshot: Snapshot,
        card: bytes,
        answer: bytes,
        experiment_id: int | None = None,
        awaited: AwaitedShadows | None = None,
    ) -> None:
        """Log an answered card; costs about a microsecond, from the event loop's thread.

        Its shadows, if there will be any, may be filled in for :data:`SHADOW_WAIT_S` seconds.
        """
        if self.is_on:
            self._queue.put(
                request_id, snapshot.version, snapshot.model.digest, card, answer, experiment_id, awaited
            )

    def start(self) -> None:
        """Begin to save."""
        if self.is_on:
            self._writer.start()
            self._reader.start()
            self._thread.start()

    def stop(self) -> None:
        """Save what is in the queue, and end; blocking, a second at most."""
        if self.is_on:
            self._stopping.set()
            self._reader.end_soon()
            self._thread.join(2 * STOP_S)
            self._writer.stop(STOP_S / 2)
            self._reader.stop(STOP_S / 2)
            self._spool.leave()

    @property
    def is_saving(self) -> bool:
        """Whether database or disk takes what is answered; else it stays in memory, while there is room."""
        return self._spool_error is None

    @property
    def state(self) -> LogOut:
        """Return how it does."""
        return LogOut(
            is_on=self.is_on,
            n_waiting=len(self._queue) + len(self._unsaved),
            n_written=self._writer.n_written,
            n_spooled=self._n_spooled,
            n_dropped=self._queue.n_dropped + self._writer.n_refused,
            spool_bytes=self._writer.n_spooled_bytes,
            last_kept=self._last_saved,
            database_error=self._writer.error if self.is_on else None,
            spool_error=self._spool_error,
            n_refused=self._writer.n_refused,
            n_unreadable=self._reader.n_unreadable,
            reader_error=self._reader.error if self.is_on else None,
        )

    def _run(self) -> None:
        while not self._is_stopped_after_a_while():
            try:
                self._save(self._interval_s / 2)
            except Exception:  # the thread must outlive whatever goes wrong
                log.exception("saving predictions failed")
        self._unsaved += self._queue.take()
        time.sleep(SHADOW_WAIT_S if len(self._queue) else 0.0)  # what is left waits for shadows
        self._save(STOP_S)
        if self._unsaved:
            log.error("%d answers were neither written nor spooled, and are lost", len(self._unsaved))
            self._metrics.log_dropped.labels(reason="stopped").inc(len(self._unsaved))

    def _is_stopped_after_a_while(self) -> bool:
        """Wait for an interval, or until much has gathered: small batches are written in time."""
        for _ in range(_STEPS):
            if self._stopping.wait(self._interval_s / _STEPS):
                return True
            if self._queue.n_bytes > MUCH_BYTES and not self._unsaved:
                break
        return False

    def _save(self, timeout_s: float) -> None:
        """Bring what is in the queue to the database or, if it does not take it in time, to the spool."""
        self._unsaved += self._queue.take()
        if self._unsaved and (self._is_written(timeout_s) or self._is_spooled()):
            records, self._unsaved = self._unsaved, []
            self._spool_error = None  # the database took what the disk would not
            self._queue.free(records)
            self._n_saved += len(records)
            self._last_saved = dt.datetime.now(dt.UTC)
        self._publish()

    def _is_written(self, timeout_s: float) -> bool:
        if self._writer.error or not self._spool.is_empty:  # what is spooled goes first
            return False
        return self._writer.write(self._unsaved, timeout_s)

    def _is_spooled(self) -> bool:
        n = len(self._unsaved)
        try:
            self._spool.append(self._unsaved)
        except OSError as error:
            why = f"{self._spool.folder}: {error.strerror or error}"
            if self._spool_error is None:
                rule = "the prediction log can neither be written nor spooled, %d answers wait in memory: %s"
                log.error(rule, n, why)
            self._spool_error = why
            return False
        self._n_spooled += n
        self._metrics.log_stored.labels(where="spool").inc(n)
        return True

    def _publish(self) -> None:
        metrics = self._metrics
        metrics.log_waiting.set(len(self._queue) + len(self._unsaved))
        metrics.log_spool_bytes.set(self._writer.n_spooled_bytes)
        metrics.log_database_up.set(self._writer.error is None)
        metrics.log_stored_up.set(self._spool_error is None)
        metrics.log_unreadable.set(self._reader.n_unreadable)
        n_dropped = self._queue.n_dropped
        if n_dropped > self._n_dropped_counted:
            metrics.log_dropped.labels(reason="queue_full").inc(n_dropped - self._n_dropped_counted)
            self._n_dropped_counted = n_dropped
