"""Which race days the database holds, and the races of one."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Engine, Integer, cast, func, select

from racing.database.tables import Race, Run, Track

_RACE, _RUN, _TRACK = Race.__table__, Run.__table__, Track.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class RaceDay:
    """A day of stored races."""

    date: dt.date
    n_races: int
    n_whole_races: int
    """Those of which every starter is known."""
    n_meetings: int
    """Tracks that raced."""
    is_simulated: bool


@dataclass(frozen=True, slots=True)
class ListedRace:
    """A stored race as a list shows it; ``None`` is unknown."""

    id: int
    date: dt.date
    track: str
    race_number: int | None
    distance_m: int
    grade: str | None
    n_runners: int
    """Those that are known and were not scratched."""
    is_whole: bool
    is_outcome_known: bool
    is_simulated: bool


def race_days(engine: Engine, *, limit: int = 50, before: dt.date | None = None) -> list[RaceDay]:
    """Return the days that have races, newest first, those before a day."""
    query = (
        select(
            _RACE.c.date,
            func.count(),
            _n(_RACE.c.is_whole),
            func.count(_RACE.c.track_id.distinct()),
            _n(_RACE.c.is_simulated),
        )
        .group_by(_RACE.c.date)
        .order_by(_RACE.c.date.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(_RACE.c.date < before)
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    return [RaceDay(date, n, n_whole, n_tracks, n_sim > 0) for date, n, n_whole, n_tracks, n_sim in rows]


def races_of_day(engine: Engine, date: dt.date) -> list[ListedRace]:
    """Return the races of a day, by track and number."""
    runs = (
        select(_RUN.c.race_id, func.count().label("n"), func.count(_RUN.c.won).label("n_with_result"))
        .join(_RACE, _RACE.c.id == _RUN.c.race_id)
        .where(_RACE.c.date == date, _RUN.c.is_scratched.is_(False))
        .group_by(_RUN.c.race_id)
        .subquery()
    )
    query = (
        select(_RACE, _TRACK.c.name.label("track"), runs.c.n, runs.c.n_with_result)
        .join(_TRACK, _TRACK.c.id == _RACE.c.track_id)
        .outerjoin(runs, runs.c.race_id == _RACE.c.id)
        .where(_RACE.c.date == date)
        .order_by(_TRACK.c.name, _RACE.c.number.is_(None), _RACE.c.number, _RACE.c.id)
    )
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    return [
        ListedRace(
            id=row.id,
            date=row.date,
            track=row.track,
            race_number=row.number,
            distance_m=row.distance_m,
            grade=row.grade,
            n_runners=row.n_with_result or row.n or 0,  # once it is run, those without a result did not start
            is_whole=row.is_whole,
            is_outcome_known=bool(row.n_with_result),
            is_simulated=row.is_simulated,
        )
        for row in rows
    ]


def _n(flag: ColumnElement[bool]) -> Any:
    """Return of how many races something is true."""
    return func.sum(cast(flag, Integer))
