"""A version that reads whole races and single runs: in shadow beside another, then as the champion."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from model_registry.artifact import LoadedModel, load_artifact
from racing.features import INPUT_NAMES, RUN_FEATURE_NAMES, race_table
from racing.race_table import RaceTable
from racing.ratings.store import effects_document
from tests.model_registry.builders import make_field_graph, make_spec
from tests.racing.seasons import LAST_DAY, card_of_stored_race, make_season
from tests.service.builders import (
    RunningService,
    empty_registry,
    make_model,
    point_alias_at,
    running_service,
    win_probabilities,
)
from tests.service.living import wait_until
from tests.service.prediction_log.builders import logged
from tests.service.shadow.builders import settings_of, wait_for_challengers
from tests.service.test_with_database import request_of

N_RACES = 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("field")


@pytest.fixture(scope="module")
def season(folder: Path) -> Engine:
    return make_season(folder, n_races=200)


@pytest.fixture(scope="module")
def table(season: Engine) -> RaceTable:
    table = race_table(season, start=LAST_DAY - dt.timedelta(days=20), with_runs=True)
    return table.take(table.is_whole)


@pytest.fixture(scope="module")
def model(folder: Path, season: Engine, table: RaceTable) -> LoadedModel:
    """A model in which all features, runs and rivals count."""
    spread = np.nan_to_num(table.inputs(len(INPUT_NAMES)).astype(np.float64)).std(axis=0)
    weight = np.random.default_rng(1).choice([-0.05, 0.05], len(spread)) / np.where(spread > 0, spread, 1.0)
    spec = make_spec(features=INPUT_NAMES, n_run_features=len(RUN_FEATURE_NAMES), reads_field=True)
    make_model(
        folder / "model",
        spec=spec,
        graph=make_field_graph(weight, weight[::-1] * 0.1),
        effects=effects_document(season, LAST_DAY),
    )
    return load_artifact(folder / "model")


@pytest.fixture(scope="module")
def service(folder: Path, model: LoadedModel) -> Iterator[tuple[RunningService, str]]:
    """Version 1 takes a few features; version 2, which reads fields, scores in its shadow."""
    registry = empty_registry(folder)
    make_model(folder / "plain")
    for name in ("plain", "model"):
        registry.register(folder / name)
    registry.promote(1, reason="a test wants it", by="test")
    registry.set_challengers([2])
    database = f"sqlite:///{folder / 'season.db'}"
    with running_service(registry.tracking_uri, **settings_of(folder, database)) as running:
        yield running, registry.tracking_uri


def test_it_is_scored_in_shadow_and_then_answers_with_the_bits_of_training(
    service: tuple[RunningService, str], folder: Path, season: Engine, table: RaceTable, model: LoadedModel
) -> None:
    running, uri = service
    races = np.unique(table.race_id)[-N_RACES:].tolist()
    cards = [request_of(card_of_stored_race(season, race)) for race in races]
    inputs = table.inputs(len(INPUT_NAMES))
    expected = [model.probabilities(inputs[table.race_id == race]) for race in races]
    wait_for_challengers(running, 2)

    def shadow() -> list[float] | None:
        request_id = running.predict(cards[0]).json()["request_id"]
        (row,) = wait_until(lambda: [r for r in logged(str(season.url)) if r.request_id == request_id])
        return next((one["win_probability"] for one in json.loads(row.shadows or "[]")), None)

    np.testing.assert_allclose(wait_until(shadow), expected[0], atol=1e-6)
    point_alias_at(uri, 2)
    running.wait_until(lambda status: status["version"] == 2)
    for card, win in zip(cards, expected, strict=True):
        answer = running.predict(card)
        assert win_probabilities(answer).tolist() == win.tolist()
        turned = running.predict({**card, "runners": card["runners"][::-1]})
        np.testing.assert_allclose(win_probabilities(turned)[::-1], win, rtol=1e-14)  # shares are summed
    assert len({round(float(win.max()), 6) for win in expected}) > N_RACES // 2
    lines = running.client.post("/predict/batch", json=cards).text.splitlines()
    batch = [[runner["win_probability"] for runner in json.loads(line)["runners"]] for line in lines]
    assert batch == [win.tolist() for win in expected]


def test_an_explanation_of_it_adds_up_to_what_is_served(
    service: tuple[RunningService, str], season: Engine, table: RaceTable
) -> None:
    running, uri = service
    point_alias_at(uri, 2)
    running.wait_until(lambda status: status["version"] == 2)
    card = request_of(card_of_stored_race(season, int(table.race_id[0])))
    answer = running.client.post("/predict?explain=true", json=card).json()
    assert answer["base_strength"] is not None
    topics = [runner["explanation"]["contributions"] for runner in answer["runners"]]
    strength = answer["base_strength"] + np.array([sum(t["contribution"] for t in own) for own in topics])
    np.testing.assert_allclose(
        strength, [runner["explanation"]["strength"] for runner in answer["runners"]], atol=1e-5
    )
    shares = np.exp(strength) / np.exp(strength).sum()
    np.testing.assert_allclose(shares, [r["win_probability"] for r in answer["runners"]], atol=1e-5)
