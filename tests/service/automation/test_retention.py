"""Logged predictions are deleted once their month is older than the settings allow."""

import datetime as dt
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine, func, select

from racing.database.engine import open_database
from racing.predictions.tables import PREDICTION
from service.automation.retention import retention_tasks
from service.settings import ServiceSettings
from tests.racing.predictions.logs import RACES, log_cards


def n_logged(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(PREDICTION)) or 0


def delete_older_than(day: dt.date, engine: Engine) -> None:
    n_days = (dt.datetime.now(dt.UTC).date() - day).days
    (task,) = retention_tasks(ServiceSettings(database=str(engine.url), log_days=n_days))
    task.run(engine)


def test_months_go_once_all_of_them_is_older_and_nothing_goes_by_default(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'log.db'}", create=True)
    log_cards(engine, Random(1), RACES, "writer")
    with engine.connect() as connection:
        last = connection.scalar(select(func.max(PREDICTION.c.at)))
    assert last
    after = (last.date().replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    n = n_logged(engine)
    assert n == len(RACES)
    assert retention_tasks(ServiceSettings(database=str(engine.url))) == ()
    with caplog.at_level("INFO", logger="greyhound.service"):
        delete_older_than(dt.date(2026, 2, 20), engine)
        assert n_logged(engine) == n
        assert caplog.messages == []
        delete_older_than(after + dt.timedelta(days=10), engine)
    assert n_logged(engine) == 0
    assert f"{n} predictions of before {after} were deleted" in caplog.text
    engine.dispose()
