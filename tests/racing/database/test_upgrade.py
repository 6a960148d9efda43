"""A database of an earlier release, with rows in every table, comes out of the upgrade with all of them."""

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from racing.database.engine import make_tables, open_database
from racing.domain.errors import DatabaseUnavailable

RELEASED = ("0011", "0012")
"""Schemas that installations have: of the release before the last landing, and of that."""
N_ROWS = 3
REPLAYED = {"effect", "runworth", "dogform"}
"""What the ratings derive from the runs: emptied by an upgrade that rates otherwise, and made anew."""


def value_of(column: sa.Column[Any], table: str, i: int) -> Any:
    """A value for a column of the i-th row, which rows of other tables refer to by the same number."""
    kind = column.type
    for key in column.foreign_keys:
        return value_of(key.column, key.column.table.name, i)
    if isinstance(kind, sa.Boolean):
        return bool(i % 2)
    if isinstance(kind, sa.DateTime):
        zone = dt.UTC if kind.timezone else None
        return dt.datetime(2026, 1 + i, 14, 3, 2, 1, 250_000 + i, tzinfo=zone)
    if isinstance(kind, sa.Date):
        return dt.date(2026, 1 + i, 14)
    if isinstance(kind, (sa.Float, sa.Numeric)) and not isinstance(kind, sa.Integer):
        return i + 0.25
    if isinstance(kind, sa.Integer):
        return i
    if isinstance(kind, sa.LargeBinary):
        return bytes([i, 0, 255])
    return f"{table} {column.name} {i}"


def fill(url: str) -> dict[str, list[dict[str, Any]]]:
    """Write rows into every table, and return them by table."""
    engine = sa.create_engine(url)
    metadata = sa.MetaData()
    metadata.reflect(engine)
    rows: dict[str, list[dict[str, Any]]] = {}
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if table.name == "alembic_version":
                continue
            rows[table.name] = [
                {column.name: value_of(column, table.name, i) for column in table.columns}
                for i in range(1, N_ROWS + 1)
            ]
            connection.execute(sa.insert(table), rows[table.name])
    engine.dispose()
    return rows


def stored(url: str, tables: list[str]) -> dict[str, list[dict[str, Any]]]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = {}
        for name in tables:
            table = sa.Table(name, sa.MetaData(), autoload_with=connection)
            found[name] = [dict(row._mapping) for row in connection.execute(sa.select(table))]
    engine.dispose()
    return found


@pytest.mark.parametrize("revision", RELEASED)
def test_what_an_earlier_release_stored_is_all_there_after_the_upgrade(url: str, revision: str) -> None:
    make_tables(url, revision)
    before = fill(url)
    assert len(before) > 25

    open_database(url).dispose()

    after = stored(url, list(before))
    assert not any(after.pop(name) for name in REPLAYED)
    for name, rows in before.items():
        for row in rows if name in after else ():
            same = [one for one in after[name] if row.items() <= one.items()]
            assert len(same) == 1, f"{name}: {row} of {after[name]}"
        assert len(after.get(name, rows)) == len(rows), name
    assert [row["at"] for row in after["predictedrunner"]] == [row["at"] for row in after["prediction"]]
    assert [row["at"] for row in after["comparedrace"]] == [row["at"] for row in after["prediction"]]


def test_numbers_of_the_log_go_on_after_the_upgrade(postgresql_url: str) -> None:
    make_tables(postgresql_url, "0012")
    insert = sa.text(
        "INSERT INTO prediction (writer, number, request_id, model_version, digest, at, card, answer) "
        "VALUES ('w', :number, 'r', 1, 'd', '2026-03-14', '{}', '{}') RETURNING id"
    )
    engine = sa.create_engine(postgresql_url)
    with engine.begin() as connection:
        old = [connection.scalar(insert, {"number": number}) for number in range(5)]
    open_database(postgresql_url).dispose()
    with engine.begin() as connection:
        assert connection.scalar(insert, {"number": 9}) == max(old) + 1
    engine.dispose()


def test_an_upgrade_that_is_interrupted_leaves_everything_as_it_was(postgresql_url: str) -> None:
    make_tables(postgresql_url, "0012")
    before = fill(postgresql_url)
    holder = sa.create_engine(postgresql_url)
    with holder.connect() as connection:  # the last table that it moves cannot be had, as of a killed upgrade
        connection.execute(sa.text("LOCK TABLE comparedrace IN ACCESS SHARE MODE"))
        address = holder.url.update_query_dict({"options": "-clock_timeout=300"})
        with pytest.raises(DatabaseUnavailable, match="lock timeout"):
            open_database(address.render_as_string(hide_password=False))
    assert stored(postgresql_url, list(before)) == before
    open_database(postgresql_url).dispose()
    assert len(stored(postgresql_url, ["prediction"])["prediction"]) == N_ROWS
    holder.dispose()
