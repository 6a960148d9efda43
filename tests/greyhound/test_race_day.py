"""A past day passes through a running service, and recordings are fed into one, with nothing lost."""

import bz2
import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from greyhound.race_day.feed import feed
from greyhound.race_day.past_day import PastDay, with_times
from greyhound_client import GreyhoundClient
from racing.database.engine import open_database
from racing.importers.results_api import RaceResult, import_race_results
from racing.race_day.events import events_after
from racing.stored_race import stored_races
from tests.racing.race_day.cards import DOGS
from tests.service.builders import address, empty_registry, make_registry
from tests.service.keys import service_with_keys

A_DAY = dt.date(2026, 3, 14)
OFF = dt.datetime(2026, 3, 14, 2, 0, tzinfo=dt.UTC)


@contextmanager
def client_of(folder: Path, registry: str, **settings: Any) -> Iterator[tuple[GreyhoundClient, Engine]]:
    with service_with_keys(folder, registry, settings, bot="results read") as (service, keys):
        engine = open_database(f"sqlite:///{folder}/keys.db")
        with GreyhoundClient(service.url, api_key=keys["bot"]["Authorization"].split()[1]) as client:
            yield client, engine
        engine.dispose()


def test_a_small_day_passes_with_the_clock_and_ends_with_its_record_beside_the_market(tmp_path: Path) -> None:
    past = open_database(f"sqlite:///{tmp_path}/past.db", create=True)
    results = [
        RaceResult(
            date=A_DAY,
            track="Ballarat",
            distance_m=450,
            race_number=number,
            runners=[
                {"runner": f"{dog} {number}", "box": box, "bsp": 4.0 + box}
                | {"finish_position": "SCR" if box == 6 else box}
                for box, dog in enumerate(DOGS, start=1)
            ],
        )
        for number in (1, 2)
    ]
    reserve = {"runner": "Spare Hound", "box": 9, "bsp": 9.0, "finish_position": 6}
    results[1] = replace(results[1], runners=[*results[1].runners, reserve])
    import_race_results(past, results)
    races = with_times(stored_races(past, [1, 2]))
    assert [(one.name, one.is_made_up) for one in races] == [("Ballarat R1", True), ("Ballarat R2", True)]
    lines: list[str] = []
    with client_of(tmp_path, make_registry(tmp_path), log_interval_s=0.1) as (client, _):
        total = PastDay(client, races, speed=None, show=lines.append).play()
    past.dispose()
    assert total.n_races == total.n_with_market == 2
    assert total.top_pick_rate == 1.0
    assert "2 races at 1 tracks are stored. Times are made up" in lines[0]
    assert any("2 results" in line for line in lines)
    assert any("2 scratched, 1 reserves step in" in line for line in lines)


def recording(folder: Path) -> Path:
    """A market of two minutes: a card, a runner that is removed, prices, a winner."""

    def definition(status: str, *runners: str) -> dict[str, Any]:
        named = [
            {"id": number, "name": f"{number}. {dog}", "sortPriority": number, "status": state}
            for number, (dog, state) in enumerate(zip(DOGS, runners, strict=False), start=1)
        ]
        return {
            "eventTypeId": "4339", "marketType": "WIN", "venue": "Ballarat", "countryCode": "AU",
            "timezone": "Australia/Melbourne", "name": "R3 450m Gr5", "eventName": "Ballarat (AUS) 14th Mar",
            "marketTime": OFF.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "status": status, "runners": named,
            "numberOfWinners": 1,
        }  # fmt: skip

    active = ("ACTIVE",) * 4
    changes: list[tuple[int, dict[str, Any]]] = [
        (-120, {"marketDefinition": definition("OPEN", *active)}),
        (-110, {"rc": [{"id": 1, "atb": [[3.0, 10]], "atl": [[3.2, 10]], "ltp": 3.1, "tv": 50.0}]}),
        (-60, {"marketDefinition": definition("OPEN", "ACTIVE", "ACTIVE", "REMOVED", "ACTIVE")}),
        (-50, {"rc": [{"id": 2, "atb": [[5.0, 10]], "ltp": 5.5}]}),
        (30, {"marketDefinition": definition("CLOSED", "WINNER", "LOSER", "REMOVED", "LOSER")}),
    ]
    lines = [
        json.dumps(
            {"op": "mcm", "pt": int(OFF.timestamp() * 1000) + at * 1000, "mc": [{"id": "1.7"} | change]}
        )
        for at, change in changes
    ]
    path = folder / "1.7.bz2"
    path.write_bytes(bz2.compress("\n".join(lines).encode()))
    return path


def test_a_recording_is_fed_into_a_service_as_of_today_and_each_step_is_an_event(tmp_path: Path) -> None:
    path = recording(tmp_path)
    empty_registry(tmp_path)
    with client_of(tmp_path, address(tmp_path)) as (client, engine):
        sent = feed(client, [path], speed=None, is_shifted=True, posts_per_s=None)
        with engine.connect() as connection:
            events = events_after(connection, 0, None, 100)
        assert (sent.n_cards, sent.n_scratchings, sent.n_price_reports, sent.n_results) == (1, 1, 3, 1)
        assert sent.refused == []
        steps = [kind for kind, _ in groupby(event.kind for event in events)]  # of two prices at once one
        assert steps == ["card", "price", "scratching", "price", "result"]
        assert f'"winners": ["{DOGS[0]}"]' in events[-1].body
        (race,) = client.upcoming(date=dt.date.fromisoformat(json.loads(events[0].body)["date"])).races
        assert (race.grade, race.is_outcome_known, race.scratched) == ("Grade 5 (replay)", True, [DOGS[2]])
