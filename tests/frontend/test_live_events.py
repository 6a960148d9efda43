"""The front end hands the service's events on to every open page, over one stream to the service."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

from frontend.live_events import LiveEvents
from greyhound_client import GreyhoundClient
from racing.database.engine import open_database
from racing.race_day.events import add_event
from tests.service.builders import address, empty_registry, running_service

SCRATCHING = {
    "date": "2026-03-14", "track": "Ballarat", "race_number": 4, "off_at": None,
    "name": "Sir Tick", "box": 1, "is_scratched": True,
}  # fmt: skip


def events_of(pieces: Iterator[str]) -> Iterator[tuple[str, dict[str, object]]]:
    for piece in pieces:
        for block in piece.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if "event" in fields:
                yield fields["event"], json.loads(fields["data"])


def test_two_pages_get_the_kinds_that_they_want_and_a_third_is_turned_away(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/events.db"
    engine = open_database(database, create=True)
    empty_registry(tmp_path)
    with engine.begin() as connection:
        for number in range(3):
            add_event(connection, "scratching", SCRATCHING | {"race_number": number}, 7)
    with running_service(address(tmp_path), database=database) as service:
        client = GreyhoundClient(service.url)
        live = LiveEvents(client, max_pages=2)
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
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("live-events") == 1
        late = events_of(live.stream(frozenset({"missed"}), 10_000))  # of another database
        assert next(late)[0] == "missed"
        live.leave()
        live.leave()
    live.close()
    engine.dispose()
