"""A database that is copied while others write is copied as of one moment."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from greyhound.backup.addresses import snapshot
from tests.conftest import new_postgresql_database


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_is_read_of_a_snapshot_is_what_is_copied(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'mlflow.db'}"
    if kind == "postgresql":
        url = new_postgresql_database(request.getfixturevalue("postgresql_server"))
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    if kind == "sqlite":
        with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # writers go on while it is read
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
        connection.execute(sa.text("CREATE TABLE champion (version INTEGER PRIMARY KEY)"))
        connection.execute(sa.text("INSERT INTO champion VALUES (2)"))
    with snapshot(engine.url) as held:
        copied = held.copy_to(tmp_path / "copy", lambda _done, _all: None)
        for version in (3, 4):
            with engine.begin() as connection:
                connection.execute(sa.text(f"INSERT INTO champion VALUES ({version})"))
            with held.reading() as connection:
                assert connection.scalar(sa.text("SELECT max(version) FROM champion")) == 2
        assert copied.tables["champion"].n_rows == 1
