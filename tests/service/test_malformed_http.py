"""What no honest client sends, through raw sockets: no 5xx, no trace in the log, all others are answered."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.service.builders import RunningService, make_card, make_registry, running_service

POST = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
END = b"Connection: close\r\n\r\n"
SLOW_S = 1.0
TIMEOUTS = {"header_timeout_s": SLOW_S, "body_timeout_s": SLOW_S, "keep_alive_s": 4}

REFUSED = {
    "nothing but bytes": bytes(range(256)) * 20,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /health/live\r\nHost: x\r\n\r\n"[:17] + b"HTTP/9.9\r\n\r\n",
    "a method that is none": b"FOO /predict HTTP/1.1\r\nHost: x\r\n" + END,
    "CONNECT": b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "bare line feeds": GET.replace(b"\r\n", b"\n") + b"\n",
    "a header without a colon": GET + b"nonsense\r\n" + END,
    "a header with a null": GET + b"X: a\x00b\r\n" + END,
    "a space before the colon": GET + b"Content-Length : 5\r\n" + END,
    "a folded header": GET + b"X: a\r\n b: c\r\n\x01" + END,
    "a path that is not ASCII": b"GET /models/\xff\xfe HTTP/1.1\r\nHost: x\r\n" + END,
    "a path of 5 MB": b"GET /" + b"a" * 5_000_000 + b" HTTP/1.1\r\nHost: x\r\n" + END,
    "a header of 20 MB": GET + b"X: " + b"a" * 20_000_000 + b"\r\n" + END,
    "a header without end": GET + b"X: " + b"a" * 2_000_000,
    "200,000 headers": GET + b"X: a\r\n" * 200_000 + END,
    "a negative length": POST + b"Content-Length: -5\r\n\r\n{}",
    "a length of letters": POST + b"Content-Length: two\r\n\r\n{}",
    "a length of 30 digits": POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n{}",
    "a length of a terabyte": POST + b"Content-Length: 1099511627776\r\n\r\n{}",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 5\r\n\r\n{}",
    "a length and chunks": POST
    + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a chunk of no length": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a chunk too long": POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "a chunk that is longer than it says": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
    "a body that is cut off": POST + b"Content-Length: 100\r\n\r\n{",
    "a head that is cut off": POST,
    "half a method": b"PO",
    "a body of nothing": POST + END,
    "a gzipped body": POST + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n" + END + b"\x1f\x8b\x08\x00",
    "a key of strange bytes": b"POST /rollback HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n"
    + END,
    "an address with a null": b"GET /models/%00 HTTP/1.1\r\nHost: x\r\n" + END,
    "an address with bad escapes": b"GET /models/%zz%ff%C0%AF HTTP/1.1\r\nHost: x\r\n" + END,
    "a way up": b"GET /models/../../../etc/passwd HTTP/1.1\r\nHost: x\r\n" + END,
    "a question of bad escapes": b"GET /models/x?explain=%zz&&&=&%00 HTTP/1.1\r\nHost: x\r\n" + END,
    "OPTIONS *": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n" + END,
    "a WebSocket": GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "an unknown upgrade": POST + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}",
}


class Heard(logging.Handler):
    """Everything that is logged at error level, or with a trace."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            self.faults.append(f"{record.name}: {record.getMessage()} {record.exc_info}")


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningService, Heard]]:
    """A service with short time-outs, and what it logs."""
    folder: Path = tmp_path_factory.mktemp("registry")
    database = f"sqlite:///{folder}/races.db"
    from racing.database.engine import upgrade

    upgrade(database)
    with running_service(make_registry(folder), **TIMEOUTS, database=database) as service:
        heard = Heard()
        loggers = [logging.getLogger(name) for name in ("", "uvicorn", "uvicorn.error", "greyhound.service")]
        for logger in loggers:
            logger.addHandler(heard)
        yield service, heard
        for logger in loggers:
            logger.removeHandler(heard)


def connect(service: RunningService) -> socket.socket:
    parts = urlsplit(service.url)
    return socket.create_connection((parts.hostname, parts.port), timeout=60)


def send(service: RunningService, *pieces: bytes) -> bytes:
    """Everything that comes back until the service closes, empty if it hangs up on us while we send."""
    with connect(service) as sock:
        try:
            for piece in pieces:
                sock.sendall(piece)
            return b"".join(iter(lambda: sock.recv(65536), b""))
        except (ConnectionResetError, BrokenPipeError):
            return b""


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_without_a_trace_and_the_next_request_is_answered(
    patient: tuple[RunningService, Heard], what: str
) -> None:
    service, heard = patient
    answer = send(service, REFUSED[what])
    statuses = [line.split()[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    # what a WebSocket asks for beside the upgrade, it gets
    allowed = b"2" if what == "a WebSocket" else b"4"
    assert all(status.startswith(allowed) for status in statuses), answer[:300]
    assert heard.faults == []
    assert service.predict(make_card()).status_code == 200


def test_pipelined_requests_are_answered_in_their_order(patient: tuple[RunningService, Heard]) -> None:
    service, heard = patient
    requests = b"".join(GET + b"X-Request-ID: %d\r\n\r\n" % i for i in range(200))
    answer = send(service, requests + GET + END)
    ids = [line[14:] for line in answer.split(b"\r\n") if line.startswith(b"x-request-id: ")]
    assert ids[:200] == [b"%d" % i for i in range(200)]
    assert answer.count(b"HTTP/1.1 200 OK") == 201
    assert heard.faults == []


def test_a_request_hidden_in_the_body_of_a_refused_one_is_not_answered(
    patient: tuple[RunningService, Heard],
) -> None:
    service, _ = patient
    hidden = b"GET /models HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = send(service, POST + b"Content-Length: 99999999\r\n\r\n" + hidden * 3)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("part", ["head", "body", "nothing"])
def test_a_slow_client_is_hung_up_on_and_hurts_no_one_else(
    patient: tuple[RunningService, Heard], part: str
) -> None:
    service, heard = patient
    first = {"head": b"POST /pre", "body": POST + b"Content-Length: 1000\r\n\r\n", "nothing": b""}[part]
    slow = [connect(service) for _ in range(50)]
    ended: list[bytes] = []

    def drip(sock: socket.socket) -> None:
        try:
            sock.sendall(first)
            for _ in range(0 if part == "nothing" else 100):
                sock.sendall(b" " if part == "body" else b"a")
                time.sleep(0.05)
        except OSError:
            pass
        try:
            ended.append(sock.recv(1000))
        except OSError:
            ended.append(b"")

    threads = [threading.Thread(target=drip, args=(sock,)) for sock in slow[:2]]
    for thread in threads:
        thread.start()
    for sock in slow[2:]:
        sock.sendall(first)
    for _ in range(10):
        assert service.predict(make_card()).status_code == 200
    for sock in slow[2:]:
        while sock.recv(1000):
            pass
        sock.close()
    for thread in threads:
        thread.join()
    assert all(answer[:13] in (b"", b"HTTP/1.1 408 ") for answer in ended)
    for sock in slow[:2]:
        sock.close()
    assert heard.faults == []


def test_a_client_that_leaves_while_it_sends_leaves_no_trace(patient: tuple[RunningService, Heard]) -> None:
    service, heard = patient
    for _ in range(20):
        with connect(service) as sock:
            sock.sendall(POST + b"Content-Length: 1000\r\n\r\n{")
        with connect(service) as sock:
            sock.sendall(POST + b"Content-Length: 2\r\n\r\n{}")  # and does not wait for its answer
    assert service.predict(make_card()).status_code == 200
    assert heard.faults == []


def test_requests_that_take_their_time_within_the_limit_are_answered(
    patient: tuple[RunningService, Heard],
) -> None:
    service, _ = patient
    with httpx.Client(base_url=service.url) as client:
        for _ in range(4):  # on one connection, longer in all than a single request may take
            assert client.get("/health/live").status_code == 200
            time.sleep(SLOW_S / 2)
        body = httpx.Request("POST", service.url, json=make_card()).content

        def pieces() -> Iterator[bytes]:
            for i in range(0, len(body), len(body) // 3):
                yield body[i : i + len(body) // 3]
                time.sleep(SLOW_S / 10)

        answer = client.post("/predict", content=pieces(), headers={"Content-Type": "application/json"})
        assert answer.status_code == 200


def test_what_is_no_http_behind_pipelined_requests_costs_them_no_answer(
    patient: tuple[RunningService, Heard],
) -> None:
    service, heard = patient
    for n_requests in (1, 2, 5):
        answer = send(service, (b"GET /models HTTP/1.1\r\nHost: x\r\n\r\n" * n_requests) + bytes(range(256)))
        assert answer.count(b"HTTP/1.1 200 ") == n_requests
    assert heard.faults == []


def test_who_leaves_while_pipelined_requests_are_answered_leaves_no_trace(
    patient: tuple[RunningService, Heard],
) -> None:
    service, heard = patient
    for _ in range(30):
        with connect(service) as sock:
            sock.sendall(b"GET /models HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # by a reset
    assert service.predict(make_card()).status_code == 200
    assert heard.faults == []
