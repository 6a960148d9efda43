"""What stands at the service's address may be anything: pages say so in time, and tell no password."""

import base64
import gzip
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from frontend.http.shared_client import AnswerCache
from frontend.http.transport import BoundedTransport
from frontend.settings import FrontendSettings
from greyhound.commands.frontend import frontend
from greyhound_client import GreyhoundClient, Unreachable
from tests.frontend.builders import running_front_end
from tests.service.builders import make_registry, running_service
from tests.sockets import whole_request

MIB = 1024 * 1024
PAGES = (
    "/",
    "/state",
    "/models",
    "/models/1",
    "/models/1/report",
    "/race",
    "/race/past",
    "/race/1",
    "/record",
    "/experiments",
    "/experiments/1",
    "/models/compare?a=1&b=2",
    "/status/health",
    "/api/model_status",
)
CARD = "/race/card?date=2026-03-14&track=Sandown&distance_m=515&name1=A&name2=B"


@contextmanager
def answering(answer: Callable[[socket.socket, bytes], None]) -> Iterator[str]:
    """A server of a few lines; its address."""
    is_over = threading.Event()

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(30)
            answer(connection, whole_request(connection))

    def serve() -> None:
        while not is_over.is_set():
            with suppress(OSError):
                threading.Thread(target=one, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        is_over.set()
        thread.join()


def saying(
    body: bytes, head: str = "200 OK", kind: str = "application/json", more: str = ""
) -> Callable[..., None]:
    """Answer everything so."""
    lines = (f"HTTP/1.1 {head}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close")
    text = "\r\n".join([*lines, more]) + "\r\n"
    return lambda connection, _requested: connection.sendall(text.encode("latin-1") + body)


def endless_body(connection: socket.socket, _requested: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.05)


def endless_head(connection: socket.socket, _requested: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(10_000):
        connection.sendall(b"X-%d: 1\r\n" % number)
        time.sleep(0.05)


def endless_interim_answers(connection: socket.socket, _requested: bytes) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
        time.sleep(0.02)


def large(connection: socket.socket, _requested: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b" " * MIB)


def silent(_connection: socket.socket, _requested: bytes) -> None:
    time.sleep(20)


DEEP = b"[" * 100_000
ERRORS = b'{"type": "a", "title": "b", "detail": "\\ud800", "errors": 5, "status": "x"}'
BOMB = gzip.compress(bytes(50 * MIB))


@pytest.mark.parametrize(
    "answer",
    [
        endless_body, endless_head, endless_interim_answers, large, silent,
        saying(b""), saying(DEEP), saying(DEEP, "500 Oh"), saying(ERRORS, "422 No"), saying(ERRORS, "503 No"),
        saying(b"{}", "301 Moved", more="Location: http://127.0.0.1:9/\r\n"), saying(b"", "204 None"),
        saying(b"\xff\xfe", kind="application/json; charset=none"), saying(b"<html>", kind="text/html"),
        saying(b'{"detail": "\\ud800"}', "404 No"), saying(b"null"), saying(b"", "599 Odd"),
        saying(BOMB, more="Content-Encoding: gzip\r\n"),
    ],
)  # fmt: skip
def test_a_service_that_is_none_is_reported_in_time_on_every_page(answer: Callable[..., None]) -> None:
    with (
        answering(answer) as service,
        running_front_end(service, timeout_s=0.3, cache_s=60) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        statuses = {path: client.get(path).status_code for path in (*PAGES, CARD)}
        statuses["guide"] = client.post("/race/guide", files={"guide": ("a.csv", b"a,b")}).status_code
        assert client.get("/health").status_code == 200
    # Its refusals are handed on (4xx), and what it says of its status; all else is 502 or 503.
    statuses.pop("/api/model_status")
    assert {status for status in statuses.values() if status >= 500} <= {502, 503}, statuses


def test_an_answer_has_a_largest_size_and_a_longest_time() -> None:
    for answer, rule, longest_s in (
        (large, "at most 1048576 bytes", 60.0),
        (endless_body, "no answer came in time", 0.3),
    ):
        with answering(answer) as service:
            http = httpx.Client(transport=BoundedTransport(longest_s, MIB), timeout=60)
            with http, pytest.raises(Unreachable, match=rule):
                GreyhoundClient(service, http=http).model_status()


def test_a_question_of_many_is_requested_once() -> None:
    answers, n_requested, goes_on = AnswerCache(60), [], threading.Event()

    def ask() -> httpx.Response:
        n_requested.append(1)
        goes_on.wait(60)
        return httpx.Response(200, content=b"ok")

    asking = [threading.Thread(target=answers.get, args=("a", ask)) for _ in range(20)]
    for thread in asking:
        thread.start()
    goes_on.set()
    for thread in asking:
        thread.join(60)
    assert len(n_requested) == 1
    for number in range(1000):
        answers.get(number, lambda: httpx.Response(200, content=b"ok"))
    assert len(answers._entries) <= 64
    answers.get("large", lambda: httpx.Response(200, content=bytes(MIB)))
    assert "large" not in answers._entries


def test_a_password_in_the_services_address_is_sent_and_never_shown(tmp_path: Path) -> None:
    requested: list[bytes] = []

    def note(connection: socket.socket, request: bytes) -> None:
        requested.append(request)
        saying(b"{}", "500 Oh")(connection, request)

    def secret(address: str) -> str:
        return address.replace("://", "://user:s%2Fecret@")

    with answering(note) as address, running_front_end(secret(address)) as url:
        texts = _everything(url)
    basic = base64.b64encode(b"user:s/ecret")
    assert requested
    assert all(b"\r\nAuthorization: Basic " + basic in one for one in requested)
    assert all("ecret@" not in one.decode("latin-1") for one in requested)
    with running_front_end(secret("http://127.0.0.1:9"), public_service=secret("http://here.example")) as url:
        texts += _everything(url)
    here = secret("http://here.example")
    with (
        running_service(make_registry(tmp_path)) as service,
        running_front_end(secret(service.url), public_service=here) as url,
    ):
        texts += _everything(url)
    assert not [found for text in texts for found in re.findall(r".{40}ecret.{9}", text)]
    assert any("curl -s" in text and "here.example" in text for text in texts)


def test_no_error_of_the_command_or_the_settings_repeats_a_password() -> None:
    message = CliRunner().invoke(frontend, ["--service", "ftp://user:secret@host"])
    assert message.exit_code == 2
    assert "secret" not in message.output
    with pytest.raises(ValidationError) as refused:
        FrontendSettings(service="http://user:secret@host?a")
    assert "secret" not in str(refused.value)
    assert "secret" not in repr(FrontendSettings(service="http://user:secret@host", api_key="secret"))


def _everything(url: str) -> list[str]:
    with httpx.Client(base_url=url, timeout=60) as client:
        answers = [client.get(path) for path in (*PAGES, CARD, "/models/1/promote", "/nothing")]
    return [answer.text + str(answer.headers) for answer in answers]
