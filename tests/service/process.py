"""The service as processes of its own, each in its own folder, gone with all its children afterwards."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

from tests.forkserver import ForkedProcess, start_python
from tests.ports import free_port
from tests.service.builders import RunningService
from tests.service.living import SOON_S, children_of, members_of, wait_until

ROOT = Path(__file__).parents[2]
COMMAND = "from greyhound.cli import main; main()"
SERVE = [sys.executable, "-c", COMMAND, "serve"]
Process = ForkedProcess | subprocess.Popen[bytes]
START_S = 120.0  # a start takes 2 s, and a minute on a machine where ten others run


@dataclass(frozen=True)
class ServiceProcess(RunningService):
    """``greyhound serve`` in another process, at the head of a process group."""

    process: Process
    folder: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def log(self) -> Path:
        """What it writes to its standard error."""
        return self.folder / "stderr.txt"

    @property
    def output(self) -> Path:
        """What it writes to its standard output."""
        return self.folder / "stdout.txt"

    def status(self) -> dict[str, Any]:
        """What a worker says of itself, by a connection of its own."""
        answer: dict[str, Any] = httpx.get(f"{self.url}/model_status", timeout=60).json()
        return answer

    def resident_mb(self) -> float:
        """Its resident memory."""
        n_pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return n_pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def children(self) -> list[int]:
        """The processes that it started and that are there, zombies left out."""
        return children_of(self.pid)

    def is_there(self, path: str) -> bool:
        """Whether an address answers with 200; fails if the process has ended."""
        assert self.process.poll() is None, f"{self.process.poll()} {self.log.read_text()}"
        try:
            return httpx.get(f"{self.url}{path}", timeout=60).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell it to end, and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(SOON_S)


@contextmanager
def service_process(
    registry: str,
    folder: Path,
    *options: str,
    wait_for: str = "/health/ready",
    code: str = COMMAND,
    output: IO[bytes] | None = None,
    imported: str | None = "service",
    **settings: str,
) -> Iterator[ServiceProcess]:
    """A service that answers, and works in a folder.

    Parameters
    ----------
    options
        Of the command, such as ``--workers 2``.
    wait_for
        The address that it is to answer with 200 first.
    code
        The program; it calls the command.
    output
        Where its output goes, if not to files in the folder.
    imported
        The fork server that starts it, whose imports it need not repeat; ``None`` for none.
    settings
        As in the environment, in small letters and without the prefix; those set here do not count.
    """
    with _started(registry, folder, options, code, output, settings, imported) as service:
        wait_until(lambda: service.is_there(wait_for), seconds=START_S)
        yield service


@contextmanager
def service_processes(n: int, registry: str, folder: Path, **settings: str) -> Iterator[list[ServiceProcess]]:
    """Several of them on one registry, started together, once all are ready."""
    with ExitStack() as stack:
        services = [
            stack.enter_context(_started(registry, folder / f"service-{i}", (), COMMAND, None, settings))
            for i in range(n)
        ]
        for service in services:
            wait_until(lambda service=service: service.is_there("/health/ready"), seconds=START_S)
        yield services


def start(
    registry: str,
    folder: Path,
    arguments: Sequence[str],
    *,
    code: str = COMMAND,
    output: IO[bytes] | None = None,
    listening: socket.socket | None = None,
    imported: str | None = "service",
    **settings: str,
) -> Process:
    """Start a program that serves, and wait for nothing; ``listening`` is a socket that it inherits."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {"registry": registry, "database": f"sqlite:///{folder}/none.db", "kept_champion": ""}
    values |= {"champion_poll_s": "0.2", "retry_s": "0.2"} | settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GREYHOUND_")}
    environment |= {f"GREYHOUND_{name.upper()}": value for name, value in values.items()}
    with (folder / "stdout.txt").open("wb") as stdout, (folder / "stderr.txt").open("wb") as stderr:
        return start_python(
            code,
            arguments,
            imported=imported,
            cwd=folder,
            env=environment | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            pass_fds=[listening.fileno()] if listening else [],
            stdout=output or stdout,
            stderr=output or stderr,
        )


def end(process: Process) -> None:
    """Let a process end, or end it and whatever is left of its group."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(SOON_S)
    for pid in members_of(process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


@contextmanager
def _started(
    registry: str,
    folder: Path,
    options: Sequence[str],
    code: str,
    output: IO[bytes] | None,
    settings: dict[str, str],
    imported: str | None = "service",
) -> Iterator[ServiceProcess]:
    port = free_port()
    arguments = ["serve", "--port", str(port), *options]
    process = start(registry, folder, arguments, code=code, output=output, imported=imported, **settings)
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, timeout=60) as client:
            yield ServiceProcess(url, client, process, folder)
    finally:
        end(process)
