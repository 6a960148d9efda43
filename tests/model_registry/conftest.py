"""An empty MLflow registry in a folder of its own."""

from pathlib import Path

import pytest

from model_registry.registry import ModelRegistry
from tests.model_registry import empty
from tests.model_registry.empty import empty_registry_in


@pytest.fixture(scope="session")
def empty_registry_file() -> Path:
    return empty.empty_registry_file()


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return empty_registry_in(tmp_path / "var")
