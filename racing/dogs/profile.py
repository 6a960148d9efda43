"""A dog's page: its facts, its runs, its ratings over time, and how it fared by box and by track."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, select

from racing.database.one_state import reading_one_state
from racing.database.tables import Dog, Run
from racing.dogs.form_lines import FormLine, form_line, joined_runs, line_columns, winners_of
from racing.dogs.ratings_over_time import RatedDay, ratings_over_time
from racing.domain.errors import NoSuchDog

MAX_RUNS = 1_000
"""The newest runs of a dog that are looked at: several times a long career."""
_RUN, _DOG = Run.__table__, Dog.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Starts:
    """How a dog fared in some of its races, those with a result."""

    group: str
    """The box's number, or the track's name."""
    n_starts: int
    n_wins: int
    n_places: int
    """Paid places, the wins among them."""
    n_priced: int
    """Starts of which the market's probability is known."""
    priced_wins: int
    """Wins among those."""
    market_expected_wins: float | None
    """What the market at the off expected of those: the sum of its probabilities; ``None`` without any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DogProfile:
    """All that the database says of a dog; ``None`` is unknown."""

    id: int
    name: str
    sex: str | None
    sire: str | None
    dam: str | None
    born: str | None
    """``2022-10-14``, or ``2022-10``."""
    trainer: str | None
    """Of its newest run that has one."""
    career: Starts
    by_box: tuple[Starts, ...]
    by_track: tuple[Starts, ...]
    """The track of most starts first."""
    runs: tuple[FormLine, ...]
    """A page of them, the newest first; scratchings and races to come among them."""
    next_before: dt.date | None
    """The day before which the next page begins; ``None`` at the end."""
    rated_track: str | None
    rated_distance_m: int | None
    """What the ratings are for: the track and distance of the newest run with a result."""
    ratings: tuple[RatedDay, ...]
    """The oldest first; the same on each page."""


def dog_profile(engine: Engine, dog_id: int, *, limit: int = 30, before: dt.date | None = None) -> DogProfile:
    """Return a dog's page with its newest runs, those before a day.

    Raises
    ------
    NoSuchDog
        If the database has no dog of that number.
    """
    with reading_one_state(engine) as connection:
        dog = connection.execute(select(_DOG).where(_DOG.c.id == dog_id)).one_or_none()
        if dog is None:
            raise NoSuchDog(f"the database has no dog {dog_id}; GET /dogs?q=... finds dogs by name")
        rows = connection.execute(
            select(*line_columns())
            .select_from(joined_runs())
            .where(_RUN.c.dog_id == dog_id)
            .order_by(_RUN.c.date.desc(), _RUN.c.id.desc())
            .limit(MAX_RUNS)
        ).all()
        shown = [row for row in rows if before is None or row.date < before]
        page = shown[:limit]
        winners = winners_of(connection, [row.race_id for row in page])
        starts = [row for row in rows if form_line(row, {}).has_result]
        newest = starts[0] if starts else None
        ratings: tuple[RatedDay, ...] = ()
        if newest is not None:
            ratings = ratings_over_time(
                connection, dog_id, track_id=newest.track_id, distance_m=newest.distance_m
            )
    by_box = _by(starts, lambda row: row.box)
    by_track = _by(starts, lambda row: row.track)
    return DogProfile(
        id=dog.id,
        name=dog.name,
        sex=dog.sex,
        sire=dog.sire,
        dam=dog.dam,
        born=dog.born,
        trainer=next((row.trainer for row in rows if row.trainer), None),
        career=_starts("career", starts),
        by_box=tuple(sorted(by_box, key=lambda one: int(one.group))),
        by_track=tuple(sorted(by_track, key=lambda one: (-one.n_starts, one.group))),
        runs=tuple(form_line(row, winners) for row in page),
        next_before=page[-1].date if len(shown) > limit else None,
        rated_track=newest.track if newest else None,
        rated_distance_m=newest.distance_m if newest else None,
        ratings=ratings,
    )


def _by(starts: list[Any], group_of: Callable[[Any], Any]) -> list[Starts]:
    groups: dict[Any, list[Any]] = {}
    for row in starts:
        if (group := group_of(row)) is not None:
            groups.setdefault(group, []).append(row)
    return [_starts(str(group), rows) for group, rows in groups.items()]


def _starts(group: str, rows: list[Any]) -> Starts:
    priced = [row for row in rows if row.market_share is not None]
    return Starts(
        group=group,
        n_starts=len(rows),
        n_wins=sum(_has_won(row) for row in rows),
        n_places=sum(_has_won(row) or bool(row.placed) for row in rows),
        n_priced=len(priced),
        priced_wins=sum(_has_won(row) for row in priced),
        market_expected_wins=sum(row.market_share for row in priced) if priced else None,
    )


def _has_won(row: Any) -> bool:
    return row.finish_position == 1 if row.won is None else bool(row.won)
