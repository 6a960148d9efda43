"""A service over a log of judged races, written at once as weeks of serving would have left it."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine, insert, select, update

from racing.database.engine import open_database
from racing.database.experiment_tables import Experiment
from racing.database.lease import hold_lease
from racing.monitor.champion import ChampionFacts
from racing.monitor.inputs import summary_of
from racing.monitor.report import look
from racing.monitor.store import store_report
from racing.predictions.tables import COMPARED, RACE
from service.automation.runner import LEASE
from tests.frontend.builders import running_front_end
from tests.racing.monitor.builders import TODAY, draw, make_bins, make_day
from tests.racing.monitor.bulk_log import Answers, write_answers
from tests.service.builders import RunningService
from tests.service.keys import service_with_keys
from tests.service.trained import make_trained_registry

N_DAYS = 30
_EXPERIMENT: Any = Experiment.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class JudgedLog:
    """Pages over a service with versions 1 (the champion), 2 and 3, its database, and two keys."""

    url: str
    service: RunningService
    engine: Engine
    promoter: str
    reader: str
    headers: dict[str, str] = field(repr=False)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Make a change with the key that may."""
        return self.service.client.post(path, json=body, headers=self.headers).raise_for_status().json()

    def look(self, inputs: dict[str, Any] | None = None) -> None:
        """Make the monitor's report of now; with days of inputs drawn from a distribution that is known."""
        report = look(self.engine, ChampionFacts(version=1))
        if inputs is not None:
            with self.engine.begin() as connection:
                now = dt.datetime.now(dt.UTC)
                store_report(connection, report.as_json() | {"inputs": inputs}, made_at=now)


@contextmanager
def judged_log(folder: Path, n_races: int) -> Iterator[JudgedLog]:
    """A service with so many judged races of the champion; another replica has the lease of all tasks."""
    registry = make_trained_registry(folder, 1.59, 1.57, 1.55)
    engine = open_database(f"sqlite:///{folder}/keys.db", create=True)
    hold_lease(engine, LEASE, "another replica", seconds=86_400)
    if n_races:
        log_races(engine, n_races)
    scopes = {"ada": "promote", "bob": "read"}
    settings = {"experiments_poll_s": 0.2}
    with (
        service_with_keys(folder, registry, settings, **scopes) as (service, keys),
        running_front_end(service.url) as url,
    ):
        promoter, reader = (keys[name]["Authorization"].removeprefix("Bearer ") for name in scopes)
        yield JudgedLog(url, service, engine, promoter, reader, keys["ada"])
    engine.dispose()


def log_races(engine: Engine, n_races: int) -> None:
    """Log judged races of version 1 up to yesterday."""
    first_day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=N_DAYS)
    a_day = -(-n_races // N_DAYS)
    write_answers(
        engine, Answers(n_races=n_races, version=1, first_day=first_day, races_a_day=a_day, noise=0.5)
    )


def put_beside(engine: Engine, contestant: str, *, gain: float, n_races: int | None = None) -> None:
    """Judge a contestant in the logged races: better by a mean gain, by outcomes as by closing prices."""
    random = np.random.default_rng(1)
    columns = (RACE.c.prediction_id, RACE.c.date, RACE.c.track, RACE.c.race_id)
    with engine.begin() as connection:
        races = connection.execute(select(*columns).order_by(RACE.c.prediction_id).limit(n_races)).all()
        by_market = gain + 0.01 * random.normal(size=len(races))
        by_outcome = by_market + 0.3 * random.normal(size=len(races))
        rows = [
            {**race._mapping, "contestant": contestant, "champion_version": 1, "experiment_id": None}
            | {"gain_by_outcome": float(outcome), "gain_by_market": float(market)}
            for race, outcome, market in zip(races, by_outcome, by_market, strict=True)
        ]
        connection.execute(insert(COMPARED), rows)


def count_races_in(engine: Engine, experiment: int, *, n_races: int = 2**31 - 1) -> None:
    """Let an experiment have run during the first of the logged races."""
    first_day = dt.datetime.now() - dt.timedelta(days=N_DAYS + 2)
    with engine.begin() as connection:
        connection.execute(
            update(COMPARED).where(COMPARED.c.prediction_id <= n_races).values(experiment_id=experiment)
        )
        connection.execute(
            update(_EXPERIMENT).where(_EXPERIMENT.c.id == experiment).values(started_at=first_day)
        )


def inputs_that_moved() -> dict[str, Any]:
    """Return four weeks of inputs, one of which moved on the last two days."""
    rng = np.random.default_rng(0)
    bins = make_bins(rng)
    days = []
    for days_ago in range(27, -1, -1):
        features = draw(rng, 20)
        if days_ago < 2:
            features[:, 1] += 3
        days.append(make_day(bins, features, rng, days_ago=days_ago))
    return summary_of(days, 1, today=TODAY)
