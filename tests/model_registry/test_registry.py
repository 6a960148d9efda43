"""The registry over a real MLflow store: versions, promotions, their record, and what goes wrong."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from model_registry import get_model_registry
from model_registry.artifact import load_artifact
from model_registry.errors import (
    ArtifactBroken,
    GatesNotPassed,
    NoChampion,
    NoSuchVersion,
    PromotionRefused,
    RegistryUnavailable,
)
from model_registry.history import tag_of
from model_registry.registry import MODEL, ModelRegistry
from tests.model_registry.builders import make_artifact, make_features


def register(registry: ModelRegistry, folder: Path, n_versions: int = 1) -> None:
    for i in range(n_versions):
        make_artifact(folder / f"candidate-{i}", coefficients=(i, 1.0, 1.0))
        registry.register(folder / f"candidate-{i}")


def test_a_registered_version_tells_what_its_artifact_says(registry: ModelRegistry, tmp_path: Path) -> None:
    digest = make_artifact(tmp_path / "a")
    given = registry.register(tmp_path / "a", tags={"simulated": "true"}, description="first")
    version = registry.version(given.version)
    assert (version.version, version.digest, version.kind) == (1, digest, "logistic")
    assert (version.data_hash, version.git_commit, version.feature_version) == ("d" * 64, "c" * 40, "1")
    assert version.metrics == {"race_log_loss": 1.7, "auc": 0.7, "races": 100.0}
    assert (version.tags["simulated"], version.description, version.aliases) == ("true", "first", ())
    loaded = load_artifact(registry.fetch(1), digest=digest)
    before = load_artifact(tmp_path / "a").probabilities(make_features())
    assert loaded.probabilities(make_features()).tolist() == before.tolist()


def test_a_broken_artifact_is_not_registered(registry: ModelRegistry, tmp_path: Path) -> None:
    make_artifact(tmp_path / "a")
    (tmp_path / "a" / "members" / "member_0.onnx").unlink()
    with pytest.raises(ArtifactBroken, match=r"member_0\.onnx is missing"):
        registry.register(tmp_path / "a")
    with pytest.raises(ArtifactBroken, match="is not a directory"):
        registry.register(tmp_path / "nowhere")
    assert registry.versions() == []


def test_promotions_are_recorded_and_rollback_takes_them_back(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    register(registry, tmp_path, 3)
    for version in (1, 2, 3):
        registry.promote(version, reason=f"try {version}", by="ann")
        assert registry.champion_version_number() == version
    assert registry.rollback(reason="3 is slow", by="bob").version == 2
    assert registry.rollback(reason="2 as well").version == 1
    with pytest.raises(PromotionRefused, match="version 1 is the first champion on record"):
        registry.rollback(reason="once more")
    assert registry.champion().version == 1
    recorded = [(r.number, r.action, r.version, r.previous, r.forced) for r in registry.history()]
    assert recorded == [
        (1, "promote", 1, None, False),
        (2, "promote", 2, 1, False),
        (3, "promote", 3, 2, False),
        (4, "rollback", 2, 3, False),
        (5, "rollback", 1, 2, False),
    ]
    assert [(r.reason, r.by) for r in registry.history()[2:4]] == [("try 3", "ann"), ("3 is slow", "bob")]
    assert [v.aliases for v in registry.versions()] == [(), (), ("champion",)]


def test_a_version_that_was_rolled_back_is_never_gone_back_to(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    register(registry, tmp_path, 3)
    registry.promote(1, reason="x")
    registry.promote(2, reason="bad")
    registry.rollback(reason="it was bad")
    registry.promote(3, reason="x")
    assert registry.rollback(reason="x").version == 1


def test_the_later_of_two_promotions_on_record_has_the_alias(registry: ModelRegistry, tmp_path: Path) -> None:
    register(registry, tmp_path, 2)
    first = registry.promote(2, reason="x")
    registry.promote(1, reason="x")
    # Another promoter's record, written between ours and our move of the alias.
    key, value = tag_of(replace(first, number=99))
    registry._store.client.set_registered_model_tag(MODEL, key, value)
    registry._store.client.delete_registered_model_alias(MODEL, "champion")
    registry.promote(1, reason="x")
    assert registry.champion_version_number() == registry.history()[-1].version == 2


def test_rollback_passes_over_a_deleted_version(registry: ModelRegistry, tmp_path: Path) -> None:
    register(registry, tmp_path, 3)
    for version in (1, 2, 3):
        registry.promote(version, reason="x")
    registry._store.client.delete_model_version(MODEL, "2")
    assert registry.rollback(reason="x").version == 1


def test_rollback_from_a_champion_set_by_hand_goes_to_the_last_on_record(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    register(registry, tmp_path, 2)
    registry.promote(1, reason="x")
    registry._store.client.set_registered_model_alias(MODEL, "champion", "2")
    assert registry.rollback(reason="by hand").previous == 2
    assert registry.champion_version_number() == 1


def test_the_champion_is_not_promoted_again_and_a_reason_is_needed(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    register(registry, tmp_path, 2)
    registry.promote(1, reason="x")
    with pytest.raises(PromotionRefused, match="version 1 is the champion already"):
        registry.promote(1, reason="x")
    with pytest.raises(PromotionRefused, match=r"a reason has 1\.\.2000 characters, got 0"):
        registry.promote(2, reason=" ")
    assert len(registry.history()) == 1


def test_a_version_that_failed_its_gates_is_promoted_by_force_only(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    register(registry, tmp_path, 2)
    assert registry.record_gates(1, []).gates == "passed"
    assert registry.record_gates(2, ["ece must be at most 0.015, got 0.2"]).gates == "failed"
    registry.promote(1, reason="passed")
    with pytest.raises(GatesNotPassed, match=r"version 2 did not pass its gates: ece must be .* got 0\.2"):
        registry.promote(2, reason="better")
    assert registry.champion_version_number() == 1
    assert registry.promote(2, reason="better", forced=True).forced
    assert registry.history()[-1].forced


def test_a_version_whose_artifact_broke_is_not_promoted(registry: ModelRegistry, tmp_path: Path) -> None:
    register(registry, tmp_path, 2)
    registry.promote(1, reason="x")
    (registry.fetch(2) / "effects.json").write_text("{}")
    with pytest.raises(ArtifactBroken, match=r"effects\.json differs from its digest"):
        registry.promote(2, reason="x", forced=True)
    assert registry.champion_version_number() == 1
    assert len(registry.history()) == 1


def test_the_challenger_stops_being_one_when_it_is_promoted(registry: ModelRegistry, tmp_path: Path) -> None:
    register(registry, tmp_path, 2)
    with pytest.raises(NoChampion, match="no challenger"):
        registry.challenger()
    registry.promote(1, reason="x")
    registry.set_challenger(2)
    assert registry.challenger().version == 2
    registry.promote(2, reason="x")
    with pytest.raises(NoChampion, match="no challenger"):
        registry.challenger()


def test_several_challengers_have_names_in_order_and_the_champion_is_none_of_them(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    register(registry, tmp_path, 4)
    registry.promote(1, reason="x")
    registry.set_challengers([3, 2])
    assert registry.challenger_versions() == {"challenger": 3, "challenger-2": 2}
    assert [ref.version for ref in registry.challenger_refs()] == [3, 2]
    assert registry.challenger("challenger-2").aliases == ("challenger-2",)
    registry.set_challenger(2)  # a version has one name
    assert registry.challenger_versions() == {"challenger": 2}
    registry.set_challengers([4, 3, 2])
    registry.promote(3, reason="x")
    assert registry.challenger_versions() == {"challenger": 4, "challenger-3": 2}
    for wrong in ([3], [2, 2], [1, 2, 4, 5, 6]):
        with pytest.raises(PromotionRefused, match="at most 4 challengers"):
            registry.set_challengers(wrong)
    with pytest.raises(NoSuchVersion):
        registry.set_challengers([9])
    registry.set_challengers([])
    assert registry.challenger_refs() == []


def test_promoters_at_once_lose_no_record_and_the_last_on_record_is_champion(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    register(registry, tmp_path, 3)
    errors: list[Exception] = []

    def promote(version: int) -> None:
        for _ in range(4):
            try:
                registry.promote(version, reason=f"by {version}")
            except PromotionRefused:
                pass
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=promote, args=(version,)) for version in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    history = registry.history()
    assert [record.number for record in history] == list(range(1, len(history) + 1))
    assert {record.version for record in history} == {1, 2, 3}
    assert registry.champion_version_number() == history[-1].version


def test_an_absent_registry_is_named_and_not_made_by_accident(tmp_path: Path) -> None:
    registry = get_model_registry(f"sqlite:///{tmp_path}/var/mlflow.db")
    for ask in (registry.champion, registry.champion_version_number, registry.versions, registry.history):
        with pytest.raises(RegistryUnavailable, match=r"there is no registry at sqlite:///.*mlflow\.db"):
            ask()
    assert list(tmp_path.iterdir()) == []


def test_a_registry_made_later_is_found_by_one_that_was_opened_before(
    registry: ModelRegistry, empty_registry_file: Path, tmp_path: Path
) -> None:
    waiting = get_model_registry(f"sqlite:///{tmp_path}/later/mlflow.db")
    with pytest.raises(RegistryUnavailable):
        waiting.champion()
    (tmp_path / "later").mkdir()
    shutil.copy(empty_registry_file, tmp_path / "later" / "mlflow.db")
    with pytest.raises(NoChampion, match="no champion of 'greyhound-win'"):
        waiting.champion_version_number()
    assert waiting.history() == []


def test_a_registry_deleted_and_made_anew_is_read_anew(
    registry: ModelRegistry, empty_registry_file: Path, tmp_path: Path
) -> None:
    register(registry, tmp_path)
    registry.promote(1, reason="x")
    (tmp_path / "var" / "mlflow.db").unlink()
    with pytest.raises(RegistryUnavailable):
        registry.champion_version_number()
    shutil.copy(empty_registry_file, tmp_path / "var" / "mlflow.db")
    with pytest.raises(NoChampion):
        registry.champion_version_number()
    assert registry.register(tmp_path / "candidate-0").version == 1  # MLflow writes to the new file as well


def test_a_database_that_is_no_registry_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    sqlite3.connect(path).execute("create table dogs (name)").connection.close()
    before = path.read_bytes()
    with pytest.raises(RegistryUnavailable, match="is not an MLflow registry"):
        get_model_registry(f"sqlite:///{path}").champion()
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(RegistryUnavailable, match="file is not a database"):
        get_model_registry(f"sqlite:///{path}").champion()
    path.write_bytes(before)


def test_an_unreachable_server_is_reported_in_time_and_without_its_password() -> None:
    with pytest.raises(RegistryUnavailable) as caught:
        get_model_registry("http://ann:s3cret@127.0.0.1:9").champion_version_number()
    assert "127.0.0.1:9" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("uri", ["mlruns", "ftp://ann:s3cret@x", "sqlite://", "sqlite:///:memory:"])
def test_an_address_of_another_kind_is_refused(uri: str) -> None:
    with pytest.raises(RegistryUnavailable) as caught:
        get_model_registry(uri)
    assert "s3cret" not in str(caught.value)


def test_an_unknown_version_is_named(registry: ModelRegistry, tmp_path: Path) -> None:
    register(registry, tmp_path)
    for ask in (registry.version, registry.fetch):
        with pytest.raises(NoSuchVersion, match="no version 7"):
            ask(7)
    with pytest.raises(NoSuchVersion, match="no version 7"):
        registry.promote(7, reason="x")


def test_a_store_moved_as_a_whole_still_gives_its_artifacts(registry: ModelRegistry, tmp_path: Path) -> None:
    register(registry, tmp_path)
    (tmp_path / "var").rename(tmp_path / "elsewhere")
    moved = get_model_registry(f"sqlite:///{tmp_path}/elsewhere/mlflow.db")
    assert moved.fetch(1).is_relative_to(tmp_path / "elsewhere")


def test_a_relative_address_means_the_same_file_after_a_change_of_folder(
    registry: ModelRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(registry, tmp_path)
    monkeypatch.chdir(tmp_path)
    relative = get_model_registry("sqlite:///var/mlflow.db")
    monkeypatch.chdir("/")
    assert len(relative.versions()) == 1


SERVE = """
import sys
from model_registry import get_model_registry
from model_registry.artifact import load_artifact
registry = get_model_registry()
version = registry.champion()
load_artifact(registry.fetch(version.version), digest=version.digest).check_golden()
registry.promote(2, reason="from a service"), registry.rollback(reason="from a service")
print(sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_a_service_needs_no_training_library(registry: ModelRegistry, tmp_path: Path) -> None:
    register(registry, tmp_path, 2)
    registry.promote(1, reason="x")
    # Modules of the training image, which MLflow imports if it finds them, are made unimportable.
    absent = {"pandas", "sklearn", "scipy", "matplotlib", "onnx", "optuna", "xgboost", "catboost", "imblearn"}
    hide = f"import sys\nsys.modules.update(dict.fromkeys({sorted(absent)!r}))\n"
    environment = os.environ | {"GREYHOUND_REGISTRY": registry.tracking_uri, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, "-c", hide + SERVE], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert [record.reason for record in registry.history()[1:]] == ["from a service"] * 2
    assert "'mlflow'" not in done.stdout  # 100 MB, and an import of 1.5 s in the middle of requests
