"""A day by HTTP: cards come in, are predicted once, scratched, run, and the record has them."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from racing.database.engine import open_database
from service.race_day.day_predictions import DayPredictions
from tests.clocks.today import today
from tests.service.builders import RunningService, make_registry, point_alias_at, running_service
from tests.service.keys import make_keys, wait_until_keys_are_read
from tests.service.living import wait_until
from tests.service.prediction_log.builders import make_sqlite

TRACK = "Sandown Park"
NAMES = ["Anna", "Bela", "Cleo", "Dora", "Edda", "Fips"]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"), exponents=(1.0, 2.0))


@pytest.fixture(scope="module")
def service(registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder: Path = tmp_path_factory.mktemp("day")
    database = make_sqlite(folder)
    engine = open_database(database)
    key = make_keys(engine, feed="results")["feed"]
    engine.dispose()
    settings: dict[str, Any] = {"database_poll_s": 0.1, "log_interval_s": 0.1, "keys_poll_s": 0.2}
    settings["database_timeout_s"] = 60  # 2 s are little where ten others run
    with running_service(registry, database=database, spool=str(folder / "spool"), **settings) as running:
        wait_until_keys_are_read(running)
        running.client.headers.update(key)
        yield running


def card_of(number: int, *, prices: bool = True, **changes: Any) -> dict[str, Any]:
    runners = [
        {"name": f"{name} {number}", "box": box, **({"price": 2.0 + box} if prices else {})}
        for box, name in enumerate(NAMES, 1)
    ]
    about = {"date": today(TRACK).isoformat(), "track": TRACK, "distance_m": 515, "race_number": number}
    return about | {"runners": runners} | changes


def store(service: RunningService, *cards: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    answer = service.client.post("/races/upcoming", json={"cards": list(cards)} | more)
    assert answer.status_code == 200, answer.text
    races: list[dict[str, Any]] = answer.json()["races"]
    return races


def upcoming(service: RunningService, **params: Any) -> dict[int, dict[str, Any]]:
    answer = service.client.get("/races/upcoming", params={"predict": True} | params)
    assert answer.status_code == 200, answer.text
    return {race["id"]: race for race in answer.json()["races"]}


def logged(service: RunningService, number: int) -> list[dict[str, Any]]:
    found = service.client.get("/predictions", params={"limit": 200}).json()["predictions"]
    return [one for one in found if one["race_number"] == number]


def wait_until_logged(service: RunningService, number: int, n: int) -> list[dict[str, Any]]:
    wait_until(lambda: len(logged(service, number)) >= n)
    return logged(service, number)


def test_a_day_goes_from_cards_over_scratchings_and_results_into_the_record(service: RunningService) -> None:
    (stored,) = store(service, card_of(1))
    assert (stored["is_new"], stored["changes"]) == (True, [])
    race = upcoming(service)[stored["id"]]
    assert (race["track"], race["country"], race["zone"]) == (TRACK, "AU", "Australia/Melbourne")
    assert (race["n_runners"], race["n_without_form"], race["is_outcome_known"]) == (6, 6, False)
    prediction = race["prediction"]
    assert (prediction["version"], prediction["problem"]) == (1, None)
    pick = prediction["top_pick"]
    assert pick["fair_price"] == pytest.approx(1 / pick["win_probability"])
    most = prediction["disagrees"]
    assert most["edge"] == pytest.approx(most["win_probability"] * most["price"] - 1, abs=1e-6)

    whole = service.client.get(f"/races/{stored['id']}/prediction").json()
    assert {runner["name"]: runner["win_probability"] for runner in whole["runners"]}[pick["name"]] == pick[
        "win_probability"
    ]
    explained = service.client.get(f"/races/{stored['id']}/prediction", params={"explain": True}).json()
    assert explained["runners"][0]["explanation"] is not None
    with_bets = service.client.get(f"/races/{stored['id']}/prediction", params={"bets": "exacta"}).json()
    assert with_bets["bets"][0]["n_combinations"] == 30
    assert "bets" not in service.client.get(f"/races/{stored['id']}/prediction").json()

    scratched = service.client.post(f"/races/{stored['id']}/scratchings", json={"name": "anna 1"})
    assert scratched.status_code == 200, scratched.text
    shown = scratched.json()
    assert [one["name"] for one in shown["runners"] if one["is_scratched"]] == ["Anna 1"]
    assert len(shown["prices"]) == 6
    after = upcoming(service)[stored["id"]]
    assert (after["scratched"], after["n_runners"]) == (["Anna 1"], 5)
    whole = service.client.get(f"/races/{stored['id']}/prediction").json()
    shares = [runner["win_probability"] for runner in whole["runners"]]
    assert whole["runners"][0]["status"] == "scratched"
    assert sum(shares) == pytest.approx(1)
    assert len(wait_until_logged(service, 1, 2)) == 2

    result = {
        "date": today(TRACK).isoformat(), "track": "SANDOWN", "distance_m": 515, "race_number": 1,
        "runners": [
            {"name": f"{name.upper()} 1", "finish_position": place, "bsp": 2.0 * place}
            for place, name in enumerate(NAMES[1:], 1)
        ],
    }  # fmt: skip
    assert service.client.post("/results", json={"races": [result]}).status_code == 202
    run = upcoming(service)[stored["id"]]
    assert (run["is_outcome_known"], run["winners"]) == (True, ["Bela 1"])
    assert run["prediction"]["top_pick"] == after["prediction"]["top_pick"]
    wait_until(lambda: all(one["loss"] is not None for one in logged(service, 1)))
    newest = logged(service, 1)[0]
    assert [runner["name"] for runner in newest["runners"] if runner["won"]] == ["Bela 1"]
    assert len(logged(service, 1)) == 2
    refused = service.client.post(f"/races/{stored['id']}/scratchings", json={"name": "Bela 1"})
    assert refused.status_code == 422


def test_many_who_ask_at_once_cause_one_scoring_and_a_promotion_another(
    service: RunningService, registry: str
) -> None:
    ids = [race["id"] for race in store(service, *(card_of(number) for number in (2, 3, 4)))]

    async def ask() -> list[int]:
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
            answers = await asyncio.gather(
                *(client.get("/races/upcoming", params={"predict": True}) for _ in range(12)),
                *(client.get(f"/races/{ids[0]}/prediction") for _ in range(12)),
            )
        return [answer.status_code for answer in answers]

    assert set(asyncio.run(ask())) == {200}
    for number in (2, 3, 4):
        assert len(wait_until_logged(service, number, 1)) == 1
    assert store(service, card_of(2))[0]["changes"] == []  # stated again, nothing is new
    upcoming(service)
    point_alias_at(registry, 2)
    service.wait_until(lambda status: status["version"] == 2)
    assert {upcoming(service)[one]["prediction"]["version"] for one in ids} == {2}
    for number in (2, 3, 4):
        versions = [one["model_version"] for one in wait_until_logged(service, number, 2)]
        assert sorted(versions) == [1, 2]
    point_alias_at(registry, 1)
    service.wait_until(lambda status: status["version"] == 1)


def test_prices_that_change_bring_another_market_and_the_newest_statement_counts(
    service: RunningService,
) -> None:
    (stored,) = store(service, card_of(5), stated_at=dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    path = f"/races/{stored['id']}/prediction"
    before = service.client.get(path).json()["runners"][0]["market_probability"]
    dearer = card_of(5)
    dearer["runners"][0]["price"] = 30.0
    old = store(service, dearer, stated_at="2026-01-01T00:00:00Z")[0]
    assert old["changes"] == []
    (news,) = store(service, dearer)
    assert news["changes"] == ["Anna 5 has the price 30"]
    assert service.client.get(path).json()["runners"][0]["market_probability"] < before


def test_what_breaks_a_rule_is_refused_with_where_it_stands_and_nothing_is_stored(
    service: RunningService,
) -> None:
    bad = card_of(7, runners=[{"name": "Solo", "box": 1}, {"name": "Solo", "box": 2}])
    answer = service.client.post("/races/upcoming", json={"cards": [card_of(6), bad]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/cards/1/runners/0/name"
    assert all(race["race_number"] not in (6, 7) for race in upcoming(service, predict=False).values())
    ahead = {"cards": [card_of(6)], "stated_at": "2099-01-01T00:00:00Z"}
    assert service.client.post("/races/upcoming", json=ahead).status_code == 422
    assert service.client.post("/races/999999/scratchings", json={"name": "Anna"}).status_code == 404
    assert service.client.get("/races/999999/prediction").status_code == 404
    without_key = httpx.post(f"{service.url}/races/upcoming", json={"cards": [card_of(6)]})
    assert without_key.status_code == 401


def test_the_least_recently_used_is_forgotten_first() -> None:
    day: Any = DayPredictions.__new__(DayPredictions)
    day._remembered, day._n_remembered = __import__("collections").OrderedDict(), 2
    for number in (1, 2):
        day._remember(number, object())
    day._recall(1)
    day._remember(3, object())
    assert sorted(day._remembered) == [1, 3]


def test_on_postgresql_a_race_is_predicted_once_scratched_and_listed_with_its_result(
    registry: str, postgresql_url: str, tmp_path: Path
) -> None:
    engine = open_database(postgresql_url, create=True)
    key = make_keys(engine, feed="results")["feed"]
    engine.dispose()
    settings: dict[str, Any] = {"database_poll_s": 0.1, "log_interval_s": 0.1, "keys_poll_s": 0.2}
    settings["database_timeout_s"] = 60
    with running_service(
        registry, database=postgresql_url, spool=str(tmp_path / "spool"), **settings
    ) as running:
        wait_until_keys_are_read(running)
        running.client.headers.update(key)
        (stored,) = store(running, card_of(1))
        before = upcoming(running)[stored["id"]]["prediction"]
        assert upcoming(running)[stored["id"]]["prediction"] == before
        # the same race by another source, which says that it is longer
        store(running, card_of(1, distance_m=520))
        scratching = {"name": "Anna 1"}
        assert running.client.post(f"/races/{stored['id']}/scratchings", json=scratching).status_code == 200
        (race,) = upcoming(running).values()
        assert (race["id"], race["distance_m"], race["scratched"]) == (stored["id"], 520, ["Anna 1"])
        result = {
            "date": today(TRACK).isoformat(), "track": TRACK, "distance_m": 525, "race_number": 1,
            "runners": [{"name": f"{name} 1", "finish_position": n} for n, name in enumerate(NAMES[1:], 1)],
        }  # fmt: skip
        assert running.client.post("/results", json={"races": [result]}).status_code == 202
        (race,) = upcoming(running).values()
        assert (race["id"], race["distance_m"], race["winners"]) == (stored["id"], 525, ["Bela 1"])
        wait_until(lambda: [one["loss"] is not None for one in logged(running, 1)] == [True] * 2)
