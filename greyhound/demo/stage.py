"""Where the demo happens: a folder with a season, a registry and a key, and a real service beside it."""

import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from greyhound_client import GreyhoundClient, Unreachable
from racing.database.engine import open_database
from service.security.api_keys import add_key

START_S = 300.0  # a busy computer takes minutes; a process that ends is noticed at once
STOP_S = 30.0

SETTINGS = {
    "GREYHOUND_CHAMPION_POLL_S": "0.3",
    "GREYHOUND_EXPERIMENTS_POLL_S": "0.3",
    "GREYHOUND_DATABASE_POLL_S": "0.3",
    "GREYHOUND_LOG_INTERVAL_S": "0.2",
    "GREYHOUND_GUARD_POLL_S": "0.5",
    "GREYHOUND_INPUTS_INTERVAL_S": "0.1",
    "GREYHOUND_MONITOR_EVERY_S": "5",
    "GREYHOUND_PROBATION": "false",
    "OMP_NUM_THREADS": "1",
}
"""A day passes in seconds here, so everything follows within a second or two."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The demo's folder, and what lies in it."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of the service, beside those of a day that passes in seconds."""

    @property
    def database(self) -> str:
        """URL of the race database."""
        return f"sqlite:///{self.folder / 'greyhound.db'}"

    @property
    def registry(self) -> str:
        """URI of the registry."""
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    @property
    def outcome(self) -> Path:
        """File that says what came of the story, once it is over."""
        return self.folder / "outcome.json"

    @contextmanager
    def service(self, port: int = 0, *, needs_champion: bool = True) -> Iterator[GreyhoundClient]:
        """Start the service, and yield a client of it once it serves; it is stopped at the end.

        Its key may promote and send races, prices and results.
        """
        port = port or _free_port()
        engine = open_database(self.database)
        name = f"demo of {dt.datetime.now(dt.UTC):%F %T.%f}"  # a folder may be served again
        _, key = add_key(engine, name, ("promote", "results"))
        engine.dispose()
        where = ("--port", str(port), "--database", self.database, "--registry", self.registry)
        with (
            self._running("serve", *where) as process,
            GreyhoundClient(f"http://127.0.0.1:{port}", api_key=key) as client,
        ):
            is_up = partial(_serves, client) if needs_champion else partial(_accepts, port)
            _wait_until_up(process, is_up, f"{self.folder / 'serve.log'} says why")
            yield client

    @contextmanager
    def pages(self, service: str, port: int = 0) -> Iterator[str]:
        """Show a service in the browser, and yield the address; it is stopped at the end."""
        port = port or _free_port()
        with self._running("frontend", "--service", service, "--port", str(port)) as process:
            log = self.folder / "frontend.log"
            _wait_until_up(process, lambda: _accepts(port), f"{log} says why")
            yield f"http://localhost:{port}"

    @contextmanager
    def _running(self, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Run a command of ours beside this one, in a group of its own: Ctrl-C is for this process alone.

        It ends with this process, however that ends: the pipe that it reads closes then.
        """
        with (self.folder / f"{arguments[0]}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "greyhound", *arguments, "--until-stdin-closes"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self._environment(),
                process_group=0,
            )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin is not None:
                process.stdin.close()

    def _environment(self) -> Mapping[str, str]:
        folders = {
            "GREYHOUND_SPOOL": str(self.folder / "spool"),
            "GREYHOUND_KEPT_CHAMPION": str(self.folder / "champion"),
        }
        ours = {name: value for name, value in os.environ.items() if not name.startswith("GREYHOUND_")}
        return ours | SETTINGS | folders | dict(self.settings)


def _wait_until_up(process: "subprocess.Popen[bytes]", is_up: Callable[[], bool], where: str) -> None:
    def is_up_or_ended() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"a process ended with code {process.returncode}; {where}")
        return is_up()

    wait_until(is_up_or_ended, START_S, "it is up")


def _serves(client: GreyhoundClient) -> bool:
    try:
        return client.model_status().success
    except Unreachable:
        return False


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


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
        time.sleep(0.05)


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end a block as Ctrl-C does, so that it stops what it has started."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
