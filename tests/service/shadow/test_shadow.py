"""Challengers score what the champion answers; the log has both, and no answer knows of it."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from racing.database.engine import open_database
from tests.service.builders import (
    RunningService,
    make_card,
    make_model,
    make_registry,
    make_runner,
    open_registry,
    point_alias_at,
    running_service,
    win_probabilities,
)
from tests.service.living import wait_until
from tests.service.load import Load
from tests.service.prediction_log.builders import logged, make_sqlite, wait_for_rows
from tests.service.process import service_process
from tests.service.shadow.builders import heavy_card, make_spoiled_model, wait_for_challengers


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty race database of each kind."""
    if request.param == "sqlite":
        yield make_sqlite(tmp_path)
    else:
        url = request.getfixturevalue("postgresql_url")
        open_database(url, create=True).dispose()
        yield url


def settings_of(tmp_path: Path, database: str | None) -> dict[str, Any]:
    return {
        "database": database,
        "spool": str(tmp_path / "spool"),
        "log_interval_s": 0.1,
        "experiments_poll_s": 0.05,
    }


def shadows_of(row: Any) -> dict[int, list[float]]:
    """What a row of the log has of other versions, by version."""
    return {one["version"]: one["win_probability"] for one in json.loads(row.shadows or "[]")}


def until_logged_with(service: RunningService, database: str, card: Any, *versions: int) -> Any:
    """Send a card until the log has it with what these versions say of it: a busy machine drops shadows."""

    def found() -> Any:
        request_id = service.predict(card).json()["request_id"]
        return wait_until(lambda: [row for row in logged(database) if row.request_id == request_id])

    return wait_until(lambda: next((r for r in found() if set(shadows_of(r)) == set(versions)), None))


def test_what_two_challengers_say_is_logged_beside_the_answer_as_they_would_answer_themselves(
    tmp_path: Path, database: str
) -> None:
    uri = make_registry(tmp_path, exponents=(1.0, 0.5))
    registry = open_registry(uri)
    make_model(tmp_path / "other", features=("box", "runs_known"), coefficients=(-0.2, 0.1))
    registry.register(tmp_path / "other")
    registry.set_challengers([3, 2])
    card = make_card(
        runners=[make_runner(1), make_runner(2, is_scratched=True), *map(make_runner, range(3, 8))]
    )
    with running_service(uri, **settings_of(tmp_path, database)) as service:
        wait_for_challengers(service, 3, 2)
        row = until_logged_with(service, database, card, 3, 2)
        status = service.wait_until(lambda s: s["challengers"][0]["n_scored"] > 0)
        answers = {}
        for version in (3, 2):
            point_alias_at(uri, version)
            service.wait_until(lambda s, version=version: s["version"] == version)
            answers[version] = win_probabilities(service.predict(card))
        metrics = service.client.get("/metrics").text
    assert (row.model_version, row.experiment_id) == (1, None)
    assert json.loads(row.answer)["model_version"] == 1
    for version, win in shadows_of(row).items():
        np.testing.assert_allclose(win, answers[version], atol=1e-6)
        assert win[1] == 0.0  # scratched
    assert [one["role"] for one in status["challengers"]] == ["challenger", "challenger-2"]
    assert 'greyhound_shadow_scored_total{version="3"}' in metrics


def test_challengers_that_fail_are_refused_or_turned_off_and_answers_stay_as_they_are(
    tmp_path: Path,
) -> None:
    uri, database = make_registry(tmp_path, exponents=(1.0, 0.5)), make_sqlite(tmp_path)
    registry = open_registry(uri)
    for fault in ("non-finite", "raises"):
        make_spoiled_model(tmp_path / fault, fault)
        registry.register(tmp_path / fault)
    make_model(tmp_path / "altered", exponent=3.0)
    registry.register(tmp_path / "altered")
    (registry.fetch(5) / "summary.json").write_text("{}")
    registry.set_challengers([2, 3, 4, 5])
    with running_service(uri, **settings_of(tmp_path, database)) as service:
        service.wait_until(
            lambda s: [one["state"] for one in s["challengers"]] == ["running"] * 3 + ["refused"]
        )
        usual = win_probabilities(service.predict(heavy_card()))

        def are_off(status: dict[str, Any]) -> bool:
            answer = service.predict(heavy_card())
            assert answer.status_code == 200
            np.testing.assert_array_equal(win_probabilities(answer), usual)
            return [one["state"] for one in status["challengers"]][1:3] == ["off", "off"]

        status = service.wait_until(are_off)
        row = until_logged_with(service, database, heavy_card(), 2)
        metrics = service.client.get("/metrics").text
        registry.set_challengers([2])
        wait_for_challengers(service, 2)
        registry.set_challengers([2, 3])
        wait_for_challengers(service, 2, 3)  # with a new role it begins anew
        registry.set_challengers([])
        wait_for_challengers(service)
        assert service.predict(heavy_card()).status_code == 200
    assert row.model_version == 1
    assert status["challengers"][0]["why"] is None
    assert "finite" in status["challengers"][1]["why"]
    assert "failures in a row" in status["challengers"][2]["why"]
    assert "summary.json" in status["challengers"][3]["why"]
    assert all(one["n_failed"] >= 20 for one in status["challengers"][1:3])
    assert "greyhound_challengers_off 3.0" in metrics
    assert 'greyhound_shadow_dropped_total{reason="non_finite",version="3"}' in metrics


def test_a_challenger_that_hangs_is_turned_off_and_neither_another_nor_the_end_waits_for_it(
    tmp_path: Path,
) -> None:
    uri, database = make_registry(tmp_path, exponents=(1.0, 0.5)), make_sqlite(tmp_path)
    registry = open_registry(uri)
    make_spoiled_model(tmp_path / "hangs", "hangs")
    registry.register(tmp_path / "hangs")
    registry.set_challengers([3, 2])
    with service_process(uri, tmp_path, database=database, spool=str(tmp_path / "spool")) as service:
        wait_for_challengers(service, 3, 2)
        with Load(service.url, heavy_card(), n_clients=2, interval_s=0.02) as load:
            status = service.wait_until(lambda s: s["challengers"][0]["state"] == "off")
            load.wait_for(10)
        row = until_logged_with(service, database, make_card(4), 2)
        assert service.stop(signal.SIGTERM) == 0
    assert {answer.status for answer in load.answers} == {200}
    assert {answer.version for answer in load.answers} == {1}
    assert "has not returned within" in status["challengers"][0]["why"]
    assert row.model_version == 1


def test_swaps_of_challengers_under_load_fail_no_request(tmp_path: Path) -> None:
    uri, database = make_registry(tmp_path, exponents=(1.0, 0.5, 2.0)), make_sqlite(tmp_path)
    registry = open_registry(uri)
    with running_service(uri, **settings_of(tmp_path, database)) as service:
        with Load(service.url, make_card(8), n_clients=2, interval_s=0.02) as load:
            for versions in ([2], [3, 2], [3], [2, 3]):
                registry.set_challengers(versions)
                wait_for_challengers(service, *versions)
                load.wait_for(10)
        rows = wait_for_rows(database, len(load.answers))
    assert {answer.status for answer in load.answers} == {200}
    assert len({answer.probabilities for answer in load.answers}) == 1
    assert sorted(row.request_id for row in rows) == sorted(answer.request_id for answer in load.answers)
