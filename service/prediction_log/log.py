"""The prediction log as the service holds it: ``put`` an answer, and it is kept."""

import datetime as dt
import logging
import threading
import uuid
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from service.observability.metrics import Metrics
from service.prediction_log.log_writer import LogWriter
from service.prediction_log.reader import LogReader
from service.prediction_log.records import Numbered
from service.prediction_log.spool import Spool, folder_for
from service.prediction_log.waiting import Answered, Waiting
from service.serving.slots import Snapshot
from service.settings import ServiceSettings

log = logging.getLogger("greyhound.service")
MUCH_BYTES = 2 * 1024 * 1024  # 200 cards of 8 runners: some 0.05 s of writing
_STEPS = 8
STOP_S = 0.5  # for the last batch; what the database has not taken by then is spooled


@dataclass(frozen=True, slots=True)
class LogState:
    """How the prediction log does."""

    is_on: bool
    n_waiting: int
    n_written: int
    n_spooled: int
    n_dropped: int
    spool_bytes: int
    last_kept: dt.datetime | None
    database_error: str | None
    spool_error: str | None
    n_refused: int
    n_unreadable: int
    reader_error: str | None


class PredictionLog:
    """Keeps answered cards, in threads of its own; an answer never waits for it and never fails by it.

    What is answered waits in memory for one interval at most. Then it is handed to the database; if that does
    not have it half an interval later, or still has spooled answers to take first, it goes to the spool.
    """

    def __init__(self, settings: ServiceSettings, metrics: Metrics) -> None:
        self.is_on = settings.log_predictions and settings.database is not None
        self._interval_s = settings.log_interval_s
        self._metrics = metrics
        self._waiting = Waiting(settings.log_queue_bytes)
        self._in_hand: list[Numbered] = []
        self._numbers = count(1)
        self._n_kept = self._n_written = self._n_spooled = self._n_refused = self._n_dropped_told = 0
        self._last_kept: dt.datetime | None = None
        self._spool_error: str | None = None
        self._stopping = threading.Event()
        root = folder_for(settings.database or "", Path(settings.spool))
        self._spool = Spool(root, uuid.uuid4().hex, max_bytes=settings.spool_bytes)
        self._reader = LogReader(settings.database, self._spool.writer, lambda: self._n_kept)
        self._mover = LogWriter(
            settings.database or "",
            self._spool,
            root,
            on_written=self._count_written,
            on_refused=self._count_refused,
        )
        self._thread = threading.Thread(target=self._run, name="log-keeper", daemon=True)

    def put(self, *, request_id: str, snapshot: Snapshot, card: bytes, answer: bytes) -> None:
        """Let an answered card be kept; costs about a microsecond, from the event loop's thread."""
        if self.is_on:
            self._waiting.put(request_id, snapshot.version, snapshot.model.digest, card, answer)

    def start(self) -> None:
        """Begin to keep."""
        if self.is_on:
            self._mover.start()
            self._reader.start()
            self._thread.start()

    def stop(self) -> None:
        """Keep what still waits, and end; blocking, a second at most."""
        if self.is_on:
            self._stopping.set()
            self._reader.end_soon()
            self._thread.join(2 * STOP_S)
            self._mover.stop(STOP_S / 2)
            self._reader.stop(STOP_S / 2)
            self._spool.leave()

    @property
    def is_taken(self) -> bool:
        """Whether database or disk takes what is answered; else it waits in memory, for a while."""
        return self._spool_error is None

    @property
    def state(self) -> LogState:
        """Return how it does."""
        return LogState(
            is_on=self.is_on,
            n_waiting=len(self._waiting) + len(self._in_hand),
            n_written=self._n_written,
            n_spooled=self._n_spooled,
            n_dropped=self._waiting.n_dropped + self._n_refused,
            spool_bytes=self._spool.n_bytes + self._mover.n_bytes_left_behind,
            last_kept=self._last_kept,
            database_error=self._mover.error if self.is_on else None,
            spool_error=self._spool_error,
            n_refused=self._n_refused,
            n_unreadable=self._reader.n_unreadable,
            reader_error=self._reader.error if self.is_on else None,
        )

    def _run(self) -> None:
        while not self._is_stopped_after_a_while():
            try:
                self._keep(self._interval_s / 2)
            except Exception:  # the keeper must outlive whatever it meets
                log.exception("keeping predictions failed")
        self._keep(STOP_S)
        if self._in_hand:
            log.error("%d answers were neither written nor spooled, and are lost", len(self._in_hand))
            self._metrics.log_dropped.labels(reason="stopped").inc(len(self._in_hand))

    def _is_stopped_after_a_while(self) -> bool:
        """Wait for an interval, or until much has gathered: small batches are written in time."""
        for _ in range(_STEPS):
            if self._stopping.wait(self._interval_s / _STEPS):
                return True
            if self._waiting.n_bytes > MUCH_BYTES and not self._in_hand:
                break
        return False

    def _keep(self, patience_s: float) -> None:
        """Bring what waits to the database or, if it does not take it in time, to the spool."""
        taken = self._waiting.take(len(self._waiting))
        self._in_hand += [
            Numbered(number, entry) for entry, number in zip(taken, self._numbers, strict=False)
        ]
        if self._in_hand and (self._is_written(patience_s) or self._is_spooled()):
            entries: list[Answered] = [entry for _, entry in self._in_hand]
            self._in_hand = []
            self._spool_error = None  # the database took what the disk would not
            self._waiting.kept(entries)
            self._n_kept += len(entries)
            self._last_kept = dt.datetime.now(dt.UTC)
        self._spool.let_go()
        self._tell()

    def _is_written(self, patience_s: float) -> bool:
        if self._mover.error or self._spool.segments():  # what is spooled goes first
            return False
        job = self._mover.hand(self._in_hand)
        if job.wait(patience_s):
            return True
        job.is_given_up = True
        return False

    def _is_spooled(self) -> bool:
        try:
            self._spool.append(self._in_hand)
        except OSError as error:
            why = f"{self._spool.folder}: {error.strerror or error}"
            if self._spool_error is None:
                rule = "the prediction log can neither be written nor spooled, %d answers wait in memory: %s"
                log.error(rule, len(self._in_hand), why)
            self._spool_error = why
            return False
        self._n_spooled += len(self._in_hand)
        self._metrics.log_kept.labels(where="spool").inc(len(self._in_hand))
        return True

    def _tell(self) -> None:
        metrics = self._metrics
        metrics.log_waiting.set(len(self._waiting) + len(self._in_hand))
        metrics.log_spool_bytes.set(self._spool.n_bytes + self._mover.n_bytes_left_behind)
        metrics.log_database_up.set(self._mover.error is None)
        metrics.log_kept_up.set(self._spool_error is None)
        metrics.log_unreadable.set(self._reader.n_unreadable)
        n_dropped = self._waiting.n_dropped
        if n_dropped > self._n_dropped_told:
            metrics.log_dropped.labels(reason="queue_full").inc(n_dropped - self._n_dropped_told)
            self._n_dropped_told = n_dropped

    def _count_written(self, n: int) -> None:
        self._n_written += n
        self._metrics.log_kept.labels(where="database").inc(n)

    def _count_refused(self, n: int) -> None:
        self._n_refused += n
        self._metrics.log_dropped.labels(reason="refused").inc(n)
