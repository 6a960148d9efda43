"""`greyhound migrate`: tables made or upgraded by one process, while others wait for it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from greyhound.cli import main
from racing.database.engine import require_newest_schema, upgrade
from racing.domain.errors import DatabaseUnavailable


def migrate(database: str, *options: str) -> None:
    CliRunner().invoke(
        main, ["migrate", "--database", database, *options], standalone_mode=False, catch_exceptions=False
    )


def test_checking_waits_until_another_has_made_the_tables(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/races.db"
    with pytest.raises(DatabaseUnavailable, match="there is no database at"):
        migrate(database, "--check")
    assert not (tmp_path / "races.db").exists()
    waiting = threading.Thread(target=migrate, args=(database, "--check", "--wait", "60"))
    waiting.start()
    migrate(database)
    waiting.join(60)
    assert not waiting.is_alive()
    migrate(database, "--check")


def test_older_tables_are_not_up_to_date_and_checking_leaves_them_as_they_are(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/races.db"
    upgrade(database)
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        (first,) = connection.execute(text("SELECT version_num FROM alembic_version")).one()
    with pytest.raises(DatabaseUnavailable, match=f"schema {first}, older than this program's"):
        require_newest_schema(database)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).one() == (first,)


def test_of_many_that_start_at_once_on_postgresql_one_makes_the_tables(postgresql_url: str) -> None:
    with ThreadPoolExecutor(6) as threads:
        for done in [threads.submit(upgrade, postgresql_url) for _ in range(6)]:
            done.result(60)
    require_newest_schema(postgresql_url)
