"""What comes in is counted as numpy counts it, by day and version, whatever processes and databases do."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from racing.database.engine import open_database
from racing.features import FEATURE_NAMES, CardFeaturizer
from racing.monitor.input_counts import Counted
from racing.monitor.input_days import days_of_inputs, versions_with_inputs
from service.prediction.card_reader import read_card
from tests.service.builders import (
    FEATURES,
    RunningService,
    address,
    empty_registry,
    make_card,
    make_model,
    make_runner,
    point_alias_at,
    running_service,
)
from tests.service.living import wait_until
from tests.service.prediction_log.builders import away, make_sqlite

EDGES = {"box": [2.0, 4.0, 6.5], "weight_kg": [29.95, 31.3], "runs_known": [1.0]}
REFERENCE = {
    "runners": 1000,
    "features": {
        name: {"share_unknown": 0.0, "edges": edges, "shares": [1 / (len(edges) + 1)] * (len(edges) + 1)}
        for name, edges in EDGES.items()
    },
    "win_probability": {"share_unknown": 0.0, "edges": [0.1, 0.2, 0.4], "shares": [0.25] * 4},
}
LONG_AGO = dt.date(2000, 1, 1)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two versions whose training's distributions are known; version 1 serves."""
    folder = tmp_path_factory.mktemp("registry")
    registry = empty_registry(folder)
    for number in (1, 2):
        model = folder / f"model-{number}"
        tracks = {"tables": {}, "tracks": {"1": "Sandown Park"}}
        make_model(model, exponent=float(number), reference=REFERENCE, effects=tracks)
        registry.register(model)
    registry.promote(1, reason="a test wants it", by="test")
    return address(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty race database of each kind."""
    if request.param == "sqlite":
        yield make_sqlite(tmp_path)
    else:
        url = request.getfixturevalue("postgresql_url")
        open_database(url, create=True).dispose()
        yield url


def make_cards(n: int, *, first: int = 0) -> list[dict[str, Any]]:
    """Different cards, some without weights, prices or any form."""
    rng = np.random.default_rng(first)
    cards = []
    for number in range(first, first + n):
        runners = []
        for box in range(1, int(rng.integers(3, 9))):
            changes: dict[str, Any] = (
                {"name": f"Dog {number} of {box}", "form": []} if number % 4 == 3 else {}
            )
            if rng.random() < 0.7:
                changes["weight_kg"] = float(rng.choice([28.0, 29.95, 31.3, 33.1]))
            if number % 3 == 0:
                changes["price"] = 4.0 + box
            runners.append(make_runner(box, **changes))
        cards.append(make_card(runners=runners, race_number=1 + number % 12))
    return cards


def by_numpy(cards: Sequence[dict[str, Any]], answers: Sequence[dict[str, Any]]) -> list[NDArray[np.int64]]:
    """Runners by bin, a column after the other, the missing first, from the features of the cards."""
    columns = [FEATURE_NAMES.index(name) for name in FEATURES]
    engine = open_database("sqlite://", create=True)
    featurizer = CardFeaturizer(engine)
    read = [read_card(json.dumps(card).encode()) for card in cards]
    rows = [featurizer.features_of_card(card).values for card in read]
    engine.dispose()
    values = np.concatenate(rows)[:, columns].astype(np.float64)
    win = [runner["win_probability"] for answer in answers for runner in answer["runners"]]
    counts = []
    for column, edges in (*zip(values.T, EDGES.values(), strict=True), (np.array(win), [0.1, 0.2, 0.4])):
        known = column[np.isfinite(column)]
        bins = np.histogram(known, [-np.inf, *edges, np.inf])[0]
        counts.append(np.array([len(column) - len(known), *bins]))
    return counts


def versions(database: str) -> list[int]:
    """The versions of which the database holds counts."""
    engine = open_database(database)
    found = versions_with_inputs(engine, since=LONG_AGO)
    engine.dispose()
    return found


def stored(database: str, version: int) -> Counted:
    """What the database holds of a version, over all days: midnight may pass during a test."""
    engine = open_database(database)
    days = days_of_inputs(engine, version, since=LONG_AGO)
    engine.dispose()
    if not days:
        pytest.fail(f"no counts of version {version}")
    total = days[0].counted
    for day in days[1:]:
        total.add(day.counted)
    return total


def check(counted: Counted, cards: Sequence[dict[str, Any]], answers: Sequence[dict[str, Any]]) -> None:
    for counts, expected in zip(counted.counts, by_numpy(cards, answers), strict=True):
        assert counts[: len(expected)].tolist() == expected.tolist()
        assert not counts[len(expected) :].any()
    assert counted.facts["n_cards"] == len(cards)
    assert counted.facts["n_runners"] == sum(len(card["runners"]) for card in cards)
    assert counted.facts["n_priced"] == sum("price" in card["runners"][0] for card in cards)
    n_without = sum(not any(runner["form"] for runner in card["runners"]) for card in cards)
    assert counted.facts["n_without_form"] == n_without


def predict(service: RunningService, cards: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    answers = []
    for card in cards:
        answer = service.predict(card)
        assert answer.status_code == 200, answer.text
        answers.append(answer.json())
    return answers


def test_counts_are_those_of_numpy_by_version_over_two_processes_batches_and_restarts(
    registry: str, database: str, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"database": database, "spool": str(tmp_path / "spool")}
    cards = make_cards(24)
    first, batch, second, third, fourth = cards[:6], cards[6:11], cards[11:15], cards[15:20], cards[20:]
    point_alias_at(registry, 1)
    with (
        running_service(registry, **settings) as one,
        running_service(registry, **settings, inputs_interval_s=0.2) as other,
    ):
        answers = predict(one, first)
        lines = one.client.post("/predict/batch", json=batch).text.splitlines()
        answers += map(json.loads, lines)
        answers += predict(other, second)
        predict(one, first)  # again: the same cards with the same features count once
        assert one.predict(make_card(1)).status_code == 422
        wait_until(lambda: versions(database))
        point_alias_at(registry, 2)
        for service in (one, other):
            service.wait_until(lambda status: status["version"] == 2)
        by_second = predict(one, third[:2]) + predict(other, third[2:])
    check(stored(database, 1), [*first, *batch, *second], answers)
    check(stored(database, 2), third, by_second)
    with running_service(registry, **settings) as again:
        by_second += predict(again, fourth)
    check(stored(database, 2), [*third, *fourth], by_second)


def test_while_the_database_is_away_counting_goes_on_and_all_is_written_afterwards(
    registry: str, database: str, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {
        "database": database,
        "spool": str(tmp_path / "spool"),
        "inputs_interval_s": 0.1,
    }
    cards = make_cards(8)
    point_alias_at(registry, 1)
    with running_service(registry, **settings) as service:
        answers = predict(service, cards[:3])
        wait_until(lambda: versions(database))
        with away(database):
            with_form = [card for card in cards[3:] if any(runner["form"] for runner in card["runners"])]
            answers += predict(service, with_form)
            wait_until(lambda: metric(service, "greyhound_inputs_unwritten") == 1)
        wait_until(lambda: metric(service, "greyhound_inputs_unwritten") == 0)
        wait_until(lambda: stored(database, 1).facts["n_cards"] == 3 + len(with_form))
        check(stored(database, 1), [*cards[:3], *with_form], answers)
        assert metric(service, 'greyhound_inputs_total{what="cards"}') == 3 + len(with_form)


def metric(service: RunningService, name: str) -> float:
    """The value of a metric, by its name with its labels."""
    lines = service.client.get("/metrics").text.splitlines()
    return float(next(line.rpartition(" ")[2] for line in lines if line.startswith(f"{name} ")))


def test_unknown_tracks_are_counted_by_name(registry: str, tmp_path: Path) -> None:
    database = make_sqlite(tmp_path)
    point_alias_at(registry, 1)
    with running_service(registry, database=database, spool=str(tmp_path / "spool")) as service:
        predict(
            service, [make_card(4, track=track) for track in ("Sandown", "Nowhere Downs", "Nowhere Downs")]
        )
        predict(service, [make_card(5, track="Nowhere Downs"), make_card(4, track="Elsewhere")])
    found = stored(database, 1)
    assert found.unknown_tracks == {"Nowhere Downs": 2, "Elsewhere": 1}
    assert found.facts["n_unknown_tracks"] == 3
    assert found.facts["n_cards"] == 4
    assert found.facts["n_unknown_dogs"] == found.facts["n_runners"]
