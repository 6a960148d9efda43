"""One database of each kind for the tests of dogs, which only read it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.racing.dogs.builders import dogs_database


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    yield from dogs_database(request, tmp_path_factory.mktemp("dogs"))
