"""Strangers who are silent, slow, greedy or many: a page is there for everybody else all the same."""

import re
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from frontend.http import connections
from frontend.http.connections import MAX_BODIES_BYTES, MAX_CONNECTIONS, MAX_HEAD_BYTES, server_of
from frontend.http.security import MAX_BODY_BYTES
from tests.frontend.builders import close, running_front_end
from tests.service.living import wait_until

MIB = 1024 * 1024
POST = b"POST /race/change HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"


class FrontEnd:
    """The command in a process of its own, whose memory can be looked at."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        found = re.search(r":(\d+)/", process.stdout.readline())
        assert found is not None
        self.process = process
        self.port = int(found[1])

    def connected(self) -> socket.socket:
        """Return a connection."""
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.settimeout(60)
        return connection

    def shows_pages(self) -> bool:
        """Ask for a page as a browser would, which comes anew."""
        answer = httpx.get(f"http://127.0.0.1:{self.port}/static/style.css", timeout=60)
        return answer.status_code == 200

    def peak_mib(self) -> float:
        """Return the most memory that it had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+)", status)
        assert found is not None
        return int(found[1]) / 1024


@pytest.fixture(scope="module")
def front_end() -> Iterator[FrontEnd]:
    program = "from greyhound.cli import main; main()"
    command = [sys.executable, "-c", program, "frontend", "--port", "0", "--service", "http://127.0.0.1:9"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield FrontEnd(process)
        finally:
            process.kill()


def test_more_silent_connections_than_there_may_be_keep_nobody_out(front_end: FrontEnd) -> None:
    assert front_end.shows_pages()
    with ExitStack() as silent:
        for _ in range(MAX_CONNECTIONS + 100):
            silent.enter_context(front_end.connected())
        assert front_end.shows_pages()
        for _ in range(MAX_CONNECTIONS):
            connection = silent.enter_context(front_end.connected())
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 1000)
        assert front_end.shows_pages()


def test_a_head_has_an_end(front_end: FrontEnd) -> None:
    with front_end.connected() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * MAX_HEAD_BYTES)
        assert connection.recv(100).startswith(b"HTTP/1.0 431 ")


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_before_it_is_held(front_end: FrontEnd, is_chunked: bool) -> None:
    head = b"Transfer-Encoding: chunked\r\n\r\n" if is_chunked else b"Content-Length: 100000000\r\n\r\n"
    piece = b"100000\r\n" + b"a" * MIB + b"\r\n" if is_chunked else b"a" * MIB
    before_mib = front_end.peak_mib()
    with front_end.connected() as connection:
        connection.sendall(POST + head)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            deque(map(connection.sendall, [piece] * 100), maxlen=0)
    assert front_end.peak_mib() - before_mib < 20
    assert front_end.shows_pages()


def test_all_bodies_together_have_a_bound_and_pages_are_shown_meanwhile(front_end: FrontEnd) -> None:
    before_mib = front_end.peak_mib()
    n_bodies = 2 * MAX_BODIES_BYTES // MAX_BODY_BYTES
    with ExitStack() as bodies:
        opened = [bodies.enter_context(front_end.connected()) for _ in range(n_bodies)]
        for connection in opened:
            try:
                connection.sendall(POST + b"Content-Length: %d\r\n\r\n" % MAX_BODY_BYTES)
                connection.sendall(b"a" * (MAX_BODY_BYTES - 1))
            except OSError:  # it was reported already
                pass
        assert front_end.shows_pages()
        refused: set[socket.socket] = set()

        def are_some_refused() -> bool:
            unanswered = [connection for connection in opened if connection not in refused]
            refused.update(one for one in unanswered if _answer_if_any(one).startswith(b"HTTP/1.1 503 "))
            return len(refused) >= 2

        wait_until(are_some_refused)
        assert len(refused) < n_bodies
    assert front_end.peak_mib() - before_mib < 2 * MAX_BODIES_BYTES / MIB
    assert front_end.shows_pages()


def test_who_sends_many_requests_and_reads_no_answer_gets_one_and_holds_no_thread(
    front_end: FrontEnd,
) -> None:
    before_mib = front_end.peak_mib()
    with ExitStack() as unread:
        for _ in range(20):
            connection = unread.enter_context(front_end.connected())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(b"GET /race HTTP/1.1\r\nHost: a\r\n\r\n" * 200)
        assert front_end.shows_pages()
    with front_end.connected() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
        answers = b"".join(iter(lambda: connection.recv(MIB), b""))
        assert answers.count(b"HTTP/1.1 200 ") == 1
        assert b"Connection: close" in answers
    assert front_end.peak_mib() - before_mib < 30


def test_what_is_waited_for_too_long_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEAD_S", "BODY_S", "TAKE_S"):
        monkeypatch.setattr(connections, name, 0.2)
    with running_front_end("http://127.0.0.1:9") as url:
        port = int(url.rpartition(":")[2])
        for sent in (b"", b"GET / HT", POST + b"Content-Length: 9\r\n\r\na", b"GET /health HTTP/1.1\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                connection.sendall(sent)
                while connection.recv(4096):  # an answer may come; then the end must
                    pass


def test_an_answer_that_nobody_takes_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "TAKE_S", 0.2)

    def large(_environ: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [("Content-Length", str(40 * MIB))])
        return [bytes(40 * MIB)]

    with serving(large) as server:
        address = ("127.0.0.1", int(server.effective_port))
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_until(lambda: len(server.active_channels) == 1)
            wait_until(lambda: not server.active_channels)


def test_a_page_that_took_long_is_not_held_against_its_visitor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 1.0)
    overdue: list[bool] = []

    def slow(_environ: dict[str, Any], start: Any) -> list[bytes]:
        time.sleep(1.2)
        start("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    with serving(slow) as server:

        def look() -> None:  # as the loop may, at once after an answer
            overdue.extend(one.is_overdue(time.monotonic()) for one in server.active_channels.values())

        monkeypatch.setattr(server, "pull_trigger", look)
        with httpx.Client(timeout=60) as client:
            assert client.get(f"http://127.0.0.1:{server.effective_port}").text == "ok"
        wait_until(lambda: overdue)
        monkeypatch.undo()
    assert not any(overdue)


def test_a_request_that_waited_too_long_for_a_thread_is_reported_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "QUEUE_S", -1.0)
    with running_front_end("http://127.0.0.1:9") as url:
        answer = httpx.get(f"{url}/health")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "too many pages are requested" in answer.text


@contextmanager
def serving(app: Any) -> Iterator[Any]:
    """Another app under the same server, with one thread."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = server_of(app, listening, threads=1)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        yield server
        server.trigger.pull_trigger(lambda: close(server))
        thread.join(timeout=60)


def _answer_if_any(connection: socket.socket) -> bytes:
    connection.settimeout(0.05)
    try:
        return connection.recv(4096)
    except OSError:
        return b""
