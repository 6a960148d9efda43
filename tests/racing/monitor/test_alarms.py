"""Alarms: raised once, brought up to date, cleared when calm."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from racing.database.engine import open_database
from racing.monitor.alarms import (
    Finding,
    active_alarms,
    clear_alarms,
    raise_alarms,
    recent_alarms,
)

FOUND = Finding(
    kind="quality",
    subject="version 7",
    severity="warning",
    text="Version 7 is behind the market by .05.",
    todo="Look at what changed.",
    numbers={"gap": 0.05, "low": float("nan")},
)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Return an empty database of either kind."""
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'races.db'}" if is_sqlite else request.getfixturevalue("postgresql_url")
    engine = open_database(url, create=True)
    yield engine
    engine.dispose()


def titles(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT title FROM notification ORDER BY id")))


def test_an_alarm_is_raised_and_notified_of_once_however_often_and_by_whomever_it_is_found(
    engine: Engine,
) -> None:
    new = []

    def look() -> None:
        for _ in range(5):
            with engine.begin() as connection:
                new.extend(raise_alarms(connection, [FOUND]))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        [alarm] = active_alarms(connection)
    assert [one.id for one in new] == [alarm.id]
    assert alarm.numbers == {"gap": 0.05, "low": None}
    assert titles(engine) == ["Alarm: quality, version 7"]


def test_an_alarm_that_becomes_critical_shows_its_new_figures_and_is_notified_of_again(
    engine: Engine,
) -> None:
    worse = replace(FOUND, severity="critical", text="It is behind by .09.")
    with engine.begin() as connection:
        raise_alarms(connection, [FOUND])
        raise_alarms(connection, [worse])
        raise_alarms(connection, [worse])
        [alarm] = active_alarms(connection)
    assert (alarm.severity, alarm.text) == ("critical", "It is behind by .09.")
    assert titles(engine) == ["Alarm: quality, version 7", "Alarm, now critical: quality, version 7"]


def test_an_alarm_that_is_neither_found_nor_unsettled_is_cleared_and_can_be_raised_again(
    engine: Engine,
) -> None:
    with engine.begin() as connection:
        [first] = raise_alarms(connection, [FOUND])
        assert clear_alarms(connection, ["quality"], standing={FOUND.key}) == []
        assert clear_alarms(connection, ["coverage"], standing=()) == []
        [cleared] = clear_alarms(connection, ["quality"], standing=())
        assert cleared.id == first.id
        assert cleared.cleared_at is not None
        assert active_alarms(connection) == []
        [second] = raise_alarms(connection, [FOUND])
        assert [one.id for one in recent_alarms(connection)] == [second.id, first.id]
    assert titles(engine) == [
        "Alarm: quality, version 7",
        "Alarm cleared: quality, version 7",
        "Alarm: quality, version 7",
    ]


def test_what_was_raised_in_a_transaction_that_fails_was_never_raised_nor_notified_of(
    engine: Engine,
) -> None:
    with engine.connect() as connection:
        raise_alarms(connection, [FOUND])
        connection.rollback()
        assert active_alarms(connection) == []
    assert titles(engine) == []
