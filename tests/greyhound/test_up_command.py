"""``greyhound up`` as a person runs it: what is there is served and shown, and both end together."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from greyhound.cli import main
from tests.ports import free_port
from tests.service.builders import make_registry
from tests.service.living import members_of, wait_until

CARD = {
    "date": "2026-01-11", "track": "Ballarat", "distance_m": 450, "race_number": 4,
    "runners": [{"name": "Anna", "box": 1}, {"name": "Bela", "box": 2}],
}  # fmt: skip
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
    simulated = ["simulate", "--races", "40", "--from", "2026-01-01", "--until", "2026-01-10"]
    assert CliRunner().invoke(main, [*simulated, "--database", database]).exit_code == 0
    options = ["--port", str(ports[0]), "--frontend-port", str(ports[1]), "--database", database]
    process = subprocess.Popen(
        [*GREYHOUND, "up", *options, "--registry", registry],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield Up(process, *(f"http://127.0.0.1:{port}" for port in ports))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def processes_on(port: str) -> list[str]:
    """Return the commands that have a port's number among their arguments, zombies left out."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            lines.append(path.read_bytes())
    return [line.decode() for line in lines if port.encode() in line.split(b"\0")]


def answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=10).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_it_serves_and_shows_what_is_there_and_leaves_no_process(tmp_path: Path, number: int) -> None:
    incoming = tmp_path / "var" / "incoming"
    incoming.mkdir(parents=True)
    (incoming / "cards.json").write_text(json.dumps(CARD))
    with up(tmp_path) as started:
        wait_until(lambda: answers(f"{started.service}/health/ready") and answers(started.pages))
        wait_until(lambda: (incoming / "taken" / "cards.json").exists())
        assert "Version 1 serves" in httpx.get(started.pages).text
        os.kill(started.process.pid, number)
        reported = started.process.communicate(timeout=60)[0]
        assert started.process.returncode == (-number if number == signal.SIGKILL else 0)
        wait_until(lambda: not answers(f"{started.pages}/health"))
    assert started.pages.replace("127.0.0.1", "localhost") in reported
    assert "SIMULATED" not in reported  # the season was there


@contextmanager
def browsing(address: str) -> Iterator[None]:
    """Ask for a page again and again, as a browser that is left open does."""
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            answers(address)

    browsers = [threading.Thread(target=ask) for _ in range(2)]
    for browser in browsers:
        browser.start()
    try:
        yield
    finally:
        is_over.set()
        for browser in browsers:
            browser.join()


def maps_of(pid: int) -> str:
    """The files that a process has mapped."""
    return Path(f"/proc/{pid}/maps").read_text()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc to see processes")
@pytest.mark.parametrize("when", ["at once", "while it starts", "while it serves"])
def test_ctrl_c_in_a_terminal_ends_it_without_a_word_too_many(tmp_path: Path, when: str) -> None:
    with up(tmp_path) as started:
        port = started.pages.rpartition(":")[2]
        if when == "at once":
            wait_until(lambda: "up" in " ".join(processes_on(port)).split("\0"))
            wait_until(
                lambda: "pydantic_core" in maps_of(started.process.pid)
            )  # the command is at its imports
        elif when == "while it starts":
            wait_until(lambda: len(processes_on(port)) == 2)  # the pages' process has just begun
        else:
            wait_until(lambda: answers(f"{started.service}/health/ready") and answers(started.pages))
        with browsing(started.pages):
            os.killpg(started.process.pid, signal.SIGINT)  # to all of its group, as a terminal sends it
            _, stderr = started.process.communicate(timeout=60)
        assert started.process.returncode in ((0,) if when == "while it serves" else (0, 130)), stderr
        lines = [line for line in stderr.splitlines() if line and line[0] != "{"]  # the log's lines are JSON
        assert lines == (["greyhound: interrupted"] if started.process.returncode == 130 else []), stderr
        assert "Traceback" not in stderr
        wait_until(lambda: not members_of(started.process.pid))
        wait_until(lambda: not processes_on(port))
        for address in (started.service, started.pages):
            socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))).close()
