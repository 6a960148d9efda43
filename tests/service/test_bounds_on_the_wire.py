"""What a stranger sends without end, through raw sockets: it is refused, and the service's memory stays."""

import inspect
import json
import re
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.server.bounded_protocol import HEAD_BYTES, MAX_HEADERS
from tests.service.builders import RunningService, make_card, make_registry, running_service
from tests.service.living import wait_until
from tests.service.observability.samples import samples, value
from tests.service.process import ServiceProcess, service_process

POST = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
CARD = json.dumps(make_card()).encode()
NDJSON = {"Content-Type": "application/x-ndjson"}
PIECE = 64 * 1024

ENDLESS = {
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"A: b\r\n" * 10_000),
    "a trailer's value": (CHUNKED + b"2\r\n{}\r\n0\r\nA: ", b"a" * PIECE),
    "a trailer's name": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"a" * PIECE),
    "a chunk's extension": (CHUNKED + b"2;a=", b"a" * PIECE),
    "the zeros of a chunk's length": (CHUNKED, b"0" * PIECE),
    "a header's value": (GET + b"A: ", b"a" * PIECE),
    "a header's name": (GET, b"a" * PIECE),
    "headers": (GET, b"a:\r\n" * 16_000),
    "an address": (b"GET /", b"a" * PIECE),
    "blank lines": (b"", b"\r\n" * 30_000),
    "trailers after a GET": (GET + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n" * 10_000),
}


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service in a process of its own, as it is without settings."""
    folder = tmp_path_factory.mktemp("service")
    with service_process(make_registry(folder / "registry"), folder) as service:
        service.predict(make_card())
        yield service


def address_of(service: RunningService) -> tuple[str, int]:
    host, _, port = service.url.removeprefix("http://").partition(":")
    return host, int(port)


def connected(service: RunningService) -> socket.socket:
    return socket.create_connection(address_of(service), timeout=60)


def everything(sock: socket.socket) -> bytes:
    parts = []
    try:
        while part := sock.recv(65536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def sent_without_end(service: RunningService, first: bytes, piece: bytes, *, n_bytes: int) -> bytes:
    """What is answered while pieces are sent, until the service closes or so many bytes are gone."""
    with connected(service) as sock:
        sock.sendall(first)
        n_sent, answer = 0, b""
        try:
            while n_sent < n_bytes:
                sock.sendall(piece)
                n_sent += len(piece)
                if select.select([sock], [], [], 0)[0]:
                    answer += (part := sock.recv(65536))
                    if not part or b"431" in answer:
                        break
        except ConnectionError:
            pass
        else:
            assert n_sent < n_bytes, "all of it was taken"
        return answer


@pytest.mark.parametrize("what", ENDLESS)
def test_what_has_no_end_is_refused_and_takes_no_memory(lone: ServiceProcess, what: str) -> None:
    before_mb = lone.resident_mb()
    answer = sent_without_end(lone, *ENDLESS[what], n_bytes=200 * 2**20)
    assert lone.resident_mb() - before_mb < 8
    statuses = [line.split()[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    assert {status[:1] for status in statuses} <= {b"2", b"4"}
    assert lone.predict(make_card()).status_code == 200


@pytest.mark.parametrize("what", ["trailers", "a trailer's value", "a chunk's extension", "headers"])
def test_the_refusal_is_a_431_that_arrives_while_the_client_still_sends(
    lone: ServiceProcess, what: str
) -> None:
    first, piece = ENDLESS[what]
    with connected(lone) as sock:
        sock.sendall(first + piece * 4)
        answer = everything(sock)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"head-too-long" in answer


def head_of(n_bytes: int, start: bytes = GET) -> bytes:
    room = n_bytes - len(start) - len(b"A: \r\n\r\n")
    return start + b"A: " + b"a" * room + b"\r\n\r\n"


def statuses_of(service: RunningService, sent: bytes) -> list[bytes]:
    with connected(service) as sock:
        sock.sendall(sent)
        return re.findall(rb"HTTP/1\.1 (\d+)", everything(sock))


BODIED = POST + b"Content-Length: %d\r\n" % len(CARD)
CHUNKED_CARD = CHUNKED + b"%x\r\n%s\r\n0\r\nA: b\r\n\r\n" % (len(CARD), CARD)


@pytest.mark.parametrize("before", [b"", GET + b"\r\n", BODIED + b"\r\n" + CARD, CHUNKED_CARD])
@pytest.mark.parametrize(("start", "body"), [(GET, b""), (BODIED, CARD)])
def test_a_heads_limit_is_exact_wherever_it_begins_and_whatever_follows(
    lone: ServiceProcess, before: bytes, start: bytes, body: bytes
) -> None:
    n_before, start = [b"200"] * (before != b""), start + b"Connection: close\r\n"
    assert statuses_of(lone, before + head_of(HEAD_BYTES, start) + body) == [*n_before, b"200"]
    with connected(lone) as sock:
        sock.sendall(before + head_of(HEAD_BYTES + 1, start) + body)
        answer = everything(sock)
    assert answer.count(b"HTTP/1.1 200 ") <= len(n_before)
    if not before:
        assert answer.startswith(b"HTTP/1.1 431 ")


def test_the_number_of_headers_has_a_limit(lone: ServiceProcess) -> None:
    for n, status in ((MAX_HEADERS - 2, b"200"), (MAX_HEADERS - 1, b"431")):
        sent = GET + b"a: b\r\n" * n + b"Connection: close\r\n\r\n"
        assert statuses_of(lone, sent) == [status]


def test_trailers_and_chunks_of_a_byte_are_read_over(lone: ServiceProcess) -> None:
    chunks = b"".join(b"1;a=b\r\n%c\r\n" % byte for byte in CARD)
    sent = CHUNKED + chunks + b"0\r\nTrailer: x\r\n\r\n" + GET + b"Connection: close\r\n\r\n"
    assert statuses_of(lone, sent) == [b"200", b"200"]


def test_pipelined_requests_wait_as_bytes_and_are_all_answered(lone: ServiceProcess) -> None:
    n_requests, before_mb = 3000, lone.resident_mb()
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with connected(lone) as sock:
        sock.sendall(request * n_requests + GET + b"Connection: close\r\n\r\n")
        time.sleep(0.2)
        assert lone.resident_mb() - before_mb < 8
        assert everything(sock).count(b"HTTP/1.1 ") == n_requests + 1


def test_what_follows_a_request_to_upgrade_is_no_request(lone: ServiceProcess) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n" % len(GET + b"\r\n")
    with connected(lone) as sock:
        sock.sendall(POST + upgrade)
        time.sleep(0.1)
        sock.sendall(GET + b"\r\n")
        assert everything(sock).count(b"HTTP/1.1 ") == 1


DEEP = b"[" * 2000


@pytest.mark.parametrize("body", [DEEP, b'{"runners":' * 2000, b'[{"runners":' + DEEP, DEEP + b"]" * 2000])
@pytest.mark.parametrize(
    "path", ["/predict", "/predict/batch", "/results", "/rollback", "/models/1/promote", "/webhooks/mlflow"]
)
def test_what_nests_deep_is_refused_on_every_route(lone: ServiceProcess, path: str, body: bytes) -> None:
    answer = lone.client.post(path, content=body, headers={"Content-Type": "application/json"})
    if (path, answer.status_code) == ("/predict/batch", 200):
        assert {json.loads(line)["status"] for line in answer.text.splitlines()} <= {400, 422}
    else:
        assert 400 <= answer.status_code < 500


@pytest.fixture
def tight(tmp_path: Path) -> Iterator[RunningService]:
    """A service whose bodies share little."""
    sizes = {
        "max_body_bytes": 64 * 1024,
        "max_batch_bytes": 1024 * 1024,
        "body_budget_bytes": 3 * 1024 * 1024,
    }
    with running_service(make_registry(tmp_path), **sizes, body_timeout_s=60.0) as service:
        yield service


BATCH = b"POST /predict/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"


def test_bodies_under_way_share_a_budget_of_which_cards_keep_a_part(tight: RunningService) -> None:
    half = CARD + b" " * 1_000_000
    with connected(tight) as first, connected(tight) as second:
        for sock in (first, second):
            sock.sendall(BATCH + b"Content-Length: %d\r\n\r\n" % (len(half) + 1) + half)
        deadline = time.monotonic() + 60
        while not (refused := declared(tight, 100_000)).startswith(b"HTTP/1.1 503 "):
            assert time.monotonic() < deadline
        assert b"retry-after: " in refused.lower()
        with connected(tight) as chunked:
            chunk = b"%x\r\n" % 200_000 + b" " * 200_000 + b"\r\n"
            chunked.sendall(BATCH + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
            assert chunked.recv(100).startswith(b"HTTP/1.1 503 ")
        assert tight.predict(make_card()).status_code == 200
        found = samples(tight.url)
        assert value(found, "greyhound_body_bytes") >= 2_000_000
        assert value(found, "greyhound_overload_refusals_total") >= 2
        first.sendall(b" ")
        assert first.recv(100).startswith(b"HTTP/1.1 200 ")
    while not declared(tight, 100_000).startswith(b"HTTP/1.1 100 "):
        assert time.monotonic() < deadline + 60


def declared(service: RunningService, n_bytes: int) -> bytes:
    """The answer to a head that declares so many bytes and expects 100 Continue."""
    with connected(service) as sock:
        sock.sendall(BATCH + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % n_bytes)
        return sock.recv(1000)


def test_a_batch_has_an_end_however_steadily_it_trickles(tmp_path: Path) -> None:
    times = {"batch_timeout_s": 3.0, "body_timeout_s": 60.0}
    with running_service(make_registry(tmp_path), **times) as service, connected(service) as sock:
        sock.sendall(BATCH + b"Content-Length: 1000000\r\n\r\n")
        start = time.monotonic()
        while not select.select([sock], [], [], 0.1)[0]:
            sock.sendall(b" " * 2000)
            assert time.monotonic() - start < 60
        answer = sock.recv(2000)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"within 3 s in all" in answer


def test_who_reads_an_answer_drop_by_drop_is_cut_off_and_its_body_is_let_go(tmp_path: Path) -> None:
    faulty = json.dumps({f"unknown {number}": 0 for number in range(60)}).encode() + b"\n"
    body = faulty * 3000
    sizes = {"max_batch_bytes": len(body), "body_budget_bytes": 3 * len(body)}  # two fit, and no third
    times = {"write_timeout_s": 60.0, "batch_timeout_s": 3.0}
    with running_service(make_registry(tmp_path), **sizes, **times) as service:
        slow = [slow_reader(service, body) for _ in range(2)]
        n_read = 0

        def is_taken() -> bool:
            nonlocal n_read
            n_read += sum(len(sock.recv(256)) for sock in slow)
            return declared(service, len(body)).startswith(b"HTTP/1.1 100 ")

        wait_until(lambda: not is_taken())
        wait_until(is_taken)
        for sock in slow:
            n_read += len(everything(sock))
            sock.close()
        [line] = service.client.post("/predict/batch", content=faulty, headers=NDJSON).text.splitlines()
        assert len(json.loads(line)["errors"]) == 50
        assert n_read < 2 * 3000 * len(line)


def slow_reader(service: RunningService, body: bytes) -> socket.socket:
    """A client that has sent a batch, with little room for what comes back."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(address_of(service))
    sock.sendall(BATCH + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    return sock


def test_the_private_method_of_uvicorn_that_the_protocol_overrides_is_there_and_is_called() -> None:
    source = inspect.getsource(HttpToolsProtocol)
    assert "def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application)" in source
    assert (
        source.count("self._start_asgi_task(") == 2
    )  # the first request of a connection, and those that wait
