"""Results come in by HTTP, and each logged prediction is matched with its outcome."""

import datetime as dt
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from racing.database.engine import open_database
from racing.importers.undo import imported_files, undo_import
from tests.clocks.today import today
from tests.service.builders import (
    RunningService,
    make_card,
    make_registry,
    point_alias_at,
    running_service,
)
from tests.service.keys import make_keys, wait_until_keys_are_read
from tests.service.prediction_log.builders import make_sqlite

TRACK = "Sandown Park"
NAMES = ["Anna", "Bela", "Cleo", "Dora", "Edda", "Fips"]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"), exponents=(1.0, 2.0))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return make_sqlite(tmp_path)
    url: str = request.getfixturevalue("postgresql_url")
    open_database(url, create=True).dispose()
    return url


@pytest.fixture
def service(registry: str, database: str, tmp_path: Path) -> Iterator[RunningService]:
    with bringing_service(registry, database, tmp_path) as running:
        yield running


@contextmanager
def bringing_service(registry: str, database: str, folder: Path) -> Iterator[RunningService]:
    """A service whose client may bring results."""
    settings = {"database": database, "database_poll_s": 0.1, "log_interval_s": 0.1, "keys_poll_s": 0.2}
    engine = open_database(database)
    key = make_keys(engine, bringer="results")["bringer"]
    engine.dispose()
    with running_service(registry, spool=str(folder / "spool"), **settings) as running:
        wait_until_keys_are_read(running)
        running.client.headers.update(key)
        yield running


def card_of(names: list[str], number: int = 1, **changes: Any) -> dict[str, Any]:
    card = make_card(len(names), date=today(TRACK).isoformat(), race_number=number, **changes)
    for runner, name in zip(card["runners"], names, strict=True):
        runner["name"] = f"{name} {number}"
    return card


def result_of(order: list[str], number: int = 1, **changes: Any) -> dict[str, Any]:
    """A race that ended in this order, the prices rising with the place."""
    runners = [
        {"name": f"{name.upper()} {number}", "finish_position": place, "bsp": 2.0 * place}
        for place, name in enumerate(order, start=1)
    ]
    race = {"date": today(TRACK).isoformat(), "track": "SANDOWN", "distance_m": 515, "race_number": number}
    return race | {"runners": runners} | changes


def bring(service: RunningService, *races: dict[str, Any]) -> httpx.Response:
    return service.client.post("/results", json={"races": list(races)})


def predictions(service: RunningService, is_so: Any, **params: Any) -> list[dict[str, Any]]:
    """Ask for the log until it is as wanted."""
    deadline = time.monotonic() + 60
    while True:
        answer = service.client.get("/predictions", params=params)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["predictions"]
        if is_so(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def test_a_prediction_meets_its_outcome_and_a_correction_of_it(service: RunningService) -> None:
    answer = service.predict(card_of(NAMES)).json()
    answered = {runner["name"]: runner["win_probability"] for runner in answer["runners"]}
    predictions(service, lambda found: len(found) == 1)
    brought = bring(service, result_of(NAMES[::-1]))
    assert brought.status_code == 202, brought.text
    assert brought.json()["ratings"] == "follow"
    (race,) = brought.json()["races"]
    assert race == {"status": "imported", "n_added": 6, "n_updated": 0, "n_known": 0, "problems": []}
    (card,) = predictions(service, lambda found: found[0]["loss"] is not None)
    assert card["request_id"] == answer["request_id"]
    assert card["loss"] == pytest.approx(-math.log(answered["Fips 1"]))
    assert card["uniform_loss"] == pytest.approx(math.log(6))
    market = [1 / (2 * place) for place in range(1, 7)]
    assert card["market_loss"] == pytest.approx(-math.log(market[0] / sum(market)))
    outcomes = {runner["name"]: runner for runner in card["runners"]}
    assert [outcomes[f"{name} 1"]["finish_position"] for name in NAMES] == [6, 5, 4, 3, 2, 1]
    assert [runner["name"] for runner in card["runners"] if runner["won"]] == ["Fips 1"]

    assert bring(service, result_of(NAMES[::-1])).json()["races"][0]["status"] == "already imported"
    corrected = bring(service, result_of(NAMES))
    assert corrected.status_code == 202, corrected.text
    (card,) = predictions(service, lambda found: found[0]["runners"][0]["won"])
    assert card["loss"] == pytest.approx(-math.log(answered["Anna 1"]))


def test_who_did_not_start_is_left_out_and_who_was_not_on_the_card_spoils_the_judging(
    service: RunningService,
) -> None:
    answer = service.predict(card_of(NAMES)).json()
    service.predict(card_of(NAMES[:5], number=2))
    predictions(service, lambda found: len(found) == 2)
    assert bring(service, result_of(NAMES[1:]), result_of(NAMES, number=2)).status_code == 202
    strange, scratched = predictions(service, lambda found: all(card["race_id"] for card in found))
    p = {runner["name"]: runner["win_probability"] for runner in answer["runners"]}
    started = sum(p[f"{name} 1"] for name in NAMES[1:])
    assert scratched["loss"] == pytest.approx(-math.log(p["Bela 1"] / started))
    assert sum(runner["share"] for runner in scratched["runners"] if runner["share"]) == pytest.approx(1)
    assert scratched["runners"][0]["won"] is None
    assert strange["loss"] is None
    score = service.client.get("/predictions/score", params={"by": "track"}).json()
    assert score["total"]["n_races"] == 1
    assert [group["group"] for group in score["groups"]] == ["SANDOWNPARK"]
    assert score["groups"][0]["log_loss"] == pytest.approx(scratched["loss"])
    assert sum(one["n_runners"] for one in score["calibration"]) == 5


def test_results_taken_back_out_leave_the_prediction_without_outcome(
    service: RunningService, database: str
) -> None:
    service.predict(card_of(NAMES))
    predictions(service, lambda found: len(found) == 1)
    bring(service, result_of(NAMES))
    predictions(service, lambda found: found[0]["loss"] is not None)
    engine = open_database(database)
    (file,) = imported_files(engine)
    undo_import(engine, str(file.id))
    engine.dispose()
    (card,) = predictions(service, lambda found: found[0]["loss"] is None)
    assert (card["race_id"], card["market_loss"]) == (None, None)
    assert {runner["finish_position"] for runner in card["runners"]} == {None}


def test_results_that_were_there_first_are_met_too_and_of_two_cards_the_last_counts(
    service: RunningService,
) -> None:
    bring(service, result_of(NAMES))
    service.predict(card_of(NAMES))
    last = service.predict(card_of(NAMES, grade="Grade 5")).json()
    found = predictions(service, lambda found: len(found) == 2 and all(card["loss"] for card in found))
    score = service.client.get("/predictions/score", params={"by": "version"}).json()
    assert found[0]["request_id"] == last["request_id"]
    assert (score["total"]["n_races"], score["groups"][0]["group"]) == (1, "1")
    assert score["total"]["log_loss"] == pytest.approx(found[0]["loss"])


def test_a_card_answered_after_its_race_day_counts_only_on_request(service: RunningService) -> None:
    day = (today(TRACK) - dt.timedelta(days=1)).isoformat()
    service.predict(card_of(NAMES) | {"date": day})
    bring(service, result_of(NAMES) | {"date": day})
    predictions(service, lambda found: found and found[0]["loss"] is not None)
    ask = service.client.get
    assert ask("/predictions/score").json()["total"] == {
        "group": "all", "name": "all", "n_races": 0, "log_loss": None, "uniform_log_loss": None,
        "top_pick_rate": None, "n_with_market": 0, "log_loss_with_market": None, "market_log_loss": None,
        "behind_market": None, "behind_market_low": None, "behind_market_high": None,
    }  # fmt: skip
    assert ask("/predictions/score", params={"with_late": True}).json()["total"]["n_races"] == 1


def test_a_race_that_two_versions_answered_counts_once_in_all_and_once_for_each(
    service: RunningService, registry: str
) -> None:
    first = service.predict(card_of(NAMES)).json()
    point_alias_at(registry, 2)
    service.wait_until(lambda status: status["version"] == 2)
    try:
        for number in range(1, 13):
            last = service.predict(card_of(NAMES, number=number)).json()
        predictions(service, lambda found: len(found) == 13)
        orders = {n: NAMES[n % 6 :] + NAMES[: n % 6] for n in range(1, 13)}
        assert bring(service, *(result_of(o, number=n) for n, o in orders.items())).status_code == 202
        found = predictions(service, lambda found: all(card["loss"] for card in found))
    finally:
        point_alias_at(registry, 1)
    by_version, by_week = (
        service.client.get("/predictions/score", params={"by": by}).json() for by in ("version", "week")
    )
    assert by_version["total"] == by_week["total"]
    assert by_version["total"]["n_races"] == 12
    assert [(group["group"], group["n_races"]) for group in by_version["groups"]] == [("1", 1), ("2", 12)]
    counted = service.client.get("/predictions", params={"counted": True}).json()["predictions"]
    assert [card["request_id"] for card in counted] == [
        card["request_id"] for card in found if card["request_id"] != first["request_id"]
    ]
    assert counted[0]["request_id"] == last["request_id"]
    total = by_week["total"]
    gaps = np.array([card["loss"] - card["market_loss"] for card in counted])
    half = 2.200985 * gaps.std(ddof=1) / math.sqrt(12)  # Student's quantile of 11 degrees of freedom
    assert total["behind_market"] == pytest.approx(gaps.mean())
    assert total["behind_market_high"] - total["behind_market"] == pytest.approx(half, rel=0.002, abs=1e-9)
    assert total["behind_market_low"] == pytest.approx(gaps.mean() - half, abs=0.002 * half + 1e-9)


def test_ratings_learn_from_results_that_were_brought(service: RunningService) -> None:
    bring(service, result_of(NAMES))
    tomorrow = (today(TRACK) + dt.timedelta(days=1)).isoformat()
    card = {"date": tomorrow, "track": "Sandown Park", "distance_m": 515}
    card["runners"] = [{"name": f"{name} 1", "box": box} for box, name in enumerate(NAMES, start=1)]
    service.wait_until(lambda status: status["database_error"] is None)
    deadline = time.monotonic() + 60
    while (answer := service.predict(card)).status_code != 200 or answer.json()["warnings"]:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    assert {runner["n_prior_runs"] for runner in answer.json()["runners"]} == {1}


def test_the_log_is_read_page_by_page_by_day_version_and_track(service: RunningService) -> None:
    for number in range(1, 6):
        service.predict(card_of(NAMES[:3], number=number))
    tomorrow = (today(TRACK) + dt.timedelta(days=1)).isoformat()
    service.predict(card_of(NAMES[:3], number=6, track="The Meadows") | {"date": tomorrow})
    found = predictions(service, lambda found: len(found) == 6)
    ask = service.client.get
    first = ask("/predictions", params={"limit": 4}).json()
    second = ask("/predictions", params={"limit": 4, "before": first["next_before"]}).json()
    assert first["predictions"] + second["predictions"] == found
    assert second["next_before"] is None
    assert [card["race_number"] for card in found] == [6, 5, 4, 3, 2, 1]
    for params, n in (
        ({"since": tomorrow}, 1), ({"until": today(TRACK).isoformat()}, 5), ({"version": 1}, 6),
        ({"version": 2}, 0), ({"track": "Meadows"}, 1),
    ):  # fmt: skip
        assert len(ask("/predictions", params=params).json()["predictions"]) == n, params


@pytest.mark.parametrize(
    ("race", "rule"),
    [
        ({"date": "9999-12-31"}, "between 1990-01-01 and today"),
        ({"distance_m": 5}, "greater than or equal to 150"),
        ({"runners": [{"name": "???"}, {"name": "!!!"}]}, "a letter or digit"),
        ({"runners": [{"name": "A"}]}, "at least 2"),
        ({"runners": [{"name": "A", "won": True, "finish_position": 2}, {"name": "B"}]}, "got True and 2"),
        ({"runners": [{"name": "A", "won": False, "finish_position": "SCR"}, {"name": "B"}]}, "and 'SCR'"),
        ({"colour": "red"}, "not permitted"),
    ],
)
def test_results_that_break_a_rule_are_refused_with_the_rule(
    registry: str, tmp_path: Path, race: dict[str, Any], rule: str
) -> None:
    with bringing_service(registry, make_sqlite(tmp_path), tmp_path) as service:
        answer = bring(service, result_of(NAMES) | race)
        assert answer.status_code == 422
        assert rule in answer.text
        twice = bring(service, result_of(NAMES), result_of(NAMES[::-1]))
        assert "got twice" in twice.json()["detail"]


def test_without_a_database_the_log_cannot_be_read(registry: str) -> None:
    with running_service(registry) as service:
        answer = service.client.get("/predictions")
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:greyhound:problem:database-unavailable"
        assert "GREYHOUND_DATABASE" in answer.json()["detail"]


def test_results_may_have_finish_codes_and_a_reserve_that_ran_elsewhere(service: RunningService) -> None:
    first, second = result_of(NAMES, 1), result_of(NAMES, 2)
    first["runners"] = [
        {"name": "Alpha One", "box": 1, "finish_position": 1},
        {"name": "Bravo Two", "box": 2, "finish_position": "=2"},
        {"name": "Charlie Three", "box": 3, "finish_position": "=2"},
        {"name": "Delta Four", "box": 4, "finish_position": "DNF"},
        {"name": "Spare Hound", "box": 9, "finish_position": None},
        {"name": "VACANT", "box": 7},
    ]
    second["runners"] = [
        {"name": "Spare Hound", "box": 5, "finish_position": 1},
        {"name": "Echo Five", "box": 6, "finish_position": 2},
    ]
    answer = bring(service, first, second)
    assert answer.status_code == 202, answer.text
    assert [race["problems"] for race in answer.json()["races"]] == [[], []]
    races = service.client.get("/races", params={"date": first["date"]}).json()["races"]
    assert {race["race_number"]: (race["is_whole"], race["n_runners"]) for race in races} == {
        1: (True, 4),
        2: (True, 2),
    }
    first["runners"][0]["finish_position"] = "XYZ"
    refused = bring(service, first)
    assert refused.status_code == 422
    assert "'XYZ'" in refused.text
