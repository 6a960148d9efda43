"""Lines on their way to standard error: a slow or absent reader of it stops no request."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable

_EVERY_S = 0.1
_CHUNK = 4096  # a pipe takes so much whole (PIPE_BUF), so that lines of several workers do not mix
_RETRY_S = 0.05


class LineWriter:
    """Takes lines at once, and writes them from a thread of its own, some at a time.

    Parameters
    ----------
    fd
        Where to: a file descriptor, 2 for standard error.
    max_lines
        How many may wait; more are dropped and counted.
    on_dropped
        Called with the number of dropped lines, once there is room again.
    """

    def __init__(self, fd: int, *, on_dropped: Callable[[int], object], max_lines: int = 10_000) -> None:
        self.n_dropped = 0
        self._n_reported = 0
        self._fd = fd
        self._on_dropped = on_dropped
        self._max_lines = max_lines
        self._lines: deque[bytes] = deque()
        self._wake = threading.Event()
        self._is_closed = False
        self._n_unwritten = 0
        self._thread = threading.Thread(target=self._run, name="log-lines", daemon=True)
        self._thread.start()

    def put(self, line: str, *, at_once: bool = False) -> None:
        """Take a line; it is written within a tenth of a second, or soon after if it is wanted at once."""
        if len(self._lines) >= self._max_lines:
            self.n_dropped += 1
            return
        self._lines.append(line.encode("utf-8", "backslashreplace"))
        if at_once:
            self._wake.set()

    def flush(self, timeout_s: float = 1.0) -> bool:
        """Wait until all lines are written, and return whether they are."""
        end = time.monotonic() + timeout_s
        while self._lines or self._n_unwritten:
            if time.monotonic() > end or not self._thread.is_alive():
                return False
            self._wake.set()
            time.sleep(0.002)
        return True

    def close(self, timeout_s: float = 1.0) -> None:
        """Write what is left, but wait no longer than this for a reader."""
        self.flush(timeout_s)
        self._is_closed = True
        self._wake.set()

    def _run(self) -> None:
        while not self._is_closed:
            self._wake.wait(_EVERY_S)
            self._wake.clear()
            while self._lines:
                self._write(self._chunk())
                self._n_unwritten = 0
            if self.n_dropped > self._n_reported:
                n, self._n_reported = self.n_dropped - self._n_reported, self.n_dropped
                self._on_dropped(n)

    def _chunk(self) -> bytes:
        """Take as many whole lines as are written at once, at least one."""
        lines = self._lines
        taken = [lines.popleft()]
        self._n_unwritten = size = len(taken[0])
        while lines and (size := size + len(lines[0])) <= _CHUNK:
            taken.append(lines.popleft())
        return b"".join(taken)

    def _write(self, chunk: bytes) -> None:
        while chunk and not self._is_closed:
            try:
                chunk = chunk[os.write(self._fd, chunk) :]
            except BlockingIOError:
                time.sleep(_RETRY_S)
            except OSError:  # the reader is gone
                self.n_dropped += chunk.count(b"\n")
                return
