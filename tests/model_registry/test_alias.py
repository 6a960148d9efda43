"""The champion asked for all the time: no look-up where nothing was written, none missed where it was."""

import os
import shutil
from pathlib import Path

import pytest

from model_registry import get_model_registry, unchanged
from model_registry.alias import ChampionAlias
from model_registry.errors import NoChampion, RegistryUnavailable
from model_registry.registry import ModelRegistry
from tests.model_registry.builders import make_artifact


class Counting(ModelRegistry):
    """A registry that counts its look-ups."""

    n_asked = 0

    def champion_pointer(self):  # type: ignore[no-untyped-def]
        """Count, and look up."""
        self.n_asked += 1
        return super().champion_pointer()


@pytest.fixture
def counting(registry: ModelRegistry, tmp_path: Path) -> Counting:
    """A registry of two versions, the first of them champion."""
    for i, name in enumerate("ab"):
        make_artifact(tmp_path / name, coefficients=(i, 1, 1))
        registry.register(tmp_path / name)
    registry.promote(1, reason="first")
    return Counting(registry.tracking_uri)


def test_an_unchanged_registry_is_asked_until_its_file_has_settled_and_then_no_more(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion = ChampionAlias(counting)
    assert [champion.pointer().version for _ in range(3)] == [1, 1, 1]
    assert counting.n_asked == 3  # a second write within the file system's tick would leave no mark
    monkeypatch.setattr(unchanged, "SETTLED_S", 0.0)
    assert [champion.pointer().version for _ in range(10)] == [1] * 10
    assert counting.n_asked == 4
    get_model_registry(counting.tracking_uri).promote(2, reason="second")
    assert [champion.pointer().version for _ in range(3)] == [2, 2, 2]
    assert counting.n_asked == 5
    monkeypatch.setattr(unchanged, "TRUSTED_S", 0.0)
    get_model_registry(counting.tracking_uri).rollback(reason="back")
    assert [champion.pointer().version for _ in range(3)] == [1, 1, 1]
    assert counting.n_asked == 8  # asked all the same once trust has run out


def test_a_registry_that_goes_away_or_is_another_one_is_noticed_at_once(
    counting: Counting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty_registry_file: Path
) -> None:
    monkeypatch.setattr(unchanged, "SETTLED_S", 0.0)
    champion = ChampionAlias(counting)
    assert champion.pointer().version == 1
    store = tmp_path / "var" / "mlflow.db"
    store.rename(tmp_path / "away.db")
    with pytest.raises(RegistryUnavailable):
        champion.pointer()
    shutil.copy(empty_registry_file, store)
    with pytest.raises(NoChampion):
        champion.pointer()
    os.replace(tmp_path / "away.db", store)
    assert champion.pointer().version == 1
