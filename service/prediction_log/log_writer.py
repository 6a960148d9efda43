"""The thread that talks to the database: it writes what is handed to it, and moves what was spooled."""

import logging
import queue
import struct
import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

from racing.domain.errors import DatabaseUnavailable
from service.prediction_log.database import LogDatabase, open_log_database
from service.prediction_log.records import Damaged, Numbered
from service.prediction_log.refused import NAME, add_damaged, add_refused
from service.prediction_log.spool import Spool, take_over

log = logging.getLogger("greyhound.service")
RETRY_S = 1.0
TAKE_OVER_S = 10.0
MAX_REMEMBERED = 10_000  # records that were refused, so that each is counted once
CHUNK = 512  # records a transaction, when the spool is moved


class Job:
    """Records to be written, and what became of them."""

    def __init__(self, records: list[Numbered]) -> None:
        self.records = records
        self.is_done = False
        self.is_given_up = False
        """Spooled meanwhile; whether they are written as well does not matter."""
        self._ended = threading.Event()

    def wait(self, seconds: float) -> bool:
        """Return whether they are in the database, within some time."""
        self._ended.wait(seconds)
        return self.is_done

    def end(self, *, is_done: bool) -> None:
        """Say what became of them."""
        self.is_done = is_done
        self._ended.set()


class LogWriter:
    """Keeps the database's connection, writes jobs, moves spools: this process's and those left behind."""

    def __init__(
        self,
        url: str,
        spool: Spool,
        root: Path,
        *,
        on_written: Callable[[int], None],
        on_refused: Callable[[int], None],
    ) -> None:
        self.error: str | None = "it has not been opened yet"
        self._url = url
        self._spool = spool
        self._root = root
        self._on_written = on_written
        self._on_refused = on_refused
        self._database: LogDatabase | None = None
        self._refused: dict[tuple[str, int], None] = {}
        self._left_behind: list[Spool] = []
        self._look_at = 0.0
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="log-mover", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End after the jobs that were handed in, or be left alone after some time."""
        self._jobs.put(None)
        self._thread.join(seconds)
        for spool in self._left_behind:
            spool.leave()

    def hand(self, records: list[Numbered]) -> Job:
        """Take records to be written next."""
        job = Job(records)
        self._jobs.put(job)
        return job

    @property
    def n_bytes_left_behind(self) -> int:
        """Return the bytes of the spools that were taken over."""
        return sum(spool.n_bytes for spool in self._left_behind)

    def _run(self) -> None:
        is_moving = True  # there may be something to move
        while True:
            try:
                job = self._jobs.get(timeout=0.0 if is_moving else RETRY_S / 4)
            except queue.Empty:
                is_moving = self._do(self._move_some)
                continue
            if job is None:
                break
            if job.is_given_up:
                continue
            job.end(is_done=self._do(partial(self._write, self._spool.writer, job.records)))
            is_moving = True
        if self._database:
            self._database.close()

    def _do(self, work: Callable[[], bool]) -> bool:
        """Do some work with the database; whatever goes wrong is noted, and tried again by a later call."""
        try:
            if self._is_open():
                return work()
        except Exception as error:  # whatever the driver throws
            self._is_away(error)
        return False

    def _is_open(self) -> bool:
        if self._database and not self._database.is_there():
            self._is_away(DatabaseUnavailable("its file is gone, or another"))
        if self._database is None:
            if time.monotonic() < self._look_at:
                return False
            self._look_at = time.monotonic() + RETRY_S
            self._database = open_log_database(self._url)
            log.info("the prediction log writes to the database")
            self.error = None
            self._look_at = 0.0
        return True

    def _is_away(self, error: Exception) -> None:
        said = " ".join(str(error).split())[:300] or type(error).__name__
        if self.error is None:
            log.warning("the prediction log spools, the database is away: %s", said)
        self.error = said
        self._look_at = time.monotonic() + RETRY_S
        if self._database and "locked" not in said:
            database, self._database = self._database, None
            try:
                database.close()
            except Exception as also:
                log.debug("closing the log's database failed: %s", also)

    def _write(self, writer: str, records: list[Numbered]) -> bool:
        assert self._database
        try:
            n_new = self._database.write(writer, records)
        except Exception as error:
            if not _is_about_data(error):
                raise
            n_new = self._write_each(writer, records)
        self.error = None
        self._on_written(n_new)
        return True

    def _write_each(self, writer: str, records: list[Numbered]) -> int:
        """Write records one by one, setting aside those that the database does not take."""
        assert self._database
        n_new = 0
        for record in records:
            try:
                n_new += self._database.write(writer, [record])
            except Exception as error:
                if not _is_about_data(error):
                    raise
                why = " ".join(str(error).split())[:300]
                log.error("the database refuses to log request %s: %s", record.entry.request_id, why)
                if (writer, record.number) not in self._refused:  # written late and spooled as well
                    self._refused[writer, record.number] = None
                    self._refuse(add_refused(self._root, writer, record, why))
        return n_new

    def _refuse(self, is_in_file: bool, n: int = 1) -> None:
        while len(self._refused) > MAX_REMEMBERED:
            del self._refused[next(iter(self._refused))]
        if not is_in_file:
            log.error("%s is full or cannot be written: the answer is lost", self._root / NAME)
        self._on_refused(n)

    def _move_some(self) -> bool:
        """Move one segment, the oldest of the first spool that has any; return whether there was one."""
        self._look_for_spools()
        for spool in (self._spool, *self._left_behind):
            if (segment := spool.oldest()) is not None:
                found = spool.read(segment)
                damaged: list[Damaged] = []
                while chunk := list(islice(found, CHUNK)):
                    self._write(spool.writer, [one for one in chunk if isinstance(one, Numbered)])
                    damaged += (one for one in chunk if isinstance(one, Damaged))
                for one in damaged:
                    rule = "%s holds %d bytes that are no record: %d answers are lost, at least"
                    log.error(rule, segment, len(one.data), one.n_lost)
                    self._refuse(add_damaged(self._root, spool.writer, segment.name, one), one.n_lost)
                spool.remove(segment)
                return True
            if spool is not self._spool:  # which is empty, and locked by us: nobody adds to it
                self._left_behind.remove(spool)
                spool.leave()
                return True
        if self._spool.segments():  # the one that is appended to was asked for
            return False
        self.error = None
        return False

    def _look_for_spools(self) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + TAKE_OVER_S
        for spool in take_over(self._root):
            log.warning("taking over %d bytes that process %s spooled", spool.n_bytes, spool.writer)
            self._left_behind.append(spool)


def _is_about_data(error: Exception) -> bool:
    """Tell whether a row is at fault, by the names that every driver gives to such errors.

    What Python refuses to encode or to pack on the way to the driver is about the row as well.
    """
    names = {cls.__name__ for cls in type(error).__mro__}
    return bool(names & {"DataError", "IntegrityError"}) or isinstance(error, _UNENCODABLE)


_UNENCODABLE = (UnicodeError, OverflowError, struct.error)
