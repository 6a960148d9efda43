"""Ratings follow results, in a process of their own: replaying history would hold up the answers."""

import logging
import subprocess
import sys
import threading
from contextlib import suppress

log = logging.getLogger("greyhound.service")
STOP_S = 0.5
_UPDATE = """
import os, sys
os.nice(10)
from racing.database.engine import open_database
from racing.ratings import update_ratings
update_ratings(open_database(sys.stdin.readline().strip()))
"""


class RatingsFollower:
    """Starts an update on request; one at a time, and once more if one is requested while it runs."""

    def __init__(self, database: str | None) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._is_wanted = self._is_stopped = False
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None

    def follow(self) -> None:
        """Let the ratings learn from what was imported, soon."""
        with self._lock:
            self._is_wanted = True
            if self._thread is None and not self._is_stopped:
                self._thread = threading.Thread(target=self._run, name="ratings-follower", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End, in the middle if need be; the next update makes up for it."""
        with self._lock:
            self._is_stopped = True
            process, thread = self._process, self._thread
        if process is not None:
            with suppress(OSError):
                process.terminate()
        if thread is not None:
            thread.join(STOP_S)
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._is_stopped or not self._is_wanted:
                    self._thread = None
                    return
                self._is_wanted = False
                self._process = process = subprocess.Popen(
                    [sys.executable, "-c", _UPDATE],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                    process_group=0,  # Ctrl-C is for the service, which ends it
                )
            _, errors = process.communicate(f"{self._database}\n")  # no argument: it may hold a password
            if process.returncode and not self._is_stopped:
                log.error("updating the ratings failed: %s", errors.strip()[-300:])
