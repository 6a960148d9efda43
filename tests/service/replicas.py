"""The service as processes of its own, on free ports, gone afterwards."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.model_registry.mlflow_process import free_port
from tests.service.builders import RunningService

SERVE = [sys.executable, "-c", "from greyhound.cli import main; main()", "serve"]


@dataclass(frozen=True)
class ServiceProcess(RunningService):
    """A service in a process of its own."""

    process: subprocess.Popen[bytes]

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Tell it to stop, and wait until it has."""
        self.process.send_signal(number)
        self.process.wait(20)


@contextmanager
def service_process(
    registry: str, folder: Path, *, wait_for: str = "/health/live", **settings: str
) -> Iterator["ServiceProcess"]:
    """`greyhound serve` in a folder, once it answers; settings as in the environment, without the prefix."""
    values = {
        "database": f"sqlite:///{folder}/none.db",
        "champion_poll_s": "0.1",
        "retry_s": "0.2",
    } | settings
    environment = {f"GREYHOUND_{name.upper()}": value for name, value in values.items()}
    with _process(registry, folder, environment) as (process, url), httpx.Client(base_url=url) as client:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            try:
                if client.get(wait_for).status_code == 200:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        yield ServiceProcess(url, client, process)


@contextmanager
def service_processes(n: int, registry: str, folder: Path, **settings: str) -> Iterator[list[ServiceProcess]]:
    """Several of them on one registry, each with a folder of its own."""
    with ExitStack() as stack:
        folders = [folder / f"service-{i}" for i in range(n)]
        for path in folders:
            path.mkdir()
        yield [
            stack.enter_context(service_process(registry, path, wait_for="/health/ready", **settings))
            for path in folders
        ]


@contextmanager
def _process(
    registry: str, folder: Path, environment: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*SERVE, "--port", str(port), "--registry", registry],
            env=os.environ | environment,
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
