"""Challengers score what the champion answers; the log has both, and no answer knows of it."""

import json
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
from tests.service.prediction_log.builders import make_sqlite, wait_for_rows

FEW = 40


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


def wait_for_challengers(service: RunningService, *versions: int) -> None:
    """Wait until these versions run beside the champion, and no other."""
    wanted = [(version, "running") for version in versions]
    service.wait_until(lambda s: [(one["version"], one["state"]) for one in s["challengers"]] == wanted)


def shadows_of(row: Any) -> dict[int, list[float]]:
    """What a row of the log has of other versions, by version."""
    return {one["version"]: one["win_probability"] for one in json.loads(row.shadows or "[]")}


def until_logged_with(service: RunningService, database: str, card: Any, *versions: int) -> Any:
    """Send a card until the log has it with what these versions say of it: a busy machine drops shadows."""
    for n in range(1, 200):
        service.predict(card)
        row = wait_for_rows(database, n)[-1]
        if set(shadows_of(row)) == set(versions):
            return row
    raise AssertionError(f"never logged with {versions}: {row}")


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
    assert row.model_version == 1
    assert json.loads(row.answer)["model_version"] == 1
    for version, win in shadows_of(row).items():
        np.testing.assert_allclose(win, answers[version], atol=1e-6)
        assert win[1] == 0.0  # scratched
    assert [one["role"] for one in status["challengers"]] == ["challenger", "challenger-2"]
    assert 'greyhound_shadow_scored_total{version="3"}' in metrics
