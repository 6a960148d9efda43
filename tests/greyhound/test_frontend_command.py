"""``greyhound frontend`` as a process of its own."""

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.ports import free_port

FRONTEND = [sys.executable, "-m", "greyhound", "frontend"]


@pytest.mark.parametrize("has_parent", [True, False])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_shows_pages_until_a_signal(number: int, has_parent: bool) -> None:
    port = free_port()
    options = ["--port", str(port), "--service", "http://127.0.0.1:9"]
    process = subprocess.Popen(
        [*FRONTEND, *options, *["--until-stdin-closes"] * has_parent],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None
            assert time.monotonic() < deadline
            try:
                if httpx.get(f"http://127.0.0.1:{port}/health").text == "up\n":
                    break
            except httpx.TransportError:
                time.sleep(0.05)
        process.send_signal(number)
        process.wait(timeout=60)  # with its standard input still open
        reported, stderr = process.communicate()
        assert (process.returncode, stderr) == (0, "")
        assert f"http://localhost:{port}/ shows http://127.0.0.1:9" in reported
    finally:
        process.kill()


def test_a_port_in_use_is_reported_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run([*FRONTEND, "--port", str(port)], capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr == f"greyhound: cannot listen on 127.0.0.1 port {port}: Address already in use\n"


def test_an_address_that_is_none_is_reported_in_one_line() -> None:
    done = subprocess.run(
        [*FRONTEND, "--service", "localhost:8000"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "localhost:8000" in done.stderr
    assert done.stderr.count("\n") == 1


# Of our packages only what the front end's image holds, and none of the libraries for races.
IN_THE_IMAGE = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        package = name.partition(".")[0]
        if package in {"model_registry", "training", "service", "numpy", "sqlalchemy", "sqlmodel"} or (
            package == "racing" and name not in ("racing", "racing.domain", "racing.domain.plain_text")
        ):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from greyhound.cli import main
main(prog_name="greyhound")
"""


def test_what_the_image_holds_is_enough_for_the_command() -> None:
    dockerfile = (Path(__file__).parents[2] / "Dockerfile").read_text(encoding="utf-8")
    stage = dockerfile.partition("AS frontend-build")[2].partition("\nFROM ")[0]
    copied = set(re.findall(r"racing/[\w/]*\w+\.py", stage))
    assert copied == {"racing/__init__.py", "racing/domain/__init__.py", "racing/domain/plain_text.py"}
    for arguments, code, message in (
        (["frontend", "--help"], 0, "Show a service in the browser"),
        (["frontend", "--service", "ftp://h\u00f6st"], 2, "starts with http:// or https://"),
    ):
        command = [sys.executable, "-c", IN_THE_IMAGE, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
        assert message in done.stdout + done.stderr
