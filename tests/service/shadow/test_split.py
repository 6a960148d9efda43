"""A split: challengers answer a share of races, the same ones in every replica and at every repetition."""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from racing.experiments.arms import arm_of
from racing.experiments.records import change_share
from racing.experiments.start_stop import start_challenge, stop_experiment
from tests.service.builders import (
    RunningService,
    make_card,
    make_registry,
    open_registry,
    running_service,
)
from tests.service.living import wait_until
from tests.service.load import Load
from tests.service.prediction_log.builders import away, logged, make_sqlite
from tests.service.shadow.builders import (
    heavy_card,
    make_spoiled_model,
    settings_of,
    wait_for_challengers,
)

N_RACES = 12


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A champion, and two versions beside it."""
    return make_registry(tmp_path_factory.mktemp("registry"), exponents=(1.0, 0.5, 2.0))


def race(number: int, **changes: Any) -> dict[str, Any]:
    return make_card(4, race_number=number, **changes)


@contextmanager
def split(registry: str, database: str, challengers: list[int], share: float) -> Iterator[int]:
    """An experiment that runs, with the aliases of its challengers; its number."""
    engine = create_engine(database)
    started = start_challenge(
        engine,
        open_registry(registry),
        challengers=challengers,
        mode="split",
        share=share,
        by="test",
        reason="x",
    )
    yield started.id
    engine.dispose()


def wait_for_share(service: RunningService, share: float) -> None:
    service.wait_until(lambda s: s["experiment"] and s["experiment"]["share"] == share)


def arms_of(service: RunningService, **changes: Any) -> list[tuple[int, int]]:
    """Version and arm of some races."""
    answers = [service.predict(race(number, **changes)).json() for number in range(1, N_RACES + 1)]
    return [(answer["model_version"], answer["experiment"]["arm"]) for answer in answers]


def have_arms(service: RunningService, wanted: list[tuple[int, int]], **changes: Any) -> bool:
    """Whether races have their arms; the champion may answer in a challenger's place on a busy machine."""
    found = arms_of(service, **changes)
    assert all(one in (right, (1, 0)) for one, right in zip(found, wanted, strict=True))
    return found == wanted


def expected(experiment: int, share: float, versions: list[int]) -> list[tuple[int, int]]:
    arms = [
        arm_of(
            experiment,
            share,
            len(versions) - 1,
            date=dt.date(2026, 3, 14),
            track="SANDOWNPARK",
            race_number=number,
        )
        for number in range(1, N_RACES + 1)
    ]
    return [(versions[arm], arm) for arm in arms]


def test_a_race_has_one_arm_in_two_replicas_at_each_repetition_and_by_any_name_of_its_track(
    registry: str, tmp_path: Path
) -> None:
    database = make_sqlite(tmp_path)
    settings = settings_of(tmp_path, database)
    with (
        split(registry, database, [3, 2], 0.6) as experiment,
        running_service(registry, **settings) as one,
        running_service(registry, **settings) as other,
    ):
        for service in (one, other):
            wait_for_challengers(service, 3, 2)
        wanted = expected(experiment, 0.6, [1, 3, 2])
        assert len(set(wanted)) == 3
        for service in (one, other, one):
            wait_until(lambda service=service: have_arms(service, wanted))
        wait_until(lambda: have_arms(other, wanted, track="SAP"))
        explained = one.client.post("/predict?explain=true", json=race(1)).json()
        assert explained["model_version"] in (wanted[0][0], 1)
        lines = one.client.post("/predict/batch", json=[race(n) for n in range(1, N_RACES + 1)]).text
        batch = [json.loads(line) for line in lines.splitlines()]
        assert {(answer["model_version"], answer["experiment"]) for answer in batch} == {(1, None)}

        engine = create_engine(database)
        with engine.begin() as connection:  # without a restart
            assert change_share(connection, experiment, 0.2)
        fewer = expected(experiment, 0.2, [1, 3, 2])
        for service in (one, other):
            wait_for_share(service, 0.2)
            wait_until(lambda service=service: have_arms(service, fewer))
        with away(database):
            one.wait_until(lambda s: s["experiment"]["error"])
            wait_until(lambda: have_arms(one, fewer))  # the last one read goes on
        one.wait_until(lambda s: s["experiment"]["error"] is None)
        stop_experiment(engine, open_registry(registry), experiment, by="test", reason="over")
        engine.dispose()
        one.wait_until(lambda s: s["experiment"] is None and s["challengers"] == [])
        assert one.predict(race(1)).json()["experiment"] is None
        rows = wait_until(lambda: [row for row in logged(database) if row.shadows] or None)
    in_it = [row for row in rows if row.experiment_id == experiment]
    assert {json.loads(row.answer)["experiment"]["id"] for row in in_it} == {experiment}
    for row in rows:
        others = {shadow["version"] for shadow in json.loads(row.shadows)}
        assert others == {1, 2, 3} - {row.model_version}


def test_a_promotion_and_a_rollback_during_a_split_fail_no_request(tmp_path: Path) -> None:
    uri, database = make_registry(tmp_path, exponents=(1.0, 0.5, 2.0)), make_sqlite(tmp_path)
    with (
        split(uri, database, [2], 0.9) as experiment,
        running_service(uri, **settings_of(tmp_path, database)) as service,
    ):
        wait_for_challengers(service, 2)
        number = next(n for n in range(1, 99) if arm_of_race(experiment, n) == 1)
        with Load(service.url, race(number), n_clients=2, interval_s=0.02) as load:
            load.first_of(2, 0.0)
            registry = open_registry(uri)
            registry.promote(3, reason="better", by="test")
            service.wait_until(lambda s: s["version"] == 3)
            registry.rollback(reason="worse", by="test")
            service.wait_until(lambda s: s["version"] == 1)
            load.wait_for(10)
    assert {answer.status for answer in load.answers} == {200}
    versions = {answer.version for answer in load.answers}
    assert {2, 3} <= versions <= {1, 2, 3}  # the split may have been followed by a shadow meanwhile


def arm_of_race(experiment: int, number: int) -> int:
    return arm_of(experiment, 0.9, 1, date=dt.date(2026, 3, 14), track="SANDOWNPARK", race_number=number)


def test_the_champion_answers_where_the_challenger_of_a_race_fails(tmp_path: Path) -> None:
    uri, database = make_registry(tmp_path), make_sqlite(tmp_path)
    registry = open_registry(uri)
    make_spoiled_model(tmp_path / "spoiled", "raises")
    registry.register(tmp_path / "spoiled")
    with (
        split(uri, database, [2], 0.9) as experiment,
        running_service(uri, **settings_of(tmp_path, database)) as service,
    ):
        wait_for_challengers(service, 2)
        number = next(n for n in range(1, 99) if arm_of_race(experiment, n) == 1)
        wait_until(lambda: service.predict(race(number)).json()["model_version"] == 2)

        def is_off(status: dict[str, Any]) -> bool:
            answer = service.predict(heavy_card(race_number=number))
            assert (answer.status_code, answer.json()["model_version"]) == (200, 1)
            assert answer.json()["experiment"] == {"id": experiment, "arm": 0}
            return status["challengers"][0]["state"] == "off"

        service.wait_until(is_off)
        assert service.predict(race(number)).json()["model_version"] == 1
        refused = service.predict(make_card(1, race_number=number))
    assert refused.status_code == 422
