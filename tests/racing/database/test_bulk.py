"""Many rows at once: what goes in comes out, none lost at the edges of the parts."""

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import Column, Date, Float, Integer, MetaData, String, Table, create_engine, select

from racing.database.bulk import ROWS_AT_ONCE, fetch, insert_columns, insert_rows, large_cache
from racing.database.engine import open_database

_TABLE = Table(
    "sample", MetaData(), Column("id", Integer, primary_key=True), Column("day", Date),
    Column("name", String), Column("value", Float),
)  # fmt: skip


@pytest.mark.parametrize("n_rows", [0, 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1])
def test_every_row_that_is_written_is_read_again(tmp_path: Path, n_rows: int) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/races.db", create=True)
    rows = [{"id": i, "day": None, "name": None, "value": i / 2 if i % 3 else None} for i in range(n_rows)]
    with engine.begin() as connection:
        _TABLE.create(connection)
        insert_rows(connection, _TABLE, rows)
    with engine.connect() as connection:
        parts = list(fetch(connection, select(_TABLE).order_by(_TABLE.c.id)))
    assert [row for part in parts for row in part] == [tuple(row.values()) for row in rows]
    engine.dispose()


def test_days_are_written_as_sqlalchemy_reads_them(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/races.db", create=True)
    days = [dt.date(2026, 3, 1), None, dt.date(2026, 3, 2)]
    with engine.begin() as connection:
        _TABLE.create(connection)
        insert_columns(connection, _TABLE, {"id": [1, 2, 3], "day": days})
        assert connection.scalars(select(_TABLE.c.day).order_by(_TABLE.c.id)).all() == days
    engine.dispose()


def test_the_large_cache_is_given_back(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/races.db", create=True)
    with engine.connect() as connection:
        before = connection.exec_driver_sql("PRAGMA cache_size").scalar_one()
        with large_cache(connection):
            assert connection.exec_driver_sql("PRAGMA cache_size").scalar_one() != before
        assert connection.exec_driver_sql("PRAGMA cache_size").scalar_one() == before
    engine.dispose()


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "AUTOCOMMIT"])
def test_a_server_gives_all_rows_in_parts_with_and_without_a_transaction(
    postgresql_url: str, isolation: str
) -> None:
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        _TABLE.create(connection)
        insert_columns(connection, _TABLE, {"id": list(range(ROWS_AT_ONCE + 1))})
    with engine.execution_options(isolation_level=isolation).connect() as connection:
        parts = list(fetch(connection, select(_TABLE.c.id).order_by(_TABLE.c.id)))
    engine.dispose()
    assert [len(part) for part in parts] == [ROWS_AT_ONCE, 1]
    assert [row[0] for part in parts for row in part] == list(range(ROWS_AT_ONCE + 1))
