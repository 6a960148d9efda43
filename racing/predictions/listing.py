"""Logged predictions with their outcomes, page by page, the newest first."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, select

from racing.predictions.newest import newest_cards
from racing.predictions.prediction_filter import Asked, counted_cards
from racing.predictions.tables import LATEST, PREDICTION, RACE, RUNNER


@dataclass(frozen=True, slots=True)
class LoggedRunner:
    """What was said of a runner and what it did; ``None`` is not known (yet)."""

    name: str
    box: int
    win_probability: float
    place_probability: float
    finish_position: int | None
    won: bool | None
    share: float | None
    market_probability: float | None


@dataclass(frozen=True, slots=True)
class LoggedCard:
    """An answered card and its outcome; the losses are race log losses."""

    id: int
    request_id: str
    at: dt.datetime
    model_version: int
    digest: str
    date: dt.date
    track: str
    distance_m: int
    race_number: int | None
    race_id: int | None
    is_ahead: bool
    """Answered before race day was over; else it is late, and counts only where asked for."""
    loss: float | None
    market_loss: float | None
    uniform_loss: float | None
    runners: tuple[LoggedRunner, ...]
    """By box."""


def predictions_with_outcomes(
    engine: Engine,
    asked: Asked,
    *,
    limit: int = 50,
    before: int | None = None,
    only_counted: bool = False,
    with_late: bool = True,
) -> list[LoggedCard]:
    """Return logged cards, newest first, those older than the one numbered ``before``.

    ``only_counted``: those that a score counts (:func:`racing.predictions.prediction_filter.counted_cards`).
    """
    with engine.connect() as connection:
        if only_counted:
            query = counted_cards(asked, with_late=with_late)
            if before is not None:
                query = query.where(LATEST.c.prediction_id < before)
            query = query.order_by(LATEST.c.prediction_id.desc()).limit(limit)
        else:
            query = newest_cards(connection.dialect.name, asked, limit, before, with_late=with_late)
        ids = list(connection.scalars(query))
    return _cards(engine, [RACE.c.prediction_id.in_(ids)], limit) if ids else []


def prediction_with_outcome(engine: Engine, which: str) -> LoggedCard | None:
    """Return one logged card, by its number or its request id (the newest, where it was sent twice)."""
    found = _cards(engine, [PREDICTION.c.request_id == which], 1)
    if not found and which.isdecimal() and len(which) < 19:
        found = _cards(engine, [RACE.c.prediction_id == int(which)], 1)
    return found[0] if found else None


def _cards(engine: Engine, conditions: list[Any], limit: int) -> list[LoggedCard]:
    query = (
        select(RACE, PREDICTION.c.request_id, PREDICTION.c.digest)
        .join(PREDICTION, PREDICTION.c.id == RACE.c.prediction_id)
        .where(*conditions)
        .order_by(RACE.c.prediction_id.desc())
        .limit(limit)
    )
    with engine.connect() as connection:
        races = connection.execute(query).all()
        ids = [race.prediction_id for race in races]
        said = select(RUNNER).where(RUNNER.c.prediction_id.in_(ids)).order_by(RUNNER.c.box)
        runners: dict[int, list[LoggedRunner]] = defaultdict(list)
        for row in connection.execute(said):
            values = {name: getattr(row, name) for name in LoggedRunner.__dataclass_fields__}
            runners[row.prediction_id].append(LoggedRunner(**values))
    names = [name for name in LoggedCard.__dataclass_fields__ if name not in ("id", "runners")]
    return [
        LoggedCard(
            id=race.prediction_id,
            runners=tuple(runners[race.prediction_id]),
            **{name: getattr(race, name) for name in names},
        )
        for race in races
    ]
