"""What the service does by itself: tasks at intervals, in one process of all replicas and workers.

**Guarantee:** one process of all does them; when it is killed another one takes over within
:data:`LEASE_S` and a poll. A task that fails or hangs stops no other; a database that is away stops them
until it is back, and serving never. Shown by ``tests/service/automation/test_runner.py``.

A lease in the race database says which process it is (:mod:`racing.database.lease`); so what is done must
bear being done twice: of two processes, one may not know yet that it lost the lease. APScheduler was looked
at: its job stores share what is due between processes, with a broker or locks of their own, and it leaves a
job that hangs in its pool.
"""

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from racing.database.lease import hold_lease, release_lease
from racing.domain.errors import DatabaseUnavailable
from racing.experiments.switch import AutomationSwitch, automation_switch
from service.automation.tasks import PeriodicTask
from service.observability.metrics import Metrics
from service.race_database import RaceDatabase

log = logging.getLogger("greyhound.service")
LEASE = "automation"
LEASE_S = 15.0
RENEW_S = 4.0
TURN_S = 30.0  # a task that takes longer counts as hanging, and the others no longer wait for it
STOP_S = 0.5
STATEMENT_S = 20.0  # that the database has for one statement of a task
Place = Literal["here", "elsewhere", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """How a task does in this process; replaced, never changed."""

    name: str
    everywhere: bool
    last_run: datetime | None = None
    """When it last ended without an error, UTC."""
    took_ms: float | None = None
    error: str | None = None
    """Why the last run failed, if it did."""
    n_failures: int = 0
    running_since: float | None = None
    """By the monotonic clock; None while it does not run."""

    @property
    def hangs(self) -> bool:
        """Whether it has not come back for longer than any task takes."""
        return self.running_since is not None and time.monotonic() - self.running_since > TURN_S


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomationState:
    """What automation does, as this process sees it."""

    is_on: bool
    """Whether the champion may be changed without a person, by the switch and this process's settings."""
    switch: AutomationSwitch
    place: Place
    """Where the tasks are done."""
    error: str | None
    """Why the race database does not say who does them, if it does not."""
    tasks: tuple[TaskState, ...]


class AutomationRunner:
    """Threads that do tasks: one that holds the lease, and one for each task.

    Parameters
    ----------
    database
        Used by these threads alone.
    is_allowed
        Whether the settings of this process let it change the champion by itself.
    renew_s, lease_s
        Seconds between two renewals of the lease, and for which it holds.
    """

    def __init__(
        self,
        database: RaceDatabase,
        tasks: Sequence[PeriodicTask],
        metrics: Metrics,
        *,
        is_allowed: bool = True,
        renew_s: float = RENEW_S,
        lease_s: float = LEASE_S,
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._is_allowed = is_allowed
        self._renew_s, self._lease_s = renew_s, lease_s
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._held_until = 0.0
        self._is_elsewhere = False
        self._switch = AutomationSwitch()
        self._error: str | None = "it has not been reached yet"
        self._tasks = {task.name: TaskState(name=task.name, everywhere=task.everywhere) for task in tasks}
        self._turn = _Turn(TURN_S)
        self._stopping = threading.Event()
        self._woken = {task.name: threading.Event() for task in tasks}
        self._threads = [threading.Thread(target=self._hold, name="automation-lease", daemon=True)]
        self._threads += [
            threading.Thread(target=self._repeat, args=(task,), name=f"automation-{task.name}", daemon=True)
            for task in tasks
        ]

    @property
    def state(self) -> AutomationState:
        """Return what automation does now."""
        return AutomationState(
            is_on=self._is_allowed and self._switch.is_on,
            switch=self._switch,
            place="here" if self.holds_lease else "elsewhere" if self._is_elsewhere else "unknown",
            error=self._error,
            tasks=tuple(self._tasks.values()),
        )

    @property
    def holds_lease(self) -> bool:
        """Whether this process is the one; it knows by itself when it could not renew its lease in time."""
        return time.monotonic() < self._held_until

    def start(self) -> None:
        """Begin, if there is a database at all."""
        if self._database.is_set:
            for thread in self._threads:
                thread.start()

    def wake(self, task: str) -> None:
        """Let a task be done now, where it is done at all."""
        if task in self._woken:
            self._woken[task].set()

    def stop(self) -> None:
        """Give the lease back, so that another process need not wait for it; tasks under way are left."""
        self._stopping.set()
        for event in self._woken.values():
            event.set()
        if self._threads[0].ident is None:
            return
        self._threads[0].join(STOP_S)
        if self.holds_lease:
            self._held_until = 0.0
            with self._database.engine() as engine:
                release_lease(engine, LEASE, self._holder)
        self._database.close()

    def _hold(self) -> None:
        while True:
            self._renew()
            if self._stopping.wait(self._renew_s):
                return

    def _renew(self) -> None:
        started = time.monotonic()
        try:
            with self._database.engine() as engine:
                is_ours = hold_lease(engine, LEASE, self._holder, seconds=self._lease_s)
                self._held_until = started + self._lease_s if is_ours else 0.0
                self._is_elsewhere = not is_ours
                with engine.connect() as connection:
                    self._switch = automation_switch(connection)
        except Exception as error:  # the database may go away at any time
            self._say(_one_line(error))
        else:
            self._say(None)
        self._metrics.automation_is_on.set(self.state.is_on)
        self._metrics.automation_is_here.set(self.holds_lease)
        self._metrics.automation_hanging_tasks.set(sum(task.hangs for task in self._tasks.values()))

    def _say(self, error: str | None) -> None:
        if error is not None and self._error is None:
            log.warning("automation waits for the race database: %s", error)
        self._error = error

    def _repeat(self, task: PeriodicTask) -> None:
        woken = self._woken[task.name]
        while not self._stopping.is_set():
            if task.everywhere:
                self._do(task)
            elif self.holds_lease:
                with self._turn:
                    if self.holds_lease and not self._stopping.is_set():
                        self._do(task)
            woken.wait(task.every_s if task.everywhere or self.holds_lease else self._renew_s / 4)
            woken.clear()

    def _do(self, task: PeriodicTask) -> None:
        before, started = self._tasks[task.name], time.monotonic()
        self._tasks[task.name] = replace(before, running_since=started)
        try:
            with self._database.engine() as engine:
                task.run(engine)
        except Exception as error:  # a task may fail in any way, and is done again
            text = _one_line(error)
            is_away = isinstance(error, DatabaseUnavailable)  # the renewal of the lease reports it
            if text != before.error and not is_away and not self._stopping.is_set():
                log.error("automation: %s failed: %s", task.name, text)
            self._metrics.automation_failures.labels(task.name).inc()
            after = replace(before, error=text, n_failures=before.n_failures + 1, running_since=None)
        else:
            took_ms = round(1000 * (time.monotonic() - started), 3)
            after = replace(
                before, last_run=datetime.now(UTC), took_ms=took_ms, error=None, running_since=None
            )
        self._tasks[task.name] = after


class _Turn:
    """Lets one task run at a time: together they take no more of the interpreter than one.

    Nobody waits longer than some seconds for one that hangs.
    """

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._condition = threading.Condition()
        self._since: dict[int, float] = {}

    def __enter__(self) -> None:
        with self._condition:
            while self._since and time.monotonic() - max(self._since.values()) < self._longest_s:
                self._condition.wait(1.0)
            self._since[threading.get_ident()] = time.monotonic()

    def __exit__(self, *_: object) -> None:
        with self._condition:
            self._since.pop(threading.get_ident(), None)
            self._condition.notify_all()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
