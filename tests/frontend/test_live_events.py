"""The front end hands the service's events on to every open page, over one stream to the service."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from frontend.live_events import LiveEvents
from racing.database.engine import open_database
from racing.race_day.events import add_event
from tests.service.builders import address, empty_registry, running_service
from tests.sockets import whole_request

SCRATCHING = {
    "date": "2026-03-14", "track": "Ballarat", "race_number": 4, "off_at": None,
    "name": "Sir Tick", "box": 1, "is_scratched": True,
}  # fmt: skip


def events_of(pieces: Iterator[str]) -> Iterator[tuple[str, dict[str, object]]]:
    for piece in pieces:
        for block in piece.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if fields.get("event", "following") != "following":
                yield fields["event"], json.loads(fields["data"])


def test_two_pages_get_the_kinds_that_they_want_and_a_third_is_turned_away(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/events.db"
    engine = open_database(database, create=True)
    empty_registry(tmp_path)
    with engine.begin() as connection:
        for number in range(3):
            add_event(connection, "scratching", SCRATCHING | {"race_number": number}, 7)
    with running_service(address(tmp_path), database=database) as service:
        earlier = set(threading.enumerate())  # those of other front ends may still be ending
        live = LiveEvents(service.url, max_pages=2)
        assert live.enter(1)
        assert live.enter(1)
        assert not live.enter(None)
        pages = [events_of(live.stream(frozenset({kind}), 1)) for kind in ("scratching", "result")]
        first = [next(pages[0]) for _ in range(2)]
        assert [(kind, body["race_number"]) for kind, body in first] == [("scratching", 1), ("scratching", 2)]
        with engine.begin() as connection:
            result = SCRATCHING | {"winners": ["Sir Tick"], "is_correction": False}
            add_event(connection, "result", result, 7)
        assert next(pages[1])[1]["winners"] == ["Sir Tick"]
        names = [thread.name for thread in threading.enumerate() if thread not in earlier]
        assert names.count("live-events") == 1
        late = events_of(live.stream(frozenset({"missed"}), 10_000))  # of another database
        assert next(late)[0] == "missed"
        live.leave()
        live.leave()
    live.close()
    engine.dispose()


def states(pieces: Iterator[str]) -> Iterator[bool]:
    """Whether the service is followed, each time that a page is sent it."""
    for piece in pieces:
        for block in piece.split("\n\n"):
            if block.startswith("event: following"):
                yield json.loads(block.partition("data: ")[2])


@contextmanager
def answering(*parts: bytes, after: bytes = b"") -> Iterator[tuple[str, list[int]]]:
    """Something at a service's address that sends these parts to who comes, the last one again and again.

    With ``after`` it sends each part once, hangs up, and sends that to all who come later. It is yielded with
    the bytes that each took before he hung up.
    """
    listening, taken, is_first = socket.create_server(("127.0.0.1", 0)), [], True

    def send(connection: socket.socket, to_send: tuple[bytes, ...], *, is_endless: bool) -> None:
        n_bytes = 0
        with connection, suppress(OSError):
            whole_request(connection)
            for part in to_send:
                connection.sendall(part)
            while is_endless:
                connection.sendall(to_send[-1])
                n_bytes += len(to_send[-1])
        taken.append(n_bytes)

    def accept() -> None:
        nonlocal is_first
        with suppress(OSError):
            while True:
                connection = listening.accept()[0]
                to_send = parts if is_first or not after else (parts[0], after)
                is_first = False
                threading.Thread(
                    target=send, args=(connection, to_send), kwargs={"is_endless": not after}, daemon=True
                ).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", taken
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(60)
        listening.close()


def wait_until(is_so: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
SOCKETS_HOLD = 16 * 2**20
"""Bytes that the system takes of a connection that nobody reads, and more."""


@pytest.mark.parametrize(
    "parts",
    [
        (STREAM, b"data: ", b"x" * 65536),
        (STREAM, b"".join(b"a%d: x\n" % number for number in range(9999))),
        (b"HTTP/1.1 500 No\r\n\r\n", b"x" * 65536),
        (b"HTTP/1.1 200 OK\r\n", b"A: " + b"x" * 65536),
    ],
    ids=["a line", "an event", "an error", "a head"],
)  # fmt: skip
def test_a_service_that_sends_without_end_is_hung_up_on(parts: tuple[bytes, ...]) -> None:
    with answering(*parts) as (address, taken):
        live = LiveEvents(address, max_pages=1)
        assert live.enter(None)
        wait_until(lambda: taken)
        assert taken[0] < SOCKETS_HOLD
        live.leave()
        live.close()


@pytest.mark.parametrize(
    "event",
    [b"data: " + b"[" * 60_000, b"id: \xc2\xb2\ndata: {}", b"data: {}\nevent: price", b"data: \xff"],
    ids=["nested", "no number", "of another shape", "no text"],
)
def test_an_event_that_is_none_ends_no_following(event: bytes) -> None:
    good = b'id: 7\nevent: missed\ndata: {"after": 1, "until": 7, "text": "Read anew."}\n\n'
    with answering(STREAM, b"event: price\n" + event + b"\n\n", after=good) as (address, _):
        live = LiveEvents(address, max_pages=1)
        assert live.enter(None)
        assert next(events_of(live.stream(frozenset({"missed"}), 1)))[1]["until"] == 7
        live.leave()
        live.close()


def test_a_page_hears_that_the_service_is_away_and_that_it_is_back(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/events.db"
    engine = open_database(database, create=True)
    empty_registry(tmp_path)
    live = None
    with running_service(address(tmp_path), database=database) as service:
        port = int(service.url.rpartition(":")[2])
        live = LiveEvents(service.url, max_pages=1)
        assert live.enter(None)
        page = states(live.stream(frozenset(), None))
        wait_until(lambda: next(page))
    assert next(page) is False
    with running_service(address(tmp_path), port=port, database=database):
        assert next(page) is True
    live.leave()
    live.close()
    engine.dispose()
