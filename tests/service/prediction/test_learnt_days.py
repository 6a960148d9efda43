"""Races that a version has learnt from say so wherever they are shown, by the version's own data."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.racing.seasons import LAST_DAY, make_season
from tests.service.builders import RunningService, address, empty_registry, make_model, running_service

FIRST, LAST = LAST_DAY - dt.timedelta(days=400), LAST_DAY - dt.timedelta(days=5)


def window(since: dt.date, until: dt.date) -> dict[str, Any]:
    return {"from": since.isoformat(), "until": until.isoformat(), "races": 10, "runners": 80}


DATA = {
    "train": window(FIRST, LAST - dt.timedelta(days=50)),
    "calibration": window(LAST - dt.timedelta(days=49), LAST),
    "test": window(LAST + dt.timedelta(days=1), LAST_DAY),
}


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = make_season(tmp_path_factory.mktemp("season"), n_races=60)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def service(season: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder: Path = tmp_path_factory.mktemp("registry")
    registry = empty_registry(folder)
    make_model(folder / "model", training={"data": DATA})
    registry.register(folder / "model")
    registry.promote(1, reason="a test wants it", by="test")
    settings = {"database": str(season.url), "spool": str(folder / "spool"), "log_interval_s": 0.05}
    with running_service(address(folder), **settings) as running:
        yield running


def test_stored_races_and_their_days_are_marked_up_to_the_last_day_learnt(service: RunningService) -> None:
    status = service.client.get("/model_status").json()
    assert (status["learnt_since"], status["learnt_until"]) == (FIRST.isoformat(), LAST.isoformat())
    days = service.client.get("/race-days", params={"limit": 30}).json()["race_days"]
    assert {day["date"]: day["has_learnt"] for day in days} == {
        day["date"]: day["date"] <= LAST.isoformat() for day in days
    }
    assert {day["has_learnt"] for day in days} == {True, False}
    for day in (days[0], days[-1]):
        for race in service.client.get("/races", params={"date": day["date"]}).json()["races"]:
            assert race["has_learnt"] == day["has_learnt"]
            one = service.client.get(f"/races/{race['id']}").json()
            assert one["has_learnt"] == day["has_learnt"]


def test_logged_cards_say_that_they_are_late_and_that_the_version_had_learnt(service: RunningService) -> None:
    days = service.client.get("/race-days", params={"limit": 30}).json()["race_days"]
    expected = {}
    for day in (days[0], days[-1]):
        race = service.client.get("/races", params={"date": day["date"]}).json()["races"][0]
        card = service.client.get(f"/races/{race['id']}").json()["card"]
        expected[service.predict(card).json()["request_id"]] = day["has_learnt"]

    def logged() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = service.client.get("/predictions").json()["predictions"]
        return found

    service.wait_until(lambda _: len(logged()) == 2)
    assert {card["request_id"]: card["has_learnt"] for card in logged()} == expected
    assert {card["is_ahead"] for card in logged()} == {False}
    listed = service.client.get("/predictions", params={"with_late": False}).json()["predictions"]
    assert listed == []
