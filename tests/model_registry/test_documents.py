"""Documents and reports of a version are read without its graphs, and only as they were registered."""

import shutil
from pathlib import Path

import pytest

from model_registry import get_model_registry
from model_registry.errors import ArtifactBroken, NoReport, NoSuchVersion, RegistryUnavailable
from model_registry.registry import ModelRegistry
from tests.model_registry.builders import make_artifact

NAMES = ("model", "metrics", "plans")


def register(registry: ModelRegistry, folder: Path) -> Path:
    """Register a version and return where its artifact lies."""
    make_artifact(folder / "made")
    return registry.fetch(registry.register(folder / "made").version)


def test_documents_are_read_though_the_graphs_are_gone(registry: ModelRegistry, tmp_path: Path) -> None:
    directory = register(registry, tmp_path)
    shutil.rmtree(directory / "members")
    found = registry.documents(registry.artifact_ref(1), NAMES)
    assert found["metrics"]["auc"] == 0.7
    assert found["model"]["kind"] == "logistic"
    assert "plans" not in found


@pytest.mark.parametrize("name", ["metrics.json", "DIGEST.json"])
def test_a_document_that_was_altered_is_not_believed(
    registry: ModelRegistry, tmp_path: Path, name: str
) -> None:
    altered = register(registry, tmp_path) / name
    altered.write_text(altered.read_text().replace("0", "1", 1))
    with pytest.raises(ArtifactBroken):
        registry.documents(registry.artifact_ref(1), NAMES)


def test_a_report_is_that_of_the_run_and_survives_a_move_of_the_store(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    register(registry, tmp_path)
    with pytest.raises(NoReport, match="version 1 has no report of its training: it was registered without"):
        registry.report(1)
    registry._store.client.log_text(registry.version(1).run_id, "<p>Räce</p>", "report.html")
    assert registry.report(1) == "<p>Räce</p>"
    (tmp_path / "var").rename(tmp_path / "moved")
    moved = get_model_registry(f"sqlite:///{tmp_path}/moved/mlflow.db")
    assert moved.report(1) == "<p>Räce</p>"
    assert moved.documents(moved.artifact_ref(1), NAMES)["metrics"]["auc"] == 0.7


def test_a_report_that_no_browser_should_be_given_is_none(registry: ModelRegistry, tmp_path: Path) -> None:
    register(registry, tmp_path)
    registry._store.client.log_text(registry.version(1).run_id, "x" * (8 * 2**20 + 1), "report.html")
    with pytest.raises(NoReport, match="at most 8388608 bytes"):
        registry.report(1)


def test_what_is_not_there_is_reported(registry: ModelRegistry, tmp_path: Path) -> None:
    with pytest.raises(NoSuchVersion):
        registry.report(1)
    directory = register(registry, tmp_path)
    shutil.rmtree(directory)
    with pytest.raises((ArtifactBroken, RegistryUnavailable)):
        registry.documents(registry.artifact_ref(1), NAMES)
