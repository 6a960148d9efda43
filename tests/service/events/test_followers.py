"""Followers that do not read, may no longer read, or come through a proxy; two services and one promotion."""

import socket
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from model_registry.history import PromotionRecord
from racing.database.engine import open_database
from racing.race_day.events import add_event, add_events, events_after
from service.events import feed
from service.events.promotions import PromotionEvents
from service.security.api_keys import revoke_key
from tests.service.builders import address, empty_registry, make_registry, open_registry, running_service
from tests.service.keys import service_with_keys
from tests.service.living import SOON_S
from tests.service.test_proxies import client_from, haproxy
from tests.service.test_proxies import wait_for as wait_for_proxy

BODY = {"date": "2026-03-14", "track": "Ballarat", "race_number": 4, "is_new": False, "changes": []}
LONG = BODY | {"changes": ["x" * 60_000]}
N_AT_ONCE, N_TIMES = 20, 7  # 8 MB in all: more than the buffers of a connection hold


def lines_of(response: httpx.Response, end: str) -> Iterator[str]:
    """The lines of a stream up to one that begins so, which is the last; all of them if it ends before."""
    for line in response.iter_lines():
        yield line
        if line.startswith(end):
            return


def numbers(lines: list[str]) -> list[int]:
    """The ids of events, without those of comments."""
    return [
        int(line.removeprefix("id: "))
        for line, after in pairwise(lines)
        if line.startswith("id: ") and after.startswith("event: ")
    ]


def test_who_does_not_read_is_let_go_and_has_everything_when_he_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MAX_RECENT", N_AT_ONCE)
    empty_registry(tmp_path)
    database = f"sqlite:///{tmp_path}/events.db"
    engine = open_database(database, create=True)
    add(engine, 1)
    small = httpx.HTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)])
    with (
        running_service(address(tmp_path), database=database) as service,
        httpx.Client(base_url=service.url, transport=small, timeout=SOON_S) as idle,
        idle.stream("GET", "/events", params={"after": 0}) as stream,
        service.client.stream("GET", "/events", params={"after": 0}) as other,
    ):
        slow, fast = stream.iter_lines(), other.iter_lines()
        assert any(line == "id: 1" for line in slow)
        for _ in range(N_TIMES):  # one who reads has each before the next come
            last = add(engine, N_AT_ONCE)
            assert any(line == f"id: {last}" for line in fast)
        seen = list(slow)
        assert any("you read too slowly" in line for line in seen)
        got = numbers(seen)
        assert got[-1] < last
        resumed = {"Last-Event-ID": str(got[-1])}
        with service.client.stream("GET", "/events", headers=resumed) as again:
            rest = numbers([*lines_of(again, f"id: {last}"), "event: "])
        assert got + rest == list(range(2, last + 1))
        dropped = "greyhound_event_followers_dropped_total 1.0"
        assert dropped in httpx.get(f"{service.url}/metrics", timeout=SOON_S).text
    engine.dispose()


def add(engine: Engine, n: int) -> int:
    with engine.begin() as connection:
        return add_events(connection, [("card", LONG, 1)] * n)


def test_a_follower_whose_key_is_revoked_is_let_go(tmp_path: Path) -> None:
    empty_registry(tmp_path)
    settings = {"protect": "everything"}
    with service_with_keys(tmp_path, address(tmp_path), settings, ada="read") as (service, keys):
        assert service.client.get("/events").status_code == 401
        with service.client.stream("GET", "/events", headers=keys["ada"], timeout=SOON_S) as stream:
            lines = stream.iter_lines()
            assert any(line.startswith(": events after") for line in lines)
            engine = open_database(f"sqlite:///{tmp_path}/keys.db")
            revoke_key(engine, "ada")
            engine.dispose()
            assert any(line.startswith(": no longer: ") for line in lines)
            assert not any(lines)  # and that was the end


def test_a_promotion_that_two_services_see_at_once_is_one_event(tmp_path: Path) -> None:
    registry = make_registry(tmp_path, exponents=(1.0, 2.0))
    open_registry(registry).promote(2, reason="better", by="ada")
    history = open_registry(registry).history()
    engine = open_database(f"sqlite:///{tmp_path}/events.db", create=True)
    start = threading.Barrier(2)

    def see(history: list[PromotionRecord]) -> None:
        notes = PromotionEvents()
        start.wait()
        notes.note(engine, history)

    threads = [threading.Thread(target=see, args=(history,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON_S)
    with engine.connect() as connection:
        events = events_after(connection, 0, None, 100)
    assert ["promotion"] * len(history) == [event.kind for event in events]
    assert len(history) == 2
    engine.dispose()


def test_events_pass_the_shipped_proxy_as_they_come(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/events.db"
    engine = open_database(database, create=True)
    with (
        running_service(make_registry(tmp_path), database=database) as service,
        haproxy(tmp_path, int(service.url.rpartition(":")[2])) as url,
        client_from(url) as client,
    ):
        wait_for_proxy(client)
        with client.stream("GET", "/events") as stream:
            lines = stream.iter_lines()
            assert any(line.startswith(": events after") for line in lines)
            for _ in range(2):  # the second only after the first has come
                with engine.begin() as connection:
                    number = add_event(connection, "card", BODY, 1)
                assert any(line == f"id: {number}" for line in lines)
    engine.dispose()
