"""The monitor looks at the log every some minutes, in a process of its own: it computes for seconds."""

import subprocess
import sys
import threading
from contextlib import suppress

from sqlalchemy import Engine

from racing.monitor.champion import ChampionFacts, champion_facts
from racing.monitor.shown import monitor_now
from service.automation.monitor_look import LookRequest
from service.observability.metrics import Metrics
from service.serving.slots import ModelSlots, Snapshot
from service.settings import ServiceSettings

TIMEOUT_S = 300.0
STOP_S = 0.5
FIRST_AFTER_S = 20.0  # a service that has just started has more urgent things to do
GAUGES_S = 15.0


class MonitorLooks:
    """Starts a look, and does not wait for it; one at a time."""

    def __init__(self, settings: ServiceSettings, slots: ModelSlots) -> None:
        self._settings = settings
        self._slots = slots
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._first_after_s = min(FIRST_AFTER_S, settings.monitor_every_s)
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._error: str | None = None

    def start_one(self, engine: Engine) -> None:
        """Start a look, unless one is under way; raise what the one before failed with."""
        if self._settings.database is None:
            return
        champion = self._slots.peek()
        request = LookRequest(
            database=self._settings.database,
            registry=self._settings.registry,
            champion=None if champion is None else facts_of(champion),
            retrain_after_weeks=self._settings.retrain_after_weeks,
        )
        with self._lock:
            if self._thread is not None or self._stopping.is_set():
                return
            error, self._error = self._error, None
            self._thread = threading.Thread(target=self._look, args=(request,), daemon=True)
            self._thread.start()
        if error is not None:
            raise RuntimeError(f"the look before failed: {error}")

    def stop(self) -> None:
        """End, in the middle if need be: the next look makes up for it."""
        with self._lock:
            self._stopping.set()
            process, thread = self._process, self._thread
        if process is not None:
            with suppress(OSError):
                process.terminate()
        if thread is not None:
            thread.join(STOP_S)
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()

    def _look(self, request: LookRequest) -> None:
        try:
            self._stopping.wait(self._first_after_s)
            self._first_after_s = 0.0
            with self._lock:
                if self._stopping.is_set():
                    return
                self._process = process = subprocess.Popen(
                    [sys.executable, "-m", "service.automation.monitor_look"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                    process_group=0,  # Ctrl-C is for the service, which ends it
                )
            try:
                _, errors = process.communicate(f"{request.to_json()}\n", timeout=TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                _, errors = process.communicate()
                errors = f"no answer within {TIMEOUT_S:g} s"
            if process.returncode and not self._stopping.is_set():
                self._error = errors.strip()[-300:]
        finally:
            with self._lock:
                self._process = self._thread = None


class MonitorGauges:
    """Copies the stored report into the metrics of one process."""

    def __init__(self, metrics: Metrics) -> None:
        self._gauges = metrics.monitor

    def read(self, engine: Engine) -> None:
        """Read report and alarms, a few milliseconds, and set the gauges."""
        self._gauges.show(monitor_now(engine))


def facts_of(champion: Snapshot) -> ChampionFacts:
    """Return what the monitor has to know of the version that serves."""
    return champion_facts(
        champion.version,
        digest=champion.model.digest,
        learnt_until=champion.learning.learnt_until,
        since=champion.champion_since,
        metrics=champion.model.documents.get("metrics") or {},
    )
