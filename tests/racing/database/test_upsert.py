"""Inserts that skip what is there say how many rows were new, on both databases."""

import datetime as dt
from pathlib import Path

import pytest

from racing.database.engine import open_database
from racing.database.lease import hold_lease
from racing.database.monitor_tables import Lease
from racing.database.upsert import insert_missing


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_rows_that_were_new_are_counted_and_so_a_lease_has_one_holder(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}" if kind == "sqlite" else request.getfixturevalue("postgresql_url")
    engine = open_database(url, create=True)
    until = dt.datetime(2026, 3, 1)
    rows = [{"name": name, "holder": "x", "expires_at": until} for name in "ab"]
    table = Lease.__table__  # type: ignore[attr-defined]
    with engine.begin() as connection:
        assert insert_missing(connection, table, rows[:1]) == 1
        assert insert_missing(connection, table, rows[:1]) == 0
        assert insert_missing(connection, table, rows) == 1
    holders = [hold_lease(engine, "c", holder, seconds=600) for holder in ("one", "other", "one")]
    assert holders == [True, False, True]
    engine.dispose()
