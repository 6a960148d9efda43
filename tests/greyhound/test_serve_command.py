"""``greyhound serve`` as a process of its own: it listens, it ends when told to, it says why it cannot."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.service.builders import make_card, make_registry

SERVE = [sys.executable, "-c", "from greyhound.cli import main; main()", "serve"]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


@contextmanager
def serving(registry: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A service that is ready, in a process group of its own, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ["--port", str(port), "--registry", registry, "--database", f"sqlite:///{folder}/none.db"]
    process = subprocess.Popen(
        [*SERVE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            try:
                if httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.05)
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_soon_after_the_request_in_flight_is_answered(
    registry: str, tmp_path: Path, asked: signal.Signals
) -> None:
    body = json.dumps(make_card()).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    with serving(registry, tmp_path) as (process, port):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
            sock.sendall(head.encode() + body[:20])
            time.sleep(0.3)  # the request is being read
            process.send_signal(asked)
            threading.Timer(0.5, sock.sendall, (body[20:],)).start()
            answer = b"".join(iter(lambda: sock.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
        start = time.monotonic()
        stdout, stderr = process.communicate(timeout=20)
        assert time.monotonic() - start < 3
        assert process.returncode in (0, 130, 143, -asked)
        assert f":{port}/docs" in stdout
        assert "Traceback" not in stderr
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)


def test_a_port_that_is_taken_is_told_in_one_line(registry: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*SERVE, "--port", str(port), "--registry", registry], capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 4
    assert done.stderr == f"greyhound: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert done.stdout == ""
