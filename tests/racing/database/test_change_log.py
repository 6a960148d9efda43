"""What is due to the readers of changed days: each has its own, and an upgrade carries it over."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text

from racing.database.change_log import (
    OUTCOMES,
    RATINGS,
    changes_for,
    has_changes,
    note_changes,
    remove_changes,
)
from racing.database.engine import open_database
from racing.database.migrating import alembic_config

DAYS = [dt.date(2026, 3, 1), dt.date(2026, 3, 8)]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of each kind."""
    url = f"sqlite:///{tmp_path / 'races.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    engine = open_database(url, create=True)
    yield engine
    engine.dispose()


def days_for(engine: Engine, reader: str) -> list[dt.date]:
    with engine.connect() as connection:
        return sorted(changes_for(connection, reader).values())


def test_a_reader_that_caught_up_takes_nothing_from_others_nor_a_later_change(database: Engine) -> None:
    with database.begin() as connection:
        note_changes(connection, [*DAYS, DAYS[0]])
        caught_up = changes_for(connection, RATINGS)
        note_changes(connection, DAYS[:1])
        remove_changes(connection, RATINGS, caught_up)
    assert days_for(database, RATINGS) == DAYS[:1]
    assert days_for(database, OUTCOMES) == [DAYS[0], *DAYS]
    with database.connect() as connection:
        assert has_changes(connection, OUTCOMES)
        assert not has_changes(connection, "another")


def test_an_upgrade_and_its_way_back_carry_over_what_is_due(database: Engine) -> None:
    config = alembic_config()
    with database.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0009")
        connection.execute(text("INSERT INTO ratingsdue (id, since) VALUES ('a', '2026-03-01')"))
        for key, day in (("b", "2026-03-01"), ("c", "2026-03-08")):
            connection.execute(text(f"INSERT INTO outcomesdue (id, date) VALUES ('{key}', '{day}')"))
    upgraded = open_database(database.url.render_as_string(hide_password=False))
    assert (days_for(upgraded, RATINGS), days_for(upgraded, OUTCOMES)) == (DAYS[:1], DAYS)
    assert not {"ratingsdue", "outcomesdue"} & set(inspect(upgraded).get_table_names())
    upgraded.dispose()
    with database.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0009")
        assert connection.scalars(text("SELECT id FROM ratingsdue")).all() == ["a"]
        assert sorted(connection.scalars(text("SELECT id FROM outcomesdue"))) == ["b", "c"]
