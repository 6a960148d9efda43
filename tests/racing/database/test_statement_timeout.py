"""A statement that takes longer than its limit ends in the database, and the next one is answered."""

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from racing.database.engine import open_database

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
OVER = r"interrupted|statement timeout"


def assert_ends_and_goes_on(engine: Engine) -> None:
    for _ in range(2):
        with engine.connect() as connection, pytest.raises(OperationalError, match=OVER):
            connection.execute(text(ENDLESS))
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM prediction")) == 0
    engine.dispose()


def test_an_endless_read_of_sqlite_is_interrupted(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    assert_ends_and_goes_on(open_database(url, create=True, statement_timeout_s=0.5))


def test_an_endless_read_of_postgresql_is_cancelled_in_the_server(
    postgresql_url: str, postgresql_server: str
) -> None:
    assert_ends_and_goes_on(open_database(postgresql_url, create=True, statement_timeout_s=0.5))
    with psycopg.connect(f"host={postgresql_server} user=greyhound dbname=postgres") as server:
        running = server.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%RECURSIVE n(i)%' "
            "AND state = 'active' AND pid <> pg_backend_pid()"
        ).fetchone()
    assert running == (0,)


def test_a_new_schema_is_made_without_a_limit(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    engine = open_database(url, create=True, statement_timeout_s=0.000_001)
    engine.dispose()
    open_database(url).dispose()
