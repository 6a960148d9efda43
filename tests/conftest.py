"""What several suites need: the folder of real files, where there is one, and a PostgreSQL server."""

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG

from tests.clocks.slow import SLOW
from tests.clocks.today import today
from tests.model_registry.empty import share_a_folder
from tests.postgresql import postgresql

ROOT = Path(__file__).resolve().parents[1]

# Where a test names no time-out, httpx waits for 5 s, which a machine with other work may take for anything.
for _part in ("connect", "read", "write", "pool"):
    setattr(DEFAULT_TIMEOUT_CONFIG, _part, 60.0)

share_a_folder()  # before pytest-xdist starts its workers

# A shell that starts the tests in its background has them ignore Ctrl-C, and what they start inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the slow modules come first: a worker has one at a time, and the last should be short."""
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW))


@pytest.fixture(scope="session", autouse=True)
def _spool(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let services that tests start spool into a folder of this run, never into the checkout's."""
    os.environ["GREYHOUND_SPOOL"] = str(tmp_path_factory.mktemp("spool"))


@pytest.fixture(autouse=True)
def _a_day_for_each_test() -> None:
    """Let each test ask anew which day it is."""
    today.cache_clear()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real samples, or skip."""
    folder = Path(os.environ.get("GREYHOUND_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "form_guides").is_dir():
        pytest.skip(f"no real files at {folder} (GREYHOUND_TEST_DATA names another folder)")
    return folder


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    """Return the URL of an empty PostgreSQL database, or skip."""
    return new_postgresql_database(postgresql_server)


def new_postgresql_database(postgresql_server: str) -> str:
    """Make an empty database and return its URL."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(
        f"host={postgresql_server} user=greyhound dbname=postgres", autocommit=True
    ) as server:
        server.execute(f"create database {name}")
    return f"postgresql+psycopg://greyhound@/{name}?host={postgresql_server}"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Return the socket folder of a PostgreSQL server started for the tests, or skip."""
    with postgresql("-U greyhound -A trust", "listen_addresses=") as folder:
        yield folder
