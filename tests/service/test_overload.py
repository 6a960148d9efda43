"""Overload and slow clients: a refusal comes soon, and nobody else is delayed."""

import socket
import statistics
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.builders import RunningService, make_card, make_registry, running_service
from tests.service.full_tilt import Outcomes, clients_at_full_tilt
from tests.service.living import wait_until
from tests.service.process import service_process

TIMEOUTS = {"header_timeout_s": 0.8, "body_timeout_s": 0.8, "write_timeout_s": 0.8}
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="module")
def impatient(registry: str) -> Iterator[RunningService]:
    """A service that waits for nobody."""
    with running_service(registry, **TIMEOUTS) as service:
        yield service


def connected(service: RunningService) -> socket.socket:
    url = httpx.URL(service.url)
    return socket.create_connection((url.host, url.port or 0), timeout=60)


def everything(sock: socket.socket) -> bytes:
    """What comes until the other side closes."""
    parts = []
    try:
        while part := sock.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def is_open_at_the_other_end(sock: socket.socket) -> bool:
    """Whether the process at the other end, on this machine, still has the connection open."""
    ports = f":{sock.getpeername()[1]:04X}", f":{sock.getsockname()[1]:04X}"
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(ports[0]) and row[2].endswith(ports[1]) and row[3] == "01" for row in rows)


def n_answers(tallies: list[Outcomes], status: int) -> int:
    return sum(tally.statuses.count(status) for tally in tallies)


def test_too_many_clients_are_served_in_turn_or_refused_at_once_with_a_time_to_retry(
    registry: str, tmp_path: Path
) -> None:
    with service_process(registry, tmp_path, queue="4") as service:
        with clients_at_full_tilt(service.url, 16, make_card(8)) as tallies:
            wait_until(lambda: all(n_answers(tallies, status) >= 100 for status in (200, 503)))
            other = httpx.get(f"{service.url}/health/live")
            refused = [httpx.post(f"{service.url}/predict", json=make_card()) for _ in range(20)]
        answers = [pair for tally in tallies for pair in zip(tally.statuses, tally.seconds, strict=True)]
        assert [tally.lost for tally in tallies] == [[]] * 16
        assert {status for status, _ in answers} == {200, 503}
        assert other.status_code == 200  # what asks for little is never refused
        seconds = {wanted: [s for status, s in answers if status == wanted] for wanted in (200, 503)}
        assert min(seconds[503]) < statistics.median(seconds[200])
        answer = next(answer for answer in refused if answer.status_code == 503)
        assert answer.json()["type"] == "urn:greyhound:problem:overloaded"
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
        assert 1 <= int(answer.headers["Retry-After"]) <= 60


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (b"POST /pre", b"head-too-slow"),
        (HEAD, b"head-too-slow"),
        (HEAD + b"\r\n", b"body-too-slow"),
        (HEAD + b'\r\n{"date": ', b"body-too-slow"),
        (b"", b""),
        (b"\r\n", b""),
    ],
)
def test_a_request_that_never_comes_is_cut_off_with_a_408(
    impatient: RunningService, sent: bytes, kind: bytes
) -> None:
    with connected(impatient) as sock:
        sock.sendall(sent)
        answer = everything(sock)
    if kind:
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert kind in answer
        assert b"connection: close" in answer.lower()
    else:
        assert answer == b""  # no request, no answer


def test_dawdlers_of_every_kind_hurt_nobody_else(registry: str) -> None:
    statuses: list[int] = []
    with running_service(registry) as service, ExitStack() as dawdlers:
        for sent in (b"", b"POST", HEAD, HEAD + b"\r\n", HEAD + b"\r\n" + b" " * 500) * 20:
            sock = dawdlers.enter_context(connected(service))
            sock.sendall(sent)
        large = threading.Thread(target=service.predict, args=(make_card(track="A" * 10_000_000),))
        large.start()
        statuses = [service.predict(make_card()).status_code for _ in range(20)]
        large.join()
    assert set(statuses) == {200}


def test_who_does_not_read_the_answers_is_cut_off(impatient: RunningService) -> None:
    n_requests = 600
    length = len(impatient.client.get("/openapi.json").content)
    with connected(impatient) as sock:
        sock.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * n_requests)
        wait_until(lambda: not is_open_at_the_other_end(sock))
        assert len(everything(sock)) < n_requests * length
    assert impatient.predict(make_card()).status_code == 200


def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_no_trace(
    impatient: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        with connected(impatient) as sock:
            sock.sendall(HEAD + b"\r\n" + b" " * 500)
    assert impatient.predict(make_card()).status_code == 200
    assert caplog.records == []


def test_at_the_limit_of_connections_the_idle_one_makes_room_and_otherwise_a_new_one_is_refused(
    registry: str,
) -> None:
    def new_client(service: RunningService) -> Any:
        with connected(service) as sock:
            sock.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return everything(sock)

    with running_service(registry, max_connections=3) as service, ExitStack() as open_ones:
        assert service.predict(make_card()).status_code == 200  # the client's own connection: one
        for _ in range(2):
            open_ones.enter_context(connected(service)).sendall(HEAD)

        def is_refused() -> bool:
            service.predict(make_card())  # so that the client's own connection does not count as idle
            answer = new_client(service)
            return answer == b"" or answer.startswith(b"HTTP/1.1 503 ")  # a reset, if it was that quick

        wait_until(is_refused)
        wait_until(lambda: new_client(service).startswith(b"HTTP/1.1 200 "))  # now it does
