"""Where the demo happens: a folder with a season, a registry and a key, and a real service beside it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from greyhound_client import GreyhoundClient, Unreachable
from racing.database.engine import open_database
from service.security.api_keys import add_key

START_S = 120.0
STOP_S = 30.0

SETTINGS = {
    "GREYHOUND_CHAMPION_POLL_S": "0.5",
    "GREYHOUND_DATABASE_POLL_S": "0.5",
    "GREYHOUND_LOG_INTERVAL_S": "0.2",
    "GREYHOUND_GUARD_POLL_S": "1",
    "GREYHOUND_PROBATION": "false",
    "OMP_NUM_THREADS": "1",
}
"""A day passes in seconds here, so everything follows within a second."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The demo's folder, and what lies in it."""

    folder: Path

    @property
    def database(self) -> str:
        """URL of the race database."""
        return f"sqlite:///{self.folder / 'greyhound.db'}"

    @property
    def registry(self) -> str:
        """URI of the registry."""
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    def new_key(self) -> str:
        """Return a new key that may change the champion."""
        engine = open_database(self.database)
        _, key = add_key(engine, "demo", ("promote",))
        engine.dispose()
        return key

    def run(self, *arguments: str) -> None:
        """Run a command of ours on the demo's database and registry; its lines go where ours go."""
        where = ("--database", self.database, "--registry", self.registry)
        subprocess.run(
            [sys.executable, "-m", "greyhound", *arguments, *where], check=True, env=self._environment()
        )

    @contextmanager
    def service(self, port: int = 0) -> Iterator[GreyhoundClient]:
        """Start the service, and yield a client of it once it serves; it is stopped at the end."""
        port = port or _free_port()
        command = [sys.executable, "-m", "greyhound", "serve", "--port", str(port)]
        with (self.folder / "service.log").open("w") as log:
            process = subprocess.Popen(
                [*command, "--database", self.database, "--registry", self.registry],
                stdout=log,
                stderr=log,
                env=self._environment(),
                process_group=0,
            )
        try:
            with GreyhoundClient(f"http://127.0.0.1:{port}", api_key=self.new_key()) as client:
                wait_until(lambda: _serves(client, process, log.name), START_S, "the service serves")
                yield client
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _environment(self) -> Mapping[str, str]:
        folders = {
            "GREYHOUND_SPOOL": str(self.folder / "spool"),
            "GREYHOUND_KEPT_CHAMPION": str(self.folder / "champion"),
        }
        return os.environ | SETTINGS | folders


def _serves(client: GreyhoundClient, process: "subprocess.Popen[bytes]", log: str) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"the service ended with code {process.returncode}; {log} says why")
    try:
        return client.model_status().success
    except Unreachable:
        return False


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_until(is_so: Callable[[], object], timeout_s: float, what: str) -> None:
    """Wait until something is so.

    Raises
    ------
    TimeoutError
        If it is not within some seconds; ``what`` says what was waited for.
    """
    until = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {timeout_s:g} s, but it is not so that {what}")
        time.sleep(0.1)
