"""Several workers on one socket: each is a process, and one that dies is replaced."""

import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

log = logging.getLogger("greyhound.service")

SOUND_AFTER_S = 10.0  # a worker that lived for so long did not die of its start
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0
_TOLD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass
class _Place:
    """One worker's place: who holds it, or from when it is to be filled."""

    pid: int | None = None
    since: float = 0.0
    due: float = 0.0
    n_early_deaths: int = 0


class Supervisor:
    """Keeps a number of workers at work, and ends with them.

    Workers are forked from this process, which has imported everything and opened nothing: a new one answers
    within a fraction of a second, and the modules lie in memory once. All accept from the same socket, so a
    connection that waits to be accepted survives the death of any worker.

    Every worker holds one end of a pipe whose other end is here: whatever way this process goes, the pipe
    closes, and the workers end as if told by SIGTERM.

    Parameters
    ----------
    work
        What a worker does, until SIGTERM; it gets the socket.
    listening
        The socket. It is closed before the workers are told to end, so that nobody knocks in vain.
    n_workers
        How many workers.
    patience_s
        How long they may take to end; then they are killed.
    """

    def __init__(
        self,
        work: Callable[[socket.socket], None],
        listening: socket.socket,
        n_workers: int,
        *,
        patience_s: float,
    ) -> None:
        self._work = work
        self._listening = listening
        self._places = [_Place() for _ in range(n_workers)]
        self._patience_s = patience_s
        self._lifeline, self._held_end = os.pipe()
        self._wake, self._waker = os.pipe()
        self._told: list[int] = []

    def run(self) -> None:
        """Supervise until SIGTERM or Ctrl-C."""
        self._listen_to_signals()
        while not self._told:
            self._fill_places()
            self._sleep()
            self._bury()
        self._end()

    def _listen_to_signals(self) -> None:
        for end in (self._wake, self._waker):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for sig in _TOLD:
            signal.signal(sig, lambda sig, _: self._told.append(sig))

    def _fill_places(self) -> None:
        now = time.monotonic()
        for place in self._places:
            if place.pid is None and now >= place.due:
                place.pid, place.since = self._fork(), now

    def _sleep(self) -> None:
        """Sleep until a signal, or until a place is to be filled."""
        due = [place.due for place in self._places if place.pid is None]
        timeout = max(0.0, min(due) - time.monotonic()) if due else None
        with suppress(BlockingIOError):
            if select.select([self._wake], [], [], timeout)[0]:
                os.read(self._wake, 4096)

    def _bury(self) -> None:
        """Note who has died, and when the place is filled again: at once, but later if it dies at once."""
        now = time.monotonic()
        for place in self._places:
            if place.pid is None or (death := _death_of(place.pid)) is None:
                continue
            place.n_early_deaths = place.n_early_deaths + 1 if now - place.since < SOUND_AFTER_S else 0
            pause = _pause_after(place.n_early_deaths)
            log.warning("worker %d has ended (%s); the next one starts in %.1f s", place.pid, death, pause)
            place.pid, place.due = None, now + pause

    def _end(self) -> None:
        self._listening.close()
        self._send(signal.SIGTERM)
        deadline = time.monotonic() + self._patience_s
        while (left := self._living()) and time.monotonic() < deadline:
            self._told.clear()
            with suppress(BlockingIOError):
                if select.select([self._wake], [], [], 0.1)[0]:
                    os.read(self._wake, 4096)
            if signal.SIGINT in self._told:  # Ctrl-C again: no more patience
                break
        if left:
            log.error("%d worker(s) did not end in time and are killed", len(left))
            self._send(signal.SIGKILL)
            while self._living():
                time.sleep(0.01)

    def _living(self) -> list[int]:
        for place in self._places:
            if place.pid is not None and _death_of(place.pid) is not None:
                place.pid = None
        return [place.pid for place in self._places if place.pid is not None]

    def _send(self, sig: signal.Signals) -> None:
        for pid in self._living():
            with suppress(ProcessLookupError):
                os.kill(pid, sig)

    def _fork(self) -> int:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()  # or the worker would write it again
        pid = os.fork()
        if pid == 0:
            self._be_worker()
        return pid

    def _be_worker(self) -> NoReturn:
        exit_code = 1
        try:
            signal.set_wakeup_fd(-1)
            for sig in (signal.SIGCHLD, *_TOLD):
                signal.signal(sig, signal.SIG_DFL)
            for end in (self._held_end, self._wake, self._waker):
                os.close(end)
            threading.Thread(target=_follow, args=(self._lifeline,), name="lifeline", daemon=True).start()
            self._work(self._listening)
            exit_code = 0
        except BaseException:
            log.exception("the worker failed")
        finally:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    stream.flush()
            os._exit(exit_code)  # never back into what the supervisor was doing


def _follow(lifeline: int) -> None:
    """End as told by SIGTERM when the supervisor is gone."""
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
    """Return how long to wait: not at all after a sound life or a first early death, then ever longer."""
    if n_early_deaths < 2:
        return 0.0
    return min(FIRST_PAUSE_S * 2.0 ** min(n_early_deaths - 2, 20), LONGEST_PAUSE_S)
