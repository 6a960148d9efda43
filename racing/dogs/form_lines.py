"""The form lines of a race: what each of its runners did on the days before."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, func, select

from racing.database.tables import Dog, Race, Run, RunWorth, Track
from racing.domain.errors import NoSuchRace

N_RUNS = 6
"""Form lines of a runner, as a race card has them."""
_RUN, _RACE = Run.__table__, Race.__table__  # type: ignore[attr-defined]
_DOG, _TRACK = Dog.__table__, Track.__table__  # type: ignore[attr-defined]
_WORTH = RunWorth.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLine:
    """One run of a dog; ``None`` is unknown."""

    race_id: int
    date: dt.date
    track: str
    distance_m: int
    race_number: int | None
    grade: str | None
    box: int | None
    weight_kg: float | None
    is_scratched: bool
    has_result: bool
    finish_position: int | None
    won: bool | None
    placed: bool | None
    n_starters: int | None
    """Known where every starter is."""
    winner: str | None
    """Who won, by name; of a dead heat the first by name."""
    time_s: float | None
    winner_time_s: float | None
    first_split_s: float | None
    margin_lengths: float | None
    """Behind the winner; of the winner, over the second."""
    position_in_running: str | None
    starting_price: float | None
    bsp: float | None
    market_probability: float | None
    """The market's at the off: within its race where every starter is priced, else by the run's own price."""
    trainer: str | None
    remarks: str | None


@dataclass(frozen=True, slots=True)
class RunnerForm:
    """A runner of a race and its last runs."""

    dog_id: int
    name: str
    box: int | None
    is_scratched: bool
    n_runs: int
    """Runs with a result on all days before the race."""
    runs: tuple[FormLine, ...]
    """At most ``N_RUNS``, the newest first, all of days before the race's."""


@dataclass(frozen=True, slots=True)
class RaceForm:
    """A race and the form lines of its runners, as they stood on its morning."""

    race_id: int
    date: dt.date
    track: str
    runners: tuple[RunnerForm, ...]
    """By box; the scratched among them."""


def race_form(engine: Engine, race_id: int) -> RaceForm:
    """Return each runner's last runs before a race's day: none of that day, and none later.

    Raises
    ------
    NoSuchRace
        If the database has no race of that number.
    """
    with engine.connect() as connection:
        race = connection.execute(
            select(_RACE.c.id, _RACE.c.date, _TRACK.c.name.label("track"))
            .join(_TRACK, _TRACK.c.id == _RACE.c.track_id)
            .where(_RACE.c.id == race_id)
        ).one_or_none()
        if race is None:
            raise NoSuchRace(f"the database has no race {race_id}; GET /races?date=... lists those of a day")
        runners = connection.execute(
            select(_RUN.c.dog_id, _DOG.c.name, _RUN.c.box, _RUN.c.rug, _RUN.c.is_scratched)
            .join(_DOG, _DOG.c.id == _RUN.c.dog_id)
            .where(_RUN.c.race_id == race_id)
        ).all()
        ids = [runner.dog_id for runner in runners]
        counts, lines = _lines_before(connection, race.date, ids)
    found = [
        RunnerForm(
            dog_id=runner.dog_id,
            name=runner.name,
            box=runner.box or runner.rug,
            is_scratched=runner.is_scratched,
            n_runs=counts.get(runner.dog_id, 0),
            runs=tuple(lines.get(runner.dog_id, ())),
        )
        for runner in runners
    ]
    found.sort(key=lambda runner: (runner.box or 99, runner.name))
    return RaceForm(race.id, race.date, race.track, tuple(found))


def line_columns() -> list[ColumnElement[Any]]:
    """Return what :func:`form_line` reads of ``run``, ``race``, ``track`` and ``runworth``, joined."""
    of_run = (
        "dog_id", "race_id", "date", "box", "rug", "weight_kg", "is_scratched", "finish_position", "won",
        "placed", "time_s", "winner_time_s", "first_split_s", "margin_lengths", "position_in_running",
        "starting_price", "bsp", "trainer", "remarks",
    )  # fmt: skip
    return [
        *(_RUN.c[name] for name in of_run),
        *(_RACE.c.distance_m, _RACE.c.number, _RACE.c.grade, _RACE.c.track_id),
        *(_TRACK.c.name.label("track"), _WORTH.c.n_starters, _WORTH.c.market_share),
    ]


def joined_runs() -> Any:
    """Return runs with their races, tracks and, where they are rated, performances, to select from."""
    return (
        _RUN.join(_RACE, _RACE.c.id == _RUN.c.race_id)
        .join(_TRACK, _TRACK.c.id == _RACE.c.track_id)
        .outerjoin(_WORTH, _WORTH.c.run_id == _RUN.c.id)
    )


def has_result() -> ColumnElement[bool]:
    """Return the condition that a run took place and its result is known."""
    known = _RUN.c.won.is_not(None) | _RUN.c.finish_position.is_not(None)
    return known & _RUN.c.is_scratched.is_(False)


def form_line(row: Any, winners: Mapping[int, str]) -> FormLine:
    """Return a form line from a row of :func:`line_columns`."""
    same = {name: getattr(row, name) for name in FormLine.__dataclass_fields__ if hasattr(row, name)}
    return FormLine(
        **same
        | {
            "box": row.box or row.rug,
            "race_number": row.number,
            "has_result": not row.is_scratched and (row.won is not None or row.finish_position is not None),
            "n_starters": None if row.n_starters is None else round(row.n_starters),
            "market_probability": row.market_share,
            "winner": winners.get(row.race_id),
        }
    )


def winners_of(connection: Connection, race_ids: list[int]) -> dict[int, str]:
    """Return the winner's name of each race that has one."""
    query = (
        select(_RUN.c.race_id, func.min(_DOG.c.name))
        .join(_DOG, _DOG.c.id == _RUN.c.dog_id)
        .where(_RUN.c.race_id.in_(race_ids), _RUN.c.won.is_(True))
        .group_by(_RUN.c.race_id)
    )
    return dict(connection.execute(query).all())


def _lines_before(
    connection: Connection, date: dt.date, dog_ids: list[int]
) -> tuple[dict[int, int], dict[int, list[FormLine]]]:
    """Return how often each dog ran before a day, and its last runs."""
    order = (_RUN.c.date.desc(), _RUN.c.id.desc())
    numbered = (
        select(
            *line_columns(),
            func.row_number().over(partition_by=_RUN.c.dog_id, order_by=order).label("runs_ago"),
            func.count().over(partition_by=_RUN.c.dog_id).label("n_runs"),
        )
        .select_from(joined_runs())
        .where(_RUN.c.dog_id.in_(dog_ids), _RUN.c.date < date, has_result())
        .subquery()
    )
    query = select(numbered).where(numbered.c.runs_ago <= N_RUNS).order_by(numbered.c.runs_ago)
    rows = connection.execute(query).all()
    winners = winners_of(connection, sorted({row.race_id for row in rows}))
    counts: dict[int, int] = {}
    lines: dict[int, list[FormLine]] = {}
    for row in rows:
        counts[row.dog_id] = row.n_runs
        lines.setdefault(row.dog_id, []).append(form_line(row, winners))
    return counts, lines
