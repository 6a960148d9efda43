"""Logged predictions with their outcomes, page by page, the newest first.

The newest have the highest numbers. With a filter, walking down the numbers could pass most of the log before
it finds a page of cards, and sorting those that fit could sort most of it. So the newest are looked up day by
day, in an index, and merged: some look-ups for each day that has such cards.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine, Select, func, select, true

from racing.database.one_state import reading_one_state
from racing.database.tables import Track, TrackAlias
from racing.domain.tracks import TRACK_OF_ALIAS
from racing.predictions.prediction_filter import PredictionFilter, counted_cards
from racing.predictions.tables import LATEST, PREDICTION, RACE, RUNNER

_TRACK, _ALIAS = Track.__table__, TrackAlias.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class LoggedRunner:
    """A runner's logged probabilities and its outcome; ``None`` is not known (yet)."""

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
    """Answered before race day was over; else it is late, and counts only with ``with_late``."""
    loss: float | None
    market_loss: float | None
    uniform_loss: float | None
    runners: tuple[LoggedRunner, ...]
    """By box."""


def predictions_with_outcomes(
    engine: Engine,
    filters: PredictionFilter,
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
            query = counted_cards(filters, with_late=with_late)
            if before is not None:
                query = query.where(LATEST.c.prediction_id < before)
            query = query.order_by(LATEST.c.prediction_id.desc()).limit(limit)
        else:
            query = _newest_cards(connection.dialect.name, filters, limit, before, with_late=with_late)
        ids = list(connection.scalars(query))
    return _cards(engine, [RACE.c.prediction_id.in_(ids)], limit) if ids else []


def prediction_with_outcome(engine: Engine, key: str) -> LoggedCard | None:
    """Return one logged card, by its number or its request id (the newest, where it was sent twice)."""
    found = _cards(engine, [PREDICTION.c.request_id == key], 1)
    if not found and key.isdecimal() and len(key) < 19:
        found = _cards(engine, [RACE.c.prediction_id == int(key)], 1)
    return found[0] if found else None


def track_names(engine: Engine) -> dict[str, str]:
    """Return the name of every known or stored track, by the key under which the log has it."""
    query = select(_ALIAS.c.alias, _TRACK.c.name).join(_TRACK, _TRACK.c.id == _ALIAS.c.track_id)
    with engine.connect() as connection:
        return TRACK_OF_ALIAS | {row.alias: row.name for row in connection.execute(query)}


def _cards(engine: Engine, conditions: list[Any], limit: int) -> list[LoggedCard]:
    query = (
        select(RACE, PREDICTION.c.request_id, PREDICTION.c.digest)
        .join(PREDICTION, PREDICTION.c.id == RACE.c.prediction_id)
        .where(*conditions)
        .order_by(RACE.c.prediction_id.desc())
        .limit(limit)
    )
    with reading_one_state(engine) as connection:
        races = connection.execute(query).all()
        ids = [race.prediction_id for race in races]
        predicted = select(RUNNER).where(RUNNER.c.prediction_id.in_(ids)).order_by(RUNNER.c.box)
        runners: dict[int, list[LoggedRunner]] = defaultdict(list)
        for row in connection.execute(predicted):
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


def _newest_cards(
    dialect: str, filters: PredictionFilter, limit: int, before: int | None, *, with_late: bool
) -> Select[tuple[int]]:
    """Return the query of the numbers of at most ``limit`` cards older than ``before``, newest first."""
    if filters == PredictionFilter():
        return _newest(RACE, filters, limit, before, with_late=with_late)
    days = _days(filters)
    card = RACE.alias("card")
    of_day = _newest(card, _indexed(filters), limit, before, with_late=with_late)
    of_day = of_day.where(card.c.date == days.c.date)
    if filters.track is not None and filters.version is not None:  # the sum keeps the other index out
        of_day = of_day.where(card.c.model_version + 0 == filters.version)
    if dialect == "postgresql":
        lateral = of_day.correlate(days).lateral("of_day")
        query = select(lateral.c.prediction_id).select_from(days.join(lateral, true()))
        return query.order_by(lateral.c.prediction_id.desc()).limit(limit)
    # SQLite has no lateral join; it looks up a list that depends on the outer row just as well
    ids = RACE.c.prediction_id.in_(of_day.correlate(days))
    query = select(RACE.c.prediction_id).select_from(days.join(RACE, ids))
    return query.order_by(RACE.c.prediction_id.desc()).limit(limit)


def _newest(
    table: Any, filters: PredictionFilter, limit: int, before: int | None, *, with_late: bool
) -> Select[tuple[int]]:
    query = select(table.c.prediction_id).where(*filters.conditions(table))
    if before is not None:
        query = query.where(table.c.prediction_id < before)
    if not with_late:
        query = query.where(table.c.is_ahead.is_(True))
    return query.order_by(table.c.prediction_id.desc()).limit(limit)


def _indexed(filters: PredictionFilter) -> PredictionFilter:
    """Return the part of the filter that the index holds: the track, or the version, or nothing."""
    return (
        PredictionFilter(track=filters.track)
        if filters.track is not None
        else PredictionFilter(version=filters.version)
    )


def _days(filters: PredictionFilter) -> Any:
    """Return the days that have cards, each looked up by the one before it, as a common table expression."""
    card = RACE.alias("card_of_day")
    by_index = replace(_indexed(filters), since=filters.since)
    latest = select(func.max(card.c.date).label("date")).where(
        *replace(by_index, until=filters.until).conditions(card)
    )
    days = latest.cte("days", recursive=True)
    # one upper end alone: given two, SQLite may walk down from the wrong one
    earlier = select(func.max(card.c.date)).where(*by_index.conditions(card), card.c.date < days.c.date)
    return days.union_all(select(earlier.correlate(days).scalar_subquery()).where(days.c.date.is_not(None)))
