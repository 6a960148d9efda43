"""Which experiment runs: read from the race database every few seconds, the same for all replicas.

Guarantee: a database that is away or hangs changes nothing: the experiment that was read last goes on.
"""

import asyncio
import logging
from contextlib import suppress

from racing.domain.errors import DatabaseUnavailable
from racing.experiments.records import Experiment, current_experiment
from service.errors import NoAnswerInTime, Overloaded
from service.race_database import RaceDatabase
from service.settings import ServiceSettings
from service.thread_pools import ThreadPool

log = logging.getLogger("greyhound.service")


class ActiveExperiment:
    """Follows the record of experiments; its state belongs to the event loop."""

    def __init__(self, settings: ServiceSettings, threads: ThreadPool) -> None:
        self.current: Experiment | None = None
        """The experiment that runs; None if none does."""
        self.error: str | None = "it has not been read yet" if settings.database else None
        """Why the database was not read at the last poll, if it was not."""
        self.changed = asyncio.Event()
        """Set when another experiment runs, or the same one otherwise; what waits for it clears it."""
        self._poll_s = settings.experiments_poll_s
        self._database = RaceDatabase(settings.database, statement_timeout_s=settings.database_timeout_s)
        self._threads = threads
        self._woken = asyncio.Event()
        self._polling = asyncio.Lock()

    def wake(self) -> None:
        """Let :meth:`run` poll at once, e.g. because this process has just started one."""
        self._woken.set()

    async def run(self) -> None:
        """Poll after each interval, or when woken, until cancelled; nothing is polled without a database."""
        while self._database.is_set:
            try:
                await self.poll()
            except Exception:  # following must go on
                log.exception("polling the experiments failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._poll_s)
            self._woken.clear()

    async def poll(self) -> None:
        """Read once which experiment runs."""
        async with self._polling:
            try:
                found = await self._threads.call(self._read)
            except (DatabaseUnavailable, NoAnswerInTime, Overloaded) as error:
                if self.error is None:
                    log.warning("the experiments cannot be read, the last one goes on: %s", error)
                self.error = str(error)
                return
            self.error = None
            if found != self.current:
                _say(self.current, found)
                self.current = found
                self.changed.set()

    def close(self) -> None:
        """Close the connections; blocking."""
        self._database.close()

    def _read(self) -> Experiment | None:
        with self._database.engine() as engine:
            return current_experiment(engine)


def _say(before: Experiment | None, now: Experiment | None) -> None:
    if now is None:
        assert before
        log.info("experiment %d has ended", before.id)
        return
    others = ", ".join(map(str, now.challengers))
    share = f", {now.share:.0%} of races" if now.mode == "split" else ""
    log.info(
        "experiment %d: champion %d, challengers %s, %s%s", now.id, now.champion, others, now.mode, share
    )
