"""One service for the tests that only read from it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.builders import RunningService, make_registry, running_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with a champion and no database."""
    folder: Path = tmp_path_factory.mktemp("registry")
    with running_service(make_registry(folder), champion_poll_s=60.0) as running:  # it is there to the end
        yield running
