"""The service in processes of its own, on a socket that the test holds, and what Prometheus would read."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
from prometheus_client.parser import text_string_to_metric_families

from service.server import open_socket

ROOT = Path(__file__).parents[3]
SERVE = """
import socket, sys
from service.server import run
from service.settings import ServiceSettings
run(ServiceSettings(), socket.socket(fileno=int(sys.argv[1])))
"""
SERVE_WITH_A_BROKEN_ROUTE = """
import socket, sys
import service.server
from service.settings import ServiceSettings
create_app = service.server.create_app
def with_a_broken_route(settings):
    app = create_app(settings)
    @app.get("/broken/{name}")
    async def broken(name: str) -> None:
        raise ZeroDivisionError("postgresql://me:hunter2@db/races is away")
    return app
service.server.create_app = with_a_broken_route
service.server.run(ServiceSettings(), socket.socket(fileno=int(sys.argv[1])))
"""


START_S = 120.0  # a start takes 2 s, and a minute on a machine where ten others run


def start(
    listening: socket.socket, registry: str, stderr: IO[bytes] | int, *, code: str = SERVE, **settings: str
) -> subprocess.Popen[bytes]:
    """Start a process that serves on a socket; settings as in the environment, in small letters."""
    os.set_inheritable(listening.fileno(), True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GREYHOUND_")}
    ours = {"registry": registry, "database": f"sqlite:///{ROOT}/absent/none.db"}
    ours |= {"kept_champion": "", "spool": os.environ["GREYHOUND_SPOOL"]} | settings
    environment |= {f"GREYHOUND_{name.upper()}": value for name, value in ours.items()}
    return subprocess.Popen(
        [sys.executable, "-c", code, str(listening.fileno())],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
        pass_fds=[listening.fileno()],
        stderr=stderr,
    )


@contextmanager
def serving(
    registry: str, stderr: IO[bytes] | int, *, n_workers: int = 1, code: str = SERVE, **settings: str
) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Give the address of a service that is ready, and its processes."""
    with open_socket("127.0.0.1", 0) as listening:
        workers = [start(listening, registry, stderr, code=code, **settings) for _ in range(n_workers)]
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            until(lambda: httpx.get(f"{url}/health/ready", timeout=100).status_code == 200, START_S)
            yield url, workers
        finally:
            for worker in workers:
                worker.send_signal(signal.SIGTERM)
            for worker in workers:
                try:
                    worker.wait(30)
                except subprocess.TimeoutExpired:
                    worker.kill()
                    worker.wait()


def until(is_so: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it has not come to be so"
        time.sleep(0.02)


Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(url: str) -> Samples:
    """Return every sample of ``/metrics``, by its name and labels, as Prometheus would parse them."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(httpx.get(f"{url}/metrics", timeout=60).text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    """Return the sum of the samples of a name that bear some labels; 0 where there are none."""
    wanted = set(labels.items())
    return sum(number for (known, has), number in found.items() if known == name and wanted <= set(has))
