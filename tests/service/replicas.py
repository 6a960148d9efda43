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
) -> Iterator[ServiceProcess]:
    """`greyhound serve` in a folder, once it answers; settings as in the environment, without the prefix."""
    with _started(registry, folder, settings) as service:
        _wait(service, folder, wait_for)
        yield service


@contextmanager
def service_processes(n: int, registry: str, folder: Path, **settings: str) -> Iterator[list[ServiceProcess]]:
    """Several of them on one registry, each with a folder of its own, once all are ready."""
    folders = [folder / f"service-{i}" for i in range(n)]
    with ExitStack() as stack:
        services = []
        for path in folders:
            path.mkdir()
            services.append(stack.enter_context(_started(registry, path, settings)))
        for service, path in zip(services, folders, strict=True):
            _wait(service, path, "/health/ready")
        yield services


@contextmanager
def _started(registry: str, folder: Path, settings: Mapping[str, str]) -> Iterator[ServiceProcess]:
    values = {"database": f"sqlite:///{folder}/none.db", "champion_poll_s": "0.1", "retry_s": "0.2"}
    environment = {f"GREYHOUND_{name.upper()}": value for name, value in {**values, **settings}.items()}
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
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, timeout=20) as client:
            yield ServiceProcess(url, client, process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _wait(service: ServiceProcess, folder: Path, path: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert service.process.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline, (folder / "log").read_text()
        try:
            if service.client.get(path).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
