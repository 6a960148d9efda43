"""``greyhound serve`` as processes of its own, and clients that count what became of each request."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx

SERVE = [sys.executable, "-c", "from greyhound.cli import main; main()", "serve"]


@dataclass
class Serving:
    """A started command, in a process group of its own."""

    process: subprocess.Popen[str]
    port: int
    errors: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def status(self) -> dict[str, Any]:
        """What a worker says of itself, by a connection of its own."""
        answer: dict[str, Any] = httpx.get(f"{self.url}/model_status", timeout=10).json()
        return answer

    def children(self) -> list[int]:
        """The processes that it started and that are there, zombies left out."""
        return [pid for pid in living() if parent_of(pid) == self.process.pid]

    def stderr(self) -> str:
        return self.errors.read_text()


@contextmanager
def serving(
    registry: str,
    folder: Path,
    *options: str,
    is_ready: bool = True,
    stdout: IO[str] | None = None,
    **settings: str,
) -> Iterator[Serving]:
    """A service that is ready, its settings given as ``queue="8"``."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    given = {
        "database": f"sqlite:///{folder}/none.db",
        "registry": registry,
        "kept_champion": "",
        "log_level": "warning",
    } | settings
    named = {f"GREYHOUND_{name.upper()}": value for name, value in given.items()}
    errors = folder / "stderr.txt"
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            [*SERVE, "--port", str(port), *options],
            stdout=stdout or subprocess.DEVNULL,
            stderr=stdout or stderr,
            text=True,
            start_new_session=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"} | named,
        )
    service = Serving(process, port, errors)
    try:
        if is_ready:
            wait_until(lambda: _is_ready(service), seconds=60)
        yield service
    finally:
        for pid in [process.pid, *(pid for pid in living() if group_of(pid) == process.pid)]:
            if process.poll() is None or pid != process.pid:
                os.kill(pid, signal.SIGKILL)
        process.wait()


def _is_ready(service: Serving) -> bool:
    assert service.process.poll() is None, service.stderr()
    try:
        return httpx.get(f"{service.url}/health/ready", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


def wait_until(is_so: Callable[[], Any], *, seconds: float = 10.0) -> Any:
    """Ask until something is so, and return what was said."""
    deadline = time.monotonic() + seconds
    while not (said := is_so()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)
    return said


def living() -> list[int]:
    """Every process that is there, zombies left out."""
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _stat(entry)[0] != "Z"
    ]


def parent_of(pid: int) -> int:
    return int(_stat(Path(f"/proc/{pid}"))[1])


def group_of(pid: int) -> int:
    return int(_stat(Path(f"/proc/{pid}"))[2])


def _stat(entry: Path) -> list[str]:
    """State, parent and group of a process; that of a zombie for one that has gone."""
    try:
        return (entry / "stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return ["Z", "0", "0"]


@dataclass
class Tally:
    """What became of a client's requests."""

    statuses: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """A connection was there, and no whole answer came."""
    n_turned_away: int = 0
    """There was no connection."""


@contextmanager
def clients_at_full_tilt(url: str, n_clients: int, card: dict[str, Any]) -> Iterator[list[Tally]]:
    """Keep-alive clients that ask again as soon as they are answered, until nobody lets them in."""
    stop, tallies = threading.Event(), [Tally() for _ in range(n_clients)]

    def ask(tally: Tally) -> None:
        with httpx.Client(base_url=url, timeout=20, limits=httpx.Limits(keepalive_expiry=600)) as client:
            while not stop.is_set() and tally.n_turned_away < 3:
                start = time.perf_counter()
                try:
                    answer = client.post("/predict", json=card)
                except httpx.ConnectError:
                    tally.n_turned_away += 1
                except httpx.TransportError as error:
                    tally.lost.append(repr(error))
                else:
                    tally.statuses.append(answer.status_code)
                    tally.seconds.append(time.perf_counter() - start)

    threads = [threading.Thread(target=ask, args=(tally,)) for tally in tallies]
    for thread in threads:
        thread.start()
    try:
        yield tallies
    finally:
        stop.set()
        for thread in threads:
            thread.join()
