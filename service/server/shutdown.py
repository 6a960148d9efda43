"""How far the shutdown of a service has come, and a way out of a process in which something hangs."""

import os
import sys
import threading
from contextlib import suppress


class ShutdownState:
    """The steps of a shutdown: not ready first, then closing."""

    def __init__(self) -> None:
        self.has_begun = False
        """It is not ready any more, so that load balancers go elsewhere; requests are answered as before."""
        self.is_closing = False
        """It accepts no connections, and every answer is the last of its connection."""

    def begin(self) -> None:
        """Be ready no more."""
        self.has_begun = True

    def close(self) -> None:
        """Let every answer be the last of its connection."""
        self.has_begun = self.is_closing = True


def exit_after(seconds: float, *, exit_code: int) -> None:
    """Leave the process in some seconds, whatever still hangs in it."""

    timer = threading.Timer(seconds, leave, kwargs={"exit_code": exit_code})
    timer.daemon = True
    timer.start()


def leave(*, exit_code: int) -> None:
    """Leave the process now, with all of its threads: one that runs a model's graph would abort its end."""
    flush_output()
    os._exit(exit_code)


def flush_output() -> None:
    """Flush standard output and error, which may be full or gone."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
