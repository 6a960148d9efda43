"""Stored races by HTTP: days, the races of a day, and one race as a card with its outcome beside it."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from racing.database.engine import open_database
from racing.importers.import_files import import_betfair, import_results
from racing.ratings import update_ratings
from racing.simulation.simulator import simulate_season
from tests.conftest import new_postgresql_database
from tests.racing.importers.builders import BETFAIR_HEADER, RESULTS_HEADER, betfair_row, results_row, write
from tests.racing.seasons import LAST_DAY, card_of_stored_race
from tests.service.builders import RunningService, make_registry, running_service
from tests.service.test_with_database import request_of

DAY = dt.date(2026, 7, 14)  # of the imported races, after the season's end


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A season, and on one later day a race of Betfair's, one without result, and one with an unknown box."""
    tmp_path = tmp_path_factory.mktemp("stored")
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'races.db'}"
    else:
        url = new_postgresql_database(request.getfixturevalue("postgresql_server"))
    engine = open_database(url, create=True)
    simulate_season(engine, n_races=60, seed=7, until=LAST_DAY)
    day = DAY.isoformat()
    run = [
        betfair_row("Anna", 1, won="1.0", date=day, bsp="2.0", rated="4788.29"),
        betfair_row("Bela", 2, date=day, bsp="4.0"),
        betfair_row("Cora", 9, date=day, bsp="4.0"),
        betfair_row("Dora", 4, won="", date=day, bsp=""),
    ]
    to_come = [
        betfair_row(dog, box, won="", date=day, market="78", race="R5 450m Gr5", bsp="").replace(
            ",4,78,", ",5,78,"
        )
        for dog, box in (("Elsa", 1), ("Fina", 2))
    ]
    import_betfair(
        engine, [write(tmp_path, "Iggy_Model_V2_Results_2026_07.csv", BETFAIR_HEADER, *run, *to_come)]
    )
    rows = [
        results_row("Gala", 1, "1", date=day),
        results_row("Hera", 1, "2", date=day).replace(",1,2,", ",,2,"),
    ]
    import_results(engine, [write(tmp_path, "results.csv", RESULTS_HEADER, *rows)])
    update_ratings(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def service(registry: str, stored: Engine) -> Iterator[RunningService]:
    database = stored.url.render_as_string(hide_password=False)
    with running_service(registry, database=database, log_predictions=False) as running:
        yield running


def races_of(service: RunningService, date: dt.date) -> list[dict[str, Any]]:
    answer = service.client.get("/races", params={"date": date.isoformat()})
    assert answer.status_code == 200, answer.text
    races: list[dict[str, Any]] = answer.json()["races"]
    return races


def test_days_are_paged_newest_first_and_their_races_counted(service: RunningService) -> None:
    whole = service.client.get("/race-days", params={"limit": 366}).json()
    days = [day["date"] for day in whole["race_days"]]
    assert days == sorted(days, reverse=True)
    assert whole["next_before"] is None
    first = whole["race_days"][0]
    assert first == {
        "date": "2026-07-14", "n_races": 3, "n_whole_races": first["n_whole_races"], "n_meetings": 1,
        "is_simulated": False,
        "has_learnt": None,
    }  # fmt: skip
    assert sum(day["n_races"] for day in whole["race_days"]) == 63
    assert {day["is_simulated"] for day in whole["race_days"][1:]} == {True}
    paged, before = [], None
    while page := service.client.get(
        "/race-days", params={"limit": 2} | ({"before": before} if before else {})
    ).json():
        paged += [day["date"] for day in page["race_days"]]
        before = page["next_before"]
        if before is None:
            break
    assert paged == days
    for day in whole["race_days"]:
        assert len(races_of(service, dt.date.fromisoformat(day["date"]))) == day["n_races"]


def test_the_races_of_a_day_say_what_is_known_of_them(service: RunningService) -> None:
    by_number = {race["race_number"]: race for race in races_of(service, DAY)}
    assert by_number[4] | {"id": 0} == {
        "id": 0, "date": "2026-07-14", "track": "Ballarat", "race_number": 4, "distance_m": 450,
        "grade": "Grade 5", "n_runners": 3, "is_whole": True, "is_outcome_known": True, "is_simulated": False,
        "has_learnt": None,
    }  # fmt: skip
    assert (by_number[5]["n_runners"], by_number[5]["is_outcome_known"]) == (2, False)
    assert races_of(service, dt.date(1999, 1, 1)) == []
    assert service.client.get("/races").status_code == 422


def test_a_stored_race_is_the_card_that_it_was_and_predict_takes_it_as_it_is(
    service: RunningService, stored: Engine
) -> None:
    race = races_of(service, LAST_DAY)[0]
    race_out = service.client.get(f"/races/{race['id']}").json()
    expected = request_of(card_of_stored_race(stored, race["id"])) | {"race_number": race["race_number"]}
    assert race_out["card"] == expected
    assert race_out["is_simulated"] is True
    answer = service.predict(race_out["card"])
    assert answer.status_code == 200, answer.text
    ran = [(runner["name"], runner["box"]) for runner in race_out["outcome"]["runners"]]
    assert ran == [(runner["name"], runner["box"]) for runner in answer.json()["runners"]]
    assert race_out["outcome"]["winners"] == [r["name"] for r in race_out["outcome"]["runners"] if r["won"]]
    assert [r["name"] for r in race_out["outcome"]["runners"] if r["finish_position"] == 1] == race_out[
        "outcome"
    ]["winners"]


def test_prices_at_the_off_are_on_the_card_only_where_they_are_requested(service: RunningService) -> None:
    race = next(race for race in races_of(service, DAY) if race["race_number"] == 4)
    race_out = service.client.get(f"/races/{race['id']}").json()
    assert race_out["card"]["runners"] == [
        {"name": "Anna", "box": 1, "rated_price": 1000.0},  # the most that a card takes
        {"name": "Bela", "box": 2, "rated_price": 6.0},
        {"name": "Cora", "box": 9, "is_reserve": False, "rated_price": 6.0},
    ]
    assert race_out["outcome"]["winners"] == ["Anna"]
    assert race_out["outcome"]["scratched"] == ["Dora"]
    assert race_out["outcome"]["prices_at_the_off"] == "bsp"
    assert [r["market_probability"] for r in race_out["outcome"]["runners"]] == [0.5, 0.25, 0.25]
    priced = service.client.get(f"/races/{race['id']}", params={"prices": "at_the_off"}).json()
    assert [runner.pop("price") for runner in priced["card"]["runners"]] == [2.0, 4.0, 4.0]
    assert priced == race_out
    answer = service.predict(service.client.get(f"/races/{race['id']}?prices=at_the_off").json()["card"])
    assert [r["market_probability"] for r in answer.json()["runners"]] == [0.5, 0.25, 0.25]


def test_a_race_to_come_has_a_card_and_no_outcome(service: RunningService) -> None:
    race = next(race for race in races_of(service, DAY) if race["race_number"] == 5)
    race_out = service.client.get(f"/races/{race['id']}").json()
    assert [runner["name"] for runner in race_out["card"]["runners"]] == ["Elsa", "Fina"]
    assert race_out["outcome"] is None


def test_a_race_that_makes_no_card_says_why_and_how_it_came_out(service: RunningService) -> None:
    race = next(race for race in races_of(service, DAY) if race["race_number"] is None)
    race_out = service.client.get(f"/races/{race['id']}").json()
    assert race_out["card"] is None
    assert race_out["why_no_card"] == "a card tells every runner's box, and that of Hera is not known"
    assert race_out["outcome"]["winners"] == ["Gala"]
    assert race_out["outcome"]["prices_at_the_off"] == "starting_price"


def test_a_runner_leads_to_its_dog_and_the_dog_to_its_races(service: RunningService) -> None:
    race = races_of(service, LAST_DAY)[0]
    form = service.client.get(f"/races/{race['id']}/form").json()
    runner = max(form["runners"], key=lambda runner: runner["n_runs"])
    assert 0 < len(runner["runs"]) <= 6
    assert all(line["date"] < form["date"] for line in runner["runs"])
    found = service.client.get("/dogs", params={"q": runner["name"].lower()}).json()
    assert found["dogs"][0]["id"] == runner["dog_id"]
    dog = service.client.get(f"/dogs/{runner['dog_id']}", params={"limit": 1}).json()
    assert dog["runs"][0]["race_id"] == race["id"]
    earlier = service.client.get(f"/dogs/{dog['id']}", params={"before": dog["next_before"]}).json()
    assert earlier["runs"] == runner["runs"][: len(earlier["runs"])]
    assert {"date", "rating", "mean", "sd"} == dog["ratings"][0].keys()
    assert [track["name"] for track in service.client.get("/tracks?q=ballarat").json()["tracks"]] == [
        "Ballarat"
    ]


@pytest.mark.parametrize(
    ("address", "status", "slug"),
    [
        ("/dogs", 422, "invalid-request"), ("/dogs?q=", 422, "invalid-request"),
        ("/dogs?q=" + "x" * 61, 422, "invalid-request"), ("/dogs?q=a%00b", 422, "invalid-request"),
        ("/dogs?q=a&limit=101", 422, "invalid-request"), ("/tracks?q=%1b", 422, "invalid-request"),
        ("/dogs/999999", 404, "no-such-dog"), ("/dogs/x", 404, "no-such-dog"),
        ("/dogs/2147483648", 404, "no-such-dog"), ("/dogs/1?before=soon", 422, "invalid-request"),
        ("/races/999999/form", 404, "no-such-race"), ("/races/x/form", 404, "no-such-race"),
    ],
)  # fmt: skip
def test_what_no_dog_can_be_found_by_is_refused_with_the_rule(
    service: RunningService, address: str, status: int, slug: str
) -> None:
    answer = service.client.get(address)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:greyhound:problem:{slug}")


@pytest.mark.parametrize("number", ["0", "999999", "2147483648", "-1", "x", "²"])
def test_a_race_that_is_not_there_is_a_404_that_says_where_to_look(
    service: RunningService, number: str
) -> None:
    answer = service.client.get(f"/races/{number}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:greyhound:problem:no-such-race")
    assert "GET /races?date=" in answer.json()["detail"]


def test_without_a_database_stored_races_are_a_503(registry: str) -> None:
    with running_service(registry) as service:
        for path in ("/race-days", "/races?date=2026-03-14", "/races/1", "/dogs?q=a", "/dogs/1", "/tracks"):
            answer = service.client.get(path)
            assert (answer.status_code, answer.json()["type"]) == (
                503,
                "urn:greyhound:problem:database-unavailable",
            )


def test_a_database_that_hangs_holds_nobody_longer_than_its_time_out(
    registry: str, postgresql_url: str
) -> None:
    open_database(postgresql_url, create=True).dispose()
    place = postgresql_url.replace("+psycopg", "")
    with running_service(registry, database=postgresql_url, database_timeout_s=2.5) as service:
        assert service.client.get("/race-days").json() == {"race_days": [], "next_before": None}
        with psycopg.connect(place) as other:
            other.execute("LOCK TABLE race IN ACCESS EXCLUSIVE MODE")
            answer = service.client.get("/race-days")
            assert answer.status_code == 503
            # the database ends the statement itself, or its thread is no longer awaited: whichever is first
            assert answer.json()["detail"].startswith(
                ("the race database has not answered within 2.5 s", "the race database does not answer")
            )
        assert service.client.get("/race-days").status_code == 200
