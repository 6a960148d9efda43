"""A service with everything that a client may ask for, and each kind of client of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.client.builders import KINDS, connected
from tests.service.builders import RunningService, make_registry
from tests.service.keys import service_with_keys


@dataclass(frozen=True)
class Whole:
    """A service with two versions, a race database, its log, and keys by name."""

    service: RunningService
    keys: dict[str, str]

    @property
    def url(self) -> str:
        return self.service.url


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """The service that the client's tests share."""
    folder: Path = tmp_path_factory.mktemp("whole")
    registry = make_registry(folder, exponents=(1.0, 2.0))
    settings = {"log_interval_s": 0.1, "database_poll_s": 1.0, "failed_keys_per_minute": 100}
    settings |= {"champion_poll_s": 1.0, "keys_poll_s": 1.0}  # it is there to the end, and idle most of it
    scopes = {"boss": "promote results", "reader": "read"}
    with service_with_keys(folder, registry, settings, **scopes) as (service, headers):
        keys = {name: header["Authorization"].removeprefix("Bearer ") for name, header in headers.items()}
        yield Whole(service, keys)


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    """Which of the two clients."""
    return str(request.param)


@pytest.fixture
def greyhound(kind: str, whole: Whole) -> Iterator[Any]:
    """A client without a key."""
    with connected(kind, whole.url) as client:
        yield client
