"""Events over HTTP: a follower sees what happens, in order, and loses nothing when he comes again."""

import asyncio
import datetime as dt
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from greyhound_client import AsyncGreyhoundClient, Event, GreyhoundClient
from racing.database.engine import open_database
from racing.race_day.events import add_event, add_events, newest_event, prune_events
from tests.clocks.today import today
from tests.racing.race_day.cards import DOGS, store_card
from tests.service.builders import RunningService, address, empty_registry, running_service
from tests.service.keys import service_with_keys
from tests.service.living import SOON_S, wait_until

MAX_FOLLOWERS = 4


@dataclass(frozen=True)
class Place:
    """A service with a race day, and who may send to it."""

    service: RunningService
    engine: Engine
    client: GreyhoundClient
    folder: Path

    def events(self, n: int, **which: Any) -> list[Event]:
        """The first events of a stream."""
        with closing(self.client.events(**which)) as stream:  # type: ignore[type-var]
            return first(n, stream)

    def newest(self) -> int:
        with self.engine.connect() as connection:
            return newest_event(connection)

    def add(self, kind: Any = "card", **body: Any) -> int:
        with self.engine.begin() as connection:
            return add_event(connection, kind, OF_RACE | body, 1)

    def price(self, race_id: int, **prices: float) -> None:
        at = dt.datetime.now(dt.UTC).isoformat()
        runners = [{"box": 1, **prices}]
        self.client.send_prices([{"race_id": race_id, "at": at, "runners": runners}])


OF_RACE = {
    "date": "2026-03-14", "track": "Ballarat", "race_number": 4, "off_at": None,
    "is_new": True, "is_gone": False, "n_runners": 6, "changes": [],
}  # fmt: skip

PROMOTION = {
    "key": "promote:7", "version": 7, "previous": 6, "action": "promote", "by": "ada", "reason": "better",
    "at": "2026-03-14T02:10:00Z",
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("events")
    settings = {"max_followers": MAX_FOLLOWERS}
    with service_with_keys(folder, registry_without_versions(folder), settings, bot="results") as (
        service,
        keys,
    ):
        engine = open_database(f"sqlite:///{folder}/keys.db")
        with GreyhoundClient(service.url, api_key=keys["bot"]["Authorization"].split()[1]) as client:
            yield Place(service, engine, client, folder)
        engine.dispose()


def registry_without_versions(folder: Path) -> str:
    empty_registry(folder)
    return address(folder)


def test_who_follows_sees_a_card_then_prices_then_the_result(place: Place) -> None:
    after = place.newest()
    race_id = store_card(place.engine)
    place.price(race_id, back=3.4, lay=3.5)
    runners = [{"name": dog, "box": box, "finish_position": box} for box, dog in enumerate(DOGS, start=1)]
    place.client.send_results(
        [{"date": str(today()), "track": "Ballarat", "distance_m": 450, "race_number": 1, "runners": runners}]
    )
    seen = place.events(3, after=after)
    assert [event.kind for event in seen] == ["card", "price", "result"]
    assert [event.id for event in seen] == [after + 1, after + 2, after + 3]
    card, price, result = (event.data.model_dump(mode="json") for event in seen)
    assert (card["race_id"], card["track"], card["n_runners"], card["is_new"]) == (
        race_id,
        "Ballarat",
        6,
        True,
    )
    assert price["runners"] == [
        {"name": DOGS[0], "box": 1, "back": 3.4, "lay": 3.5, "last": None, "volume": None}
    ]
    assert price["minutes"] in (58, 59, 60)
    assert result["winners"] == [DOGS[0]]
    assert result["race_number"] == 1


def test_a_stream_begins_with_what_happens_now_and_names_its_place_before_anything_does(place: Place) -> None:
    place.add()
    with follow(place) as lines:
        wait_for(lines, f"id: {place.newest()}")
        number = place.add("scratching", name="Sir Tick", box=1, is_scratched=True)
        wait_for(lines, f"id: {number}")
        assert next(lines) == "event: scratching"
        assert json.loads(next(lines).removeprefix("data: "))["name"] == "Sir Tick"


def test_only_the_kinds_that_are_wanted_come_and_the_place_moves_on_all_the_same(place: Place) -> None:
    after = place.newest()
    place.add()
    wanted = place.add("promotion", **PROMOTION)
    (event,) = place.events(1, kinds=["promotion"], after=after)
    assert (event.id, event.kind) == (wanted, "promotion")
    refused = place.service.client.get("/events?kinds=card,foal")
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")


def test_who_comes_again_with_the_last_id_gets_what_happened_since_and_a_browser_does_so_by_itself(
    place: Place,
) -> None:
    numbers = [place.add() for _ in range(4)]
    with follow(place, {"Last-Event-ID": str(numbers[1])}) as lines:
        wait_for(lines, f"id: {numbers[2]}")
        wait_for(lines, f"id: {numbers[3]}")


def test_who_was_away_for_longer_than_events_are_stored_is_notified_that_some_are_missing(
    place: Place,
) -> None:
    after = place.newest()
    for _ in range(3):
        place.add()
    with place.engine.begin() as connection:
        assert prune_events(connection, dt.datetime.now(dt.UTC).replace(tzinfo=None)) >= 2
    seen = place.events(2, after=after)
    assert [event.kind for event in seen] == ["missed", "card"]
    missed = seen[0].data.model_dump()
    assert (missed["after"], missed["until"]) == (after, after + 2)
    with follow(place, {"Last-Event-ID": str(place.newest() + 1000)}) as lines:  # of another database
        wait_for(lines, "event: missed")


def test_one_more_than_may_follow_is_refused_and_none_of_them_is_in_flight(place: Place) -> None:
    wait_until(lambda: metric(place, "event_followers") == 0)
    streams = [follow(place) for _ in range(MAX_FOLLOWERS)]
    try:
        lines = [stream.__enter__() for stream in streams]
        for line in lines:
            wait_for(line, "id: ")
        refused = place.service.client.get("/events")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert metric(place, "event_followers") == MAX_FOLLOWERS
        assert metric(place, "requests_in_flight") == 1  # this one
        head = place.service.client.head("/events")
        assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    finally:
        for stream in streams:
            stream.__exit__()
    wait_until(lambda: metric(place, "event_followers") == 0)


def test_while_the_database_is_away_the_stream_stays_and_goes_on_when_it_is_back(place: Place) -> None:
    database, aside = place.folder / "keys.db", place.folder / "aside.db"
    with follow(place) as lines:
        wait_for(lines, ": events after")
        database.rename(aside)
        wait_for(lines, ": waiting: ")
        aside.rename(database)
        number = place.add()
        wait_for(lines, f"id: {number}")


def test_both_clients_come_again_when_a_service_is_replaced_and_lose_nothing(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/events.db"
    engine, registry = open_database(database, create=True), registry_without_versions(tmp_path)

    def add(first_name: int, n: int) -> None:
        with engine.begin() as connection:
            rows = [("card", OF_RACE | {"race_number": first_name + i}, 1) for i in range(n)]
            add_events(connection, rows)  # type: ignore[arg-type]

    add(1, 1)
    with running_service(registry, database=database) as service:
        port = int(service.url.rpartition(":")[2])
        client = GreyhoundClient(service.url)
        stream = client.events(after=0, give_up_s=SOON_S)
        assert number_of(next(stream)) == 1
        add(2, 3)
        assert [number_of(event) for event in first(2, stream)] == [2, 3]
    # It has ended although somebody followed; more happens while nobody listens.
    add(5, 2)
    with running_service(registry, database=database, port=port):
        assert [number_of(event) for event in first(3, stream)] == [4, 5, 6]

        async def follow_awaiting() -> list[int]:
            async with AsyncGreyhoundClient(service.url) as client:
                seen: list[int] = []
                async for event in client.events(after=3, give_up_s=SOON_S):
                    seen.append(number_of(event))
                    if len(seen) == 3:
                        break
                return seen

        assert asyncio.run(follow_awaiting()) == [4, 5, 6]
        stream.close()  # type: ignore[attr-defined]
        client.close()
    engine.dispose()


class follow:  # noqa: N801
    """The lines of one stream, as a browser reads them."""

    def __init__(self, place: Place, headers: dict[str, str] | None = None) -> None:
        self._client = httpx.Client(base_url=place.service.url, timeout=SOON_S)
        self._request = self._client.build_request("GET", "/events", headers=headers)

    def __enter__(self) -> Iterator[str]:
        self._response = self._client.send(self._request, stream=True)
        assert self._response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert self._response.headers["cache-control"] == "no-store"
        assert "content-encoding" not in self._response.headers
        return self._response.iter_lines()

    def __exit__(self, *_: object) -> None:
        self._response.close()
        self._client.close()


def wait_for(lines: Iterator[str], start: str) -> None:
    assert any(line.startswith(start) for line in lines), f"the stream ended without {start!r}"


def first(n: int, events: Iterator[Event]) -> list[Event]:
    return [next(events) for _ in range(n)]


def number_of(event: Event) -> int:
    number = event.data.model_dump()["race_number"]
    assert isinstance(number, int)
    return number


def metric(place: Place, name: str) -> float:
    text = place.service.client.get("/metrics").text
    (line,) = [line for line in text.splitlines() if line.startswith(f"greyhound_{name} ")]
    return float(line.split()[1])
