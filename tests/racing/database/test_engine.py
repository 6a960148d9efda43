"""The database opens at the newest schema, or says in one sentence why not."""

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlmodel import SQLModel

import racing.database.tables  # noqa: F401
from racing.database import engine as engine_module
from racing.database.engine import open_database, upgrade
from racing.domain.errors import DatabaseUnavailable


def differences(engine: Engine) -> list[Any]:
    def is_ours(name: str | None, kind: str, _: object) -> bool:
        return kind != "table" or not str(name).endswith("_other")  # a partition

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_ours})
        return list(compare_metadata(context, SQLModel.metadata))


def test_the_migrations_make_the_tables_of_the_models(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'deep' / 'a.db'}", create=True)
    assert differences(engine) == []
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA busy_timeout")) == engine_module.BUSY_TIMEOUT_S * 1000


def test_the_migrations_make_the_tables_on_postgresql_too(postgresql_url: str) -> None:
    engine = open_database(postgresql_url, create=True)
    found = sorted(f"{what} {thing.table.name}" for what, thing in differences(engine))
    engine.dispose()
    # What is in partitions has the time in its unique keys, and no foreign keys.
    logs = ("comparedrace", "predictedrace", "predictedrunner", "unreadableprediction")
    keys = [
        "add_constraint prediction",
        *(f"add_fk {table}" for table in logs),
        "remove_constraint prediction",
    ]
    assert found == keys


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    upgrade(url)
    with open_database(url).begin() as connection:
        connection.execute(text("INSERT INTO track (name) VALUES ('Ballarat')"))
    with open_database(url).connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM track")) == 1


def test_an_absent_database_is_not_made_unasked(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"no database at .*absent\.db"):
        open_database(f"sqlite:///{tmp_path / 'absent.db'}")
    assert not (tmp_path / "absent.db").exists()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("these are not the bytes of a database\n" * 50)
    with pytest.raises(DatabaseUnavailable, match="not an SQLite database"):
        open_database(f"sqlite:///{tmp_path / 'a.db'}")


def test_a_database_of_others_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(DatabaseUnavailable, match="other tables than ours"):
        open_database(f"sqlite:///{tmp_path / 'a.db'}", create=True)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with open_database(url, create=True).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnavailable, match="has schema 9999, newer"):
        open_database(url)


def test_a_locked_database_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "BUSY_TIMEOUT_S", 0.1)
    holder = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DatabaseUnavailable, match="locked"):
        open_database(f"sqlite:///{tmp_path / 'a.db'}", create=True)
    holder.close()


def test_a_server_out_of_reach_is_named_without_its_password() -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot be reached") as caught:
        open_database("postgresql://anna:s3cret@127.0.0.1:1/races")
    assert "s3cret" not in str(caught.value)
    assert "anna" in str(caught.value)


@pytest.mark.parametrize("url", ["races.db", "mysql://localhost/races"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="database"):
        open_database(url)


def test_a_disk_that_is_full_leaves_no_half_made_database(tmp_path: Path) -> None:
    path = tmp_path / "races.db"
    code = (
        "import resource, sys\n"
        "from racing.database.engine import open_database\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "open_database(sys.argv[1], create=True)\n"
    )
    url = f"sqlite:///{path}"
    made = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True)
    assert "DatabaseUnavailable: the database" in made.stderr
    assert "cannot be written" in made.stderr
    open_database(url, create=True).dispose()
