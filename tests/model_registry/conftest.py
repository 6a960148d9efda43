"""An empty MLflow registry in a folder of its own; MLflow's migrations are run once a session."""

import shutil
from pathlib import Path

import pytest

from model_registry import get_model_registry
from model_registry.registry import ModelRegistry


@pytest.fixture(scope="session")
def empty_registry_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("registry") / "mlflow.db"
    assert get_model_registry(f"sqlite:///{path}", create=True).versions() == []
    return path


@pytest.fixture
def registry(empty_registry_file: Path, tmp_path: Path) -> ModelRegistry:
    (tmp_path / "var").mkdir()
    shutil.copy(empty_registry_file, tmp_path / "var" / "mlflow.db")
    return get_model_registry(f"sqlite:///{tmp_path}/var/mlflow.db")
