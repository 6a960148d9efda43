"""``greyhound serve`` as a process of its own: it listens, it ends at a signal, it says why it cannot."""

import json
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.service.builders import make_card, make_registry
from tests.service.living import members_of, wait_until
from tests.service.process import SERVE, service_process


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


@pytest.mark.parametrize("requested", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_soon_after_the_request_in_flight_is_answered(
    registry: str, tmp_path: Path, requested: signal.Signals
) -> None:
    body = json.dumps(make_card()).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    with service_process(registry, tmp_path, imported=None, grace_s="30") as service:
        process = service.process
        with socket.create_connection(("127.0.0.1", service.port), timeout=60) as sock:
            sock.sendall(head.encode() + body[:20])
            time.sleep(1)  # the request is being read
            process.send_signal(requested)
            threading.Timer(0.2, sock.sendall, (body[20:],)).start()
            answer = b"".join(iter(lambda: sock.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
        process.wait(timeout=60)
        assert process.returncode in (0, 130, 143, -requested)
        assert f":{service.port}/docs" in service.output.read_text()
        assert "Traceback" not in service.log.read_text()
        wait_until(lambda: not members_of(process.pid))


def test_a_port_that_is_taken_is_reported_in_one_line(registry: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*SERVE, "--port", str(port), "--registry", registry], capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 4
    assert done.stderr == f"greyhound: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert done.stdout == ""
