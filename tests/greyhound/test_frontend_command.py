"""``greyhound frontend`` as a process of its own."""

import signal
import socket
import subprocess
import sys
import time

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
