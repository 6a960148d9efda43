"""A promotion that was killed between its record and the alias: the record says so, and nobody follows it."""

from pathlib import Path

import pytest

from model_registry.errors import NoChampion, PromotionRefused
from model_registry.history import PREFIX, read_history
from model_registry.mlflow_store.writers import DatabaseWriter
from model_registry.registry import MODEL, ModelRegistry
from tests.model_registry.builders import make_artifact
from tests.model_registry.dying import die_promoting


def register(registry: ModelRegistry, folder: Path, n_versions: int) -> None:
    for i in range(n_versions):
        make_artifact(folder / f"candidate-{i}", coefficients=(i, 1.0, 1.0))
        registry.register(folder / f"candidate-{i}")


def recorded(registry: ModelRegistry) -> list[tuple[int, bool]]:
    return [(record.version, record.is_carried_out) for record in registry.history()]


def test_it_is_marked_and_a_rollback_passes_it_over(registry: ModelRegistry, tmp_path: Path) -> None:
    register(registry, tmp_path, 4)
    registry.promote(1, reason="x")
    registry.promote(2, reason="x")
    die_promoting(registry.tracking_uri, 3, cwd=tmp_path)
    assert registry.champion_version_number() == 2
    assert recorded(registry) == [(1, True), (2, True), (3, False)]
    assert registry.changes()[1] == 1  # as if the dead one had never begun
    registry.promote(4, reason="x")
    assert recorded(registry) == [(1, True), (2, True), (3, False), (4, True)]
    assert registry.changes()[1] == 2
    assert registry.rollback(reason="x").version == 2
    assert registry.rollback(reason="x").version == 1
    with pytest.raises(PromotionRefused, match="first champion on record"):
        registry.rollback(reason="x")


def test_it_can_be_made_again(registry: ModelRegistry, tmp_path: Path) -> None:
    register(registry, tmp_path, 2)
    die_promoting(registry.tracking_uri, 1, cwd=tmp_path)
    assert recorded(registry) == [(1, False)]
    registry.promote(1, reason="again")
    assert recorded(registry) == [(1, False), (1, True)]
    assert registry.changes()[1] is None
    die_promoting(registry.tracking_uri, 2, cwd=tmp_path)
    registry.promote(2, reason="again")
    assert registry.rollback(reason="x").version == 1


def test_one_that_is_under_way_elsewhere_is_carried_out_though_others_looked(
    registry: ModelRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(registry, tmp_path, 2)
    registry.promote(1, reason="x")
    seen = []
    move = DatabaseWriter.set_alias

    def look_and_move(self: DatabaseWriter, model: str, alias: str, version: int) -> None:
        seen.append((recorded(registry), registry.changes()[1]))
        move(self, model, alias, version)

    monkeypatch.setattr(DatabaseWriter, "set_alias", look_and_move)
    registry.promote(2, reason="x")
    assert seen == [([(1, True), (2, False)], None)]
    assert recorded(registry) == [(1, True), (2, True)]
    assert registry.changes()[1] == 1


def test_one_that_was_killed_after_the_alias_moved_leaves_no_challenger(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    register(registry, tmp_path, 3)
    registry.promote(1, reason="x")
    registry.set_challenger(2)
    die_promoting(registry.tracking_uri, 2, cwd=tmp_path, when="after")
    assert registry.champion().aliases == ("champion",)
    with pytest.raises(NoChampion, match="no challenger"):
        registry.challenger()
    assert recorded(registry) == [(1, True), (2, True)]
    registry.promote(3, reason="x")
    assert registry.version(2).aliases == ()
    assert registry._record().aliases == {"champion": 3}


def test_a_champion_that_was_taken_back_by_hand_had_been_one(registry: ModelRegistry, tmp_path: Path) -> None:
    register(registry, tmp_path, 2)
    registry.promote(1, reason="x")
    registry.promote(2, reason="x")
    registry._store.client.set_registered_model_alias(MODEL, "champion", "1")
    assert recorded(registry) == [(1, True), (2, True)]


def test_records_of_earlier_releases_count_as_carried_out(registry: ModelRegistry, tmp_path: Path) -> None:
    register(registry, tmp_path, 3)
    for version in (1, 2, 3):
        registry.promote(version, reason="x")
    model = registry._model()
    tags = {key: value for key, value in model.tags.items() if key.startswith(PREFIX)}
    assert len(tags) == 3 < len(model.tags)
    assert [record.is_carried_out for record in read_history(tags, 3)] == [True] * 3
