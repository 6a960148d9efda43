"""With the race database: names are enough, features are those of training, imports are seen, it may go."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from model_registry.artifact import LoadedModel, load_artifact
from racing.domain.cards import Card
from racing.features import FEATURE_NAMES, race_table
from racing.race_table import RaceTable
from racing.ratings import update_ratings
from racing.ratings.store import effects_document
from racing.simulation.simulator import simulate_season
from tests.racing.seasons import LAST_DAY, card_of_stored_race, make_season
from tests.service.builders import (
    RunningService,
    empty_registry,
    make_card,
    make_model,
    make_past_run,
    make_runner,
    running_service,
    win_probabilities,
)

N_RACES = 30
CUT = LAST_DAY - dt.timedelta(days=20)


def request_of(card: Card) -> dict[str, Any]:
    """A stored race as a request: names and boxes, no form."""
    names = ("name", "box", "weight_kg", "price_10m", "rated_price", "early_speed")
    described = [{name: getattr(runner, name) for name in names} for runner in card.runners]
    runners = [{name: value for name, value in runner.items() if value is not None} for runner in described]
    day, track = card.date.isoformat(), card.track
    return {
        "date": day, "track": track, "distance_m": card.distance_m, "grade": card.grade, "runners": runners
    }  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("season")


@pytest.fixture(scope="module")
def season(folder: Path) -> Engine:
    return make_season(folder, with_prices=True)


@pytest.fixture(scope="module")
def table(season: Engine) -> RaceTable:
    table = race_table(season, start=CUT)
    return table.take(table.is_whole)


@pytest.fixture(scope="module")
def model(folder: Path, season: Engine, table: RaceTable) -> LoadedModel:
    """A model in which every feature counts, about as much as any other."""
    spread = np.nan_to_num(table.features.astype(np.float64)).std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    signs = np.random.default_rng(1).choice([-1.0, 1.0], len(spread))
    make_model(
        folder / "model",
        features=FEATURE_NAMES,
        coefficients=(0.1 * signs / spread).tolist(),
        effects=effects_document(season, LAST_DAY),
    )
    return load_artifact(folder / "model")


@pytest.fixture(scope="module")
def registry(folder: Path, model: LoadedModel) -> str:
    registry = empty_registry(folder)
    registry.register(folder / "model")
    registry.promote(1, reason="a test wants it", by="test")
    return registry.tracking_uri


@pytest.fixture(scope="module")
def service(folder: Path, registry: str) -> Iterator[RunningService]:
    database = f"sqlite:///{folder / 'season.db'}"
    with running_service(registry, database=database, database_poll_s=0.1) as running:
        yield running


def test_stored_races_by_name_have_the_probabilities_of_training_bit_for_bit(
    service: RunningService, season: Engine, table: RaceTable, model: LoadedModel
) -> None:
    different = set()
    for race in np.unique(table.race_id)[:N_RACES].tolist():
        answer = service.predict(request_of(card_of_stored_race(season, race)))
        assert answer.status_code == 200, answer.text
        expected = model.probabilities(table.features[table.race_id == race])
        assert win_probabilities(answer).tolist() == expected.tolist()
        assert {runner["is_known"] for runner in answer.json()["runners"]} == {True}
        assert answer.json()["warnings"] == []
        different.add(round(float(expected.max()), 6))
    assert len(different) > N_RACES // 2  # the races differ


def test_a_run_that_a_card_brings_fills_in_what_the_database_lacks_once(
    service: RunningService, season: Engine
) -> None:
    card = request_of(card_of_stored_race(season, int(race_table(season, start=CUT).race_id[0])))
    n_known = [runner["n_prior_runs"] for runner in service.predict(card).json()["runners"]]
    few = next(i for i, n_runs in enumerate(n_known) if n_runs < 12)
    card["runners"][few]["form"] = [make_past_run(date="2019-01-01"), make_past_run(date="2019-01-01")]
    n_then = [runner["n_prior_runs"] for runner in service.predict(card).json()["runners"]]
    assert [b - a for a, b in zip(n_known, n_then, strict=True)] == [
        int(i == few) for i in range(len(n_known))
    ]


def test_a_stranger_among_known_names_is_reported(service: RunningService, season: Engine) -> None:
    card = request_of(card_of_stored_race(season, int(race_table(season, start=CUT).race_id[0])))
    card["runners"][0]["name"] = "Nobody Knows This One"
    answer = service.predict(card).json()
    assert [warning["code"] for warning in answer["warnings"]] == ["unknown_dog"]
    assert [runner["is_known"] for runner in answer["runners"]].count(False) == 1


def test_an_import_is_seen_without_a_restart(folder: Path, registry: str, model: LoadedModel) -> None:
    (folder / "later").mkdir()
    engine = make_season(folder / "later", n_races=60)
    with running_service(registry, database=str(engine.url), database_poll_s=0.1) as service:
        simulate_season(engine, n_races=40, seed=8, until=LAST_DAY + dt.timedelta(days=14))
        update_ratings(engine)
        table = race_table(engine, start=LAST_DAY + dt.timedelta(days=1))
        race = int(table.race_id[0])
        card = request_of(card_of_stored_race(engine, race))
        expected = model.probabilities(table.features[table.race_id == race]).tolist()
        service.wait_until(lambda _: win_probabilities(service.predict(card)).tolist() == expected)
        assert {runner["is_known"] for runner in service.predict(card).json()["runners"]} == {True}


def test_without_its_database_cards_are_rated_by_the_champions_tables_with_a_warning(
    folder: Path, registry: str
) -> None:
    card = make_card(4, track="Sim Park")
    gone = f"sqlite:///{folder / 'gone' / 'none.db'}"
    with running_service(registry, database=gone) as away, running_service(registry) as without:
        answered, plain = away.predict(card), without.predict(card)
        assert answered.json()["warnings"][0]["code"] == "database_away"
        assert "database_away" not in plain.text
        assert win_probabilities(answered).tolist() == win_probabilities(plain).tolist()
        named = make_card(runners=[{"name": "Sir Tick", "box": 1}, {"name": "Nala", "box": 2}])
        problems = [one.predict(named) for one in (away, without)]
        assert [problem.status_code for problem in problems] == [503, 503]
        assert problems[0].json()["detail"] == problems[1].json()["detail"]
        mixed = make_card(runners=[make_runner(1), {"name": "Nala", "box": 2}])
        codes = [{w["code"] for w in one.predict(mixed).json()["warnings"]} for one in (away, without)]
        assert codes[0] - codes[1] == {"database_away"}
        assert "unknown_dog" in codes[1]


def test_a_database_that_goes_is_reported_and_one_that_comes_back_is_used(
    folder: Path, registry: str
) -> None:
    (folder / "away").mkdir()
    engine = make_season(folder / "away", n_races=60)
    card = request_of(card_of_stored_race(engine, 1)) | {"date": LAST_DAY.isoformat()}
    engine.dispose()
    file = folder / "away" / "season.db"
    with running_service(registry, database=f"sqlite:///{file}", database_poll_s=0.1) as service:
        before = service.predict(card)
        assert before.status_code == 200
        file.rename(file.with_suffix(".moved"))
        service.wait_until(lambda status: status["database_error"])
        assert service.predict(card).status_code == 503
        assert service.predict(make_card()).status_code == 200
        assert not file.exists(), "looking must not make an empty database"
        file.with_suffix(".moved").rename(file)
        service.wait_until(lambda status: status["database_error"] is None)
        assert win_probabilities(service.predict(card)).tolist() == win_probabilities(before).tolist()
