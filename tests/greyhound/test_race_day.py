"""A past day passes through a running service, and recordings are fed into one, with nothing lost."""

import bz2
import csv
import datetime as dt
import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, text

from greyhound.cli import main
from greyhound.race_day.feed import feed
from greyhound.race_day.past_day import PastDay, with_times
from greyhound_client import GreyhoundClient, Unreachable
from racing.database.engine import open_database
from racing.importers.import_files import import_files
from racing.importers.results_api import RaceResult, import_race_results
from racing.race_day.events import events_after
from racing.stored_race import stored_races
from tests.racing.race_day.cards import DOGS
from tests.service.builders import address, empty_registry, make_registry, running_service
from tests.service.keys import service_with_keys
from tests.service.living import SOON_S
from tests.service.trained import make_trained_registry

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


class _Noticing(GreyhoundClient):
    """A client that sends prices once it may, and says when it found nobody."""

    may_send, was_alone = threading.Event(), threading.Event()

    def send_prices(self, prices: Any) -> Any:
        assert self.may_send.wait(SOON_S)
        try:
            return super().send_prices(prices)
        except Unreachable:
            self.was_alone.set()
            raise


def test_a_service_that_is_replaced_in_the_middle_of_a_feed_has_all_of_it(tmp_path: Path) -> None:
    path, sent = recording(tmp_path), []
    empty_registry(tmp_path)
    with service_with_keys(tmp_path, address(tmp_path), bot="results read") as (service, keys):
        port = int(service.url.rpartition(":")[2])
        client = _Noticing(service.url, api_key=keys["bot"]["Authorization"].split()[1])

        def play() -> None:
            sent.append(feed(client, [path], speed=None, is_shifted=True, posts_per_s=None))

        player = threading.Thread(target=play, daemon=True)
        player.start()
        with service.client.stream("GET", "/events", params={"after": 0}, timeout=SOON_S) as stream:
            assert any(line == "event: card" for line in stream.iter_lines())
    client.may_send.set()  # the service has stopped, and the feed is between a card and its prices
    assert client.was_alone.wait(SOON_S)
    database = f"sqlite:///{tmp_path}/keys.db"
    with running_service(address(tmp_path), database=database, port=port, keys_poll_s=0.2):
        player.join(SOON_S)
    client.close()
    engine = open_database(database)
    with engine.connect() as connection:
        events = [event.kind for event in events_after(connection, 0, None, 100)]
    engine.dispose()
    assert sent[0].n_repeated > 0
    assert [kind for kind, _ in groupby(events)] == ["card", "price", "scratching", "price", "result"]
    assert events.count("price") == sent[0].n_price_events


def test_a_feed_stores_what_an_import_of_the_same_recordings_does(real_data: Path, tmp_path: Path) -> None:
    paths = [real_data / "betfair_stream" / name for name in ("1.195395455.bz2", "1.195532862.bz2")]
    if not all(path.is_file() for path in paths):
        pytest.skip("the recordings are not among the real files")
    empty_registry(tmp_path)
    imported = open_database(f"sqlite:///{tmp_path}/imported.db", create=True)
    import_files(imported, paths)
    with client_of(tmp_path, address(tmp_path)) as (client, fed):
        sent = feed(client, paths, speed=None, posts_per_s=None, prices_every_s=20.0)
        assert sent.refused == []
        ours, theirs = stored(fed), stored(imported)
    imported.dispose()
    assert len({run[:2] for run in theirs[0]}) == 2
    assert ours[0] == theirs[0]
    both = ours[1].keys() & theirs[1].keys()
    assert {race for race, *_ in both} == {run[5] for run in theirs[0] if not run[6]}
    assert len(both) > 50
    # The import takes the price at a full minute, the feed the last one of up to 20 s before it.
    apart = sorted(abs(ours[1][key] / theirs[1][key] - 1) for key in both)
    assert apart[len(apart) // 2] < 0.05
    assert apart[len(apart) * 9 // 10] < 0.25


def stored(engine: Engine) -> tuple[list[tuple[Any, ...]], dict[tuple[Any, ...], float]]:
    """Each run of a database, and the last prices by dog and minutes before the off."""
    runs = """SELECT race.number, track.name, race.date, race.distance_m, race.off_at, dog.key,
                     run.is_scratched, run.won, run.bsp
              FROM run JOIN race ON race.id = run.race_id JOIN dog ON dog.id = run.dog_id
              JOIN track ON track.id = race.track_id ORDER BY track.name, race.number, dog.key"""
    prices = """SELECT dog.key, runnerprice.minutes, runnerprice.last
                FROM runnerprice JOIN dog ON dog.id = runnerprice.dog_id WHERE runnerprice.last > 1"""
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(runs))]
        return found, {(row.key, row.minutes): row.last for row in connection.execute(text(prices))}


def test_a_real_day_is_answered_by_a_champion_of_ones_own_that_has_not_learnt_from_it(
    real_data: Path, tmp_path: Path
) -> None:
    month = real_data / "betfair" / "ANZ_Greyhounds_2026_03.csv.gz"
    if not month.is_file():
        pytest.skip(f"no {month}")
    with gzip.open(month, "rt", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    some = [row for row in rows if row[0] in ("2026-03-30", "2026-03-31") and row[1] == "Angle Park"]
    path = tmp_path / month.stem
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *some])
    n_races = len({row[4] for row in some if row[0] == "2026-03-31"})
    registry = make_trained_registry(tmp_path, 1.5)  # learnt to 2025-12-31
    where = ("--registry", registry, "--folder", str(tmp_path / "played"))
    played = play("2026-03-31", str(path), *where)
    assert played.exit_code == 0, played.output
    assert "Version 1 answers, which has learnt to 2025-12-31" in played.output
    assert "reserves step in" in played.output
    assert f"The record of 2026-03-31: {n_races} races" in played.output
    assert f" {n_races} result." in played.output  # events, of a day long past
    assert f"beside the market at the off ({n_races} races)" in played.output
    refused = play("2025-12-31", str(path), *where[:2], "--folder", str(tmp_path / "other"))
    assert refused.exit_code != 0
    assert "learnt to 2025-12-31" in refused.output


def play(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["day", *arguments])
