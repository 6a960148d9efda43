"""Databases that go and come back, and what the log holds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine, select

from racing.database.engine import open_database
from racing.database.tables import Prediction
from tests.service.builders import RunningService
from tests.service.living import SOON_S

TABLE = Prediction.__table__  # type: ignore[attr-defined]


def logged(url: str) -> list[Any]:
    """The rows of the log, in the order in which they were written."""
    engine: Engine = create_engine(url)
    with engine.connect() as connection:
        rows = list(connection.execute(select(TABLE).order_by(TABLE.c.id)))
    engine.dispose()
    return rows


def wait_for_rows(url: str, n: int, seconds: float = SOON_S) -> list[Any]:
    """Wait until the log holds so many rows, and return them."""
    deadline = time.monotonic() + seconds
    while len(rows := logged(url)) < n:
        assert time.monotonic() < deadline, f"{len(rows)} rows, not {n}"
        time.sleep(0.05)
    return rows


def wait_for_an_empty_spool(service: RunningService) -> None:
    """Wait until the database has taken over what a busy machine had spooled first."""
    service.wait_until(lambda status: status["prediction_log"]["spool_bytes"] == 0)


def make_sqlite(folder: Path) -> str:
    """An empty race database in a file, which stands in a folder of its own."""
    url = f"sqlite:///{folder / 'store' / 'races.db'}"
    open_database(url, create=True).dispose()
    return url


@contextmanager
def away(url: str) -> Iterator[None]:
    """Take a database away for a while: its folder is moved, or the server throws everybody out."""
    take, give = _takers(url)
    take()
    try:
        yield
    finally:
        give()


def _takers(url: str) -> tuple[Callable[[], None], Callable[[], None]]:
    if url.startswith("sqlite"):
        folder = Path(url.removeprefix("sqlite:///")).parent
        hidden = folder.with_name("hidden")
        return (lambda: _move(folder, hidden)), (lambda: _move(hidden, folder))
    server, name = url.rpartition("host=")[2], url.split("@/")[1].partition("?")[0]

    def allow(is_allowed: bool) -> None:
        with psycopg.connect(f"host={server} user=greyhound dbname=postgres", autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {is_allowed}")
            connection.execute(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            )

    return (lambda: allow(False)), (lambda: allow(True))


def _move(source: Path, target: Path) -> None:
    source.rename(target)
