"""Worker processes on one socket, and a supervisor that replaces those that die.

**Guarantee** (``tests/service/test_workers.py``): a worker that is killed is replaced at once, and fails only
the requests that it was answering; at SIGTERM workers lose no request and the supervisor ends in time;
workers end when their supervisor is killed; one that dies at its start again and again is started ever more
rarely.

``uvicorn.supervisors.Multiprocess`` was tried on that test. It starts workers by spawn, so a new one imports
everything anew (seconds instead of a tenth, and no shared memory); it looks every half second; it leaves the
socket open while workers end, so that connections which wait to be accepted are lost; it waits for ever for a
worker that hangs; workers outlive a supervisor that is killed. What would be left of it in a subclass is the
list of processes. multiprocessing's own ``Process`` flushes standard output before each fork, which raises on
a full disk (``tests/service/test_stopping.py``); hence ``os.fork``.
"""

import logging
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from service.server.shutdown import flush_output

log = logging.getLogger("greyhound.service")

SOUND_AFTER_S = 10.0  # a worker that lived for so long did not die of its start
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass
class _Slot:
    """A worker, or the moment from which on the next one is started (by the monotonic clock)."""

    pid: int | None = None
    since: float = 0.0
    due: float = 0.0
    n_early_deaths: int = 0


class Supervisor:
    """Runs a number of workers until SIGTERM, and ends with them.

    Workers are forked from this process, which has imported everything and opened nothing: a new one answers
    within a fraction of a second, and the modules lie in memory once. All accept from the same socket, so a
    connection that waits to be accepted survives the death of any worker.

    Every worker holds one end of a pipe whose other end is here: however this process ends, the pipe closes,
    and the workers end as after SIGTERM.

    Parameters
    ----------
    work
        What a worker does until SIGTERM; it gets the socket.
    listening
        The socket. It is closed before the workers are stopped, so that no connection is left unaccepted.
    n_workers
        How many workers.
    shutdown_s
        Seconds that workers have to end; then they are killed.
    """

    def __init__(
        self,
        work: Callable[[socket.socket], None],
        listening: socket.socket,
        n_workers: int,
        *,
        shutdown_s: float,
    ) -> None:
        self._work = work
        self._listening = listening
        self._slots = [_Slot() for _ in range(n_workers)]
        self._shutdown_s = shutdown_s
        self._lifeline, self._held_end = os.pipe()
        self._wake, self._waker = os.pipe()
        self._signals: list[int] = []

    def run(self) -> None:
        """Supervise until SIGTERM or Ctrl-C."""
        for end in (self._wake, self._waker):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for sig in _SIGNALS:
            signal.signal(sig, lambda sig, _: self._signals.append(sig))
        while not self._signals:
            self._start_due_workers()
            due = [slot.due for slot in self._slots if slot.pid is None]
            self._sleep(max(0.0, min(due) - time.monotonic()) if due else None)
            self._schedule_replacements()
        self._end()

    def _start_due_workers(self) -> None:
        now = time.monotonic()
        for slot in self._slots:
            if slot.pid is None and now >= slot.due:
                slot.pid, slot.since = self._fork(), now

    def _sleep(self, seconds: float | None) -> None:
        """Sleep until a signal, but no longer than this."""
        with suppress(BlockingIOError):
            if select.select([self._wake], [], [], seconds)[0]:
                os.read(self._wake, 4096)

    def _schedule_replacements(self) -> None:
        """Replace dead workers: at once, but later and later those that die early."""
        now = time.monotonic()
        for slot in self._slots:
            if slot.pid is None or (death := _death_of(slot.pid)) is None:
                continue
            slot.n_early_deaths = slot.n_early_deaths + 1 if now - slot.since < SOUND_AFTER_S else 0
            pause = _pause_after(slot.n_early_deaths)
            log.warning("worker %d has ended (%s); the next one starts in %.1f s", slot.pid, death, pause)
            slot.pid, slot.due = None, now + pause

    def _end(self) -> None:
        self._listening.close()
        self._send(signal.SIGTERM)
        deadline = time.monotonic() + self._shutdown_s
        while (left := self._living()) and time.monotonic() < deadline:
            self._signals.clear()
            self._sleep(0.1)
            if signal.SIGINT in self._signals:  # Ctrl-C again: wait no longer
                break
        if left:
            log.error("%d worker(s) did not end in time and are killed", len(left))
            self._send(signal.SIGKILL)
            while self._living():
                time.sleep(0.01)

    def _living(self) -> list[int]:
        for slot in self._slots:
            if slot.pid is not None and _death_of(slot.pid) is not None:
                slot.pid = None
        return [slot.pid for slot in self._slots if slot.pid is not None]

    def _send(self, sig: signal.Signals) -> None:
        for pid in self._living():
            with suppress(ProcessLookupError):
                os.kill(pid, sig)

    def _fork(self) -> int:
        flush_output()  # or the worker would write it again
        pid = os.fork()
        if pid == 0:
            self._run_worker()
        return pid

    def _run_worker(self) -> NoReturn:
        exit_code = 1
        try:
            signal.set_wakeup_fd(-1)
            for sig in (signal.SIGCHLD, *_SIGNALS):
                signal.signal(sig, signal.SIG_DFL)
            for end in (self._held_end, self._wake, self._waker):
                os.close(end)
            threading.Thread(target=_end_with, args=(self._lifeline,), name="lifeline", daemon=True).start()
            self._work(self._listening)
            exit_code = 0
        except BaseException:
            log.exception("the worker failed")
        finally:
            flush_output()
            os._exit(exit_code)  # never back into the supervisor's frames


def _end_with(lifeline: int) -> None:
    """Send this process SIGTERM when its supervisor is gone."""
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _death_of(pid: int) -> str | None:
    """Return how a worker ended; None while it lives."""
    found, status = os.waitpid(pid, os.WNOHANG)
    if not found:
        return None
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _pause_after(n_early_deaths: int) -> float:
    """Return the seconds until the next start: 0 unless it died early at least twice, then ever more."""
    if n_early_deaths < 2:
        return 0.0
    return min(FIRST_PAUSE_S * 2.0 ** min(n_early_deaths - 2, 20), LONGEST_PAUSE_S)
