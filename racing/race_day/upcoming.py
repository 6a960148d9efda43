"""The races of a day as they are stored, run or not: what is due, who runs, who was scratched, who won."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, exists, or_, select
from sqlalchemy.orm import aliased

from racing.database.one_state import reading_one_state
from racing.database.tables import Dog, Race, Run, Track
from racing.domain.cards import FIRST_RESERVE
from racing.domain.regions import country_of, zone_of
from racing.domain.track_time import today_at

MAX_RACES = 500
MAX_CARDS = 100
"""Of one request or one statement."""
_SINCE, _UNTIL = dt.timedelta(minutes=30), dt.timedelta(hours=24)
_DAY = dt.timedelta(days=1)
_RUN, _RACE = Run.__table__, Race.__table__  # type: ignore[attr-defined]
_DOG, _TRACK = Dog.__table__, Track.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class UpcomingRace:
    """A race of the day; ``None`` is unknown, ``off_at`` is UTC and knows it."""

    id: int
    date: dt.date
    track: str
    country: str | None
    zone: str | None
    race_number: int | None
    distance_m: int
    grade: str | None
    off_at: dt.datetime | None
    n_runners: int
    """Without the scratched, and without reserves that have no box."""
    scratched: tuple[str, ...]
    is_outcome_known: bool
    winners: tuple[str, ...]
    n_without_form: int
    """Runners of which no earlier run is stored."""


def upcoming_races(
    engine: Engine, now: dt.datetime, date: dt.date | None = None, *, limit: int = MAX_RACES
) -> list[UpcomingRace]:
    """Return the races that are due from 30 minutes ago to a day ahead, or all of a day.

    Of those whose time is not known, the races of today at their track are due. A race of which every runner
    was scratched is left out. By the time that they are due, then by track and number.

    Parameters
    ----------
    now
        With its zone.
    """
    with reading_one_state(engine) as connection:
        races = [race for race in _races(connection, now, date) if _is_due(race, now, date)]
        races.sort(key=_by_time)
        runs = _runs(connection, [race.id for race in races[:limit]])
        known = _with_form(connection, [race.id for race in races[:limit]])
    shown = [_upcoming(race, runs[race.id], known) for race in races[:limit] if runs[race.id]]
    return [race for race in shown if race.n_runners or race.is_outcome_known]


def region_of(track: Any) -> tuple[str | None, str | None]:
    """Return country and zone of a row of the tracks' table."""
    zone = None if track.zone else zone_of(track.name)
    return track.country or country_of(track.name), track.zone or (None if zone is None else zone.key)


def utc(off_at: dt.datetime | None) -> dt.datetime | None:
    """Return a stored time with its zone."""
    return None if off_at is None else off_at.replace(tzinfo=dt.UTC)


def is_reserve(box: int | None, rug: int | None) -> bool:
    """Return whether a runner of a race to come is a reserve without a box to start from."""
    return (box or rug or 0) >= FIRST_RESERVE


def _races(connection: Connection, now: dt.datetime, date: dt.date | None) -> Sequence[Any]:
    query = select(_RACE, _TRACK.c.name, _TRACK.c.country, _TRACK.c.zone).join(
        _TRACK, _TRACK.c.id == _RACE.c.track_id
    )
    if date is not None:
        return connection.execute(query.where(_RACE.c.date == date)).all()
    today = now.astimezone(dt.UTC).date()
    return connection.execute(query.where(_RACE.c.date.between(today - _DAY, today + 2 * _DAY))).all()


def _is_due(race: Any, now: dt.datetime, date: dt.date | None) -> bool:
    if date is not None:
        return True
    off_at = utc(race.off_at)
    if off_at is None:
        return bool(race.date == today_at(race.name, now))
    return now - _SINCE <= off_at <= now + _UNTIL


def _by_time(race: Any) -> tuple[Any, ...]:
    return (race.off_at is None, race.off_at or dt.datetime.min, race.name, race.number or 99, race.id)


def _runs(connection: Connection, race_ids: list[int]) -> dict[int, list[Any]]:
    columns = [_RUN.c[name] for name in ("race_id", "dog_id", "box", "rug", "won", "is_scratched")]
    query = select(*columns, _DOG.c.name).join(_DOG, _DOG.c.id == _RUN.c.dog_id)
    found: dict[int, list[Any]] = defaultdict(list)
    for run in connection.execute(query.where(_RUN.c.race_id.in_(race_ids))):
        found[run.race_id].append(run)
    return found


def _with_form(connection: Connection, race_ids: list[int]) -> set[tuple[int, int]]:
    """Return race and dog of the runners that have an earlier run with a result."""
    earlier = aliased(_RUN)
    has_result = or_(earlier.c.won.is_not(None), earlier.c.finish_position.is_not(None))
    query = select(_RUN.c.race_id, _RUN.c.dog_id).where(
        _RUN.c.race_id.in_(race_ids),
        exists().where(
            earlier.c.dog_id == _RUN.c.dog_id,
            earlier.c.date < _RUN.c.date,
            earlier.c.is_scratched.is_(False),
            has_result,
        ),
    )
    return {(race_id, dog_id) for race_id, dog_id in connection.execute(query)}


def _upcoming(race: Any, runs: list[Any], known: set[tuple[int, int]]) -> UpcomingRace:
    is_run = any(run.won is not None and not run.is_scratched for run in runs)
    starters = list(_starters(runs, is_run=is_run))
    country, zone = region_of(race)
    return UpcomingRace(
        id=race.id,
        date=race.date,
        track=race.name,
        country=country,
        zone=zone,
        race_number=race.number,
        distance_m=race.distance_m,
        grade=race.grade,
        off_at=utc(race.off_at),
        n_runners=len(starters),
        scratched=tuple(sorted(run.name for run in runs if run.is_scratched)),
        is_outcome_known=is_run,
        winners=tuple(sorted(run.name for run in starters if run.won)),
        n_without_form=sum((run.race_id, run.dog_id) not in known for run in starters),
    )


def _starters(runs: list[Any], *, is_run: bool) -> Iterator[Any]:
    for run in runs:
        if not run.is_scratched and (run.won is not None if is_run else not is_reserve(run.box, run.rug)):
            yield run
