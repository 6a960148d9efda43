"""``greyhound up`` as a person runs it: what is there is served and shown, and both end together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.ports import free_port
from tests.service.builders import make_registry

GREYHOUND = [sys.executable, "-m", "greyhound"]


@dataclass(frozen=True)
class Up:
    """The started command, and where it serves and shows."""

    process: subprocess.Popen[str]
    service: str
    pages: str


@contextmanager
def up(folder: Path) -> Iterator[Up]:
    ports = [free_port(), free_port()]
    registry, database = make_registry(folder), f"sqlite:///{folder}/races.db"
    simulated = [*GREYHOUND, "simulate", "--races", "40", "--from", "2026-01-01", "--until", "2026-01-10"]
    subprocess.run([*simulated, "--database", database], check=True, capture_output=True)
    options = ["--port", str(ports[0]), "--frontend-port", str(ports[1]), "--database", database]
    process = subprocess.Popen(
        [*GREYHOUND, "up", *options, "--registry", registry],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Up(process, *(f"http://127.0.0.1:{port}" for port in ports))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=10).status_code == 200
    except httpx.TransportError:
        return False


def wait_until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_it_serves_and_shows_what_is_there_and_leaves_no_process(tmp_path: Path, number: int) -> None:
    with up(tmp_path) as started:
        wait_until(lambda: answers(f"{started.service}/health/ready") and answers(started.pages))
        assert "Version 1 serves" in httpx.get(started.pages).text
        os.kill(started.process.pid, number)
        told = started.process.communicate(timeout=60)[0]
        assert started.process.returncode == (-number if number == signal.SIGKILL else 0)
        wait_until(lambda: not answers(f"{started.pages}/health"))
    assert started.pages.replace("127.0.0.1", "localhost") in told
    assert "SIMULATED" not in told  # the season was there
