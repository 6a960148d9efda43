"""The query of the newest logged cards of some days, version and track, as quick in a large log.

The newest come first by their numbers. Where days, a version or a track are wanted, walking down the numbers
could pass most of the log before it finds a page of cards, and sorting what fits could sort most of it. So
the newest are looked up day by day, in an index, and merged: some lookups for each day that has such cards.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import Select, func, select, true

from racing.predictions.prediction_filter import Asked
from racing.predictions.tables import RACE


def newest_cards(
    dialect: str, asked: Asked, limit: int, before: int | None, *, with_late: bool
) -> Select[tuple[int]]:
    """Return the query of the numbers of at most ``limit`` cards older than ``before``, newest first."""
    if asked == Asked():
        return _newest(RACE, asked, limit, before, with_late=with_late)
    days = _days(asked)
    card = RACE.alias("card")
    of_day = _newest(card, _indexed(asked), limit, before, with_late=with_late)
    of_day = of_day.where(card.c.date == days.c.date)
    if asked.track is not None and asked.version is not None:  # the sum keeps the other index out
        of_day = of_day.where(card.c.model_version + 0 == asked.version)
    if dialect == "postgresql":
        lateral = of_day.correlate(days).lateral("of_day")
        query = select(lateral.c.prediction_id).select_from(days.join(lateral, true()))
        return query.order_by(lateral.c.prediction_id.desc()).limit(limit)
    # SQLite has no lateral join; it looks up a list that depends on the outer row just as well
    ids = RACE.c.prediction_id.in_(of_day.correlate(days))
    query = select(RACE.c.prediction_id).select_from(days.join(RACE, ids))
    return query.order_by(RACE.c.prediction_id.desc()).limit(limit)


def _newest(
    table: Any, asked: Asked, limit: int, before: int | None, *, with_late: bool
) -> Select[tuple[int]]:
    query = select(table.c.prediction_id).where(*asked.conditions(table))
    if before is not None:
        query = query.where(table.c.prediction_id < before)
    if not with_late:
        query = query.where(table.c.is_ahead.is_(True))
    return query.order_by(table.c.prediction_id.desc()).limit(limit)


def _indexed(asked: Asked) -> Asked:
    """Return what the index tells that is used: that of tracks, of versions, or of days alone."""
    return Asked(track=asked.track) if asked.track is not None else Asked(version=asked.version)


def _days(asked: Asked) -> Any:
    """Return the days that have cards, each looked up by the one before it, as a common table expression."""
    card = RACE.alias("card_of_day")
    by_index = replace(_indexed(asked), since=asked.since)
    latest = select(func.max(card.c.date).label("date")).where(
        *replace(by_index, until=asked.until).conditions(card)
    )
    days = latest.cte("days", recursive=True)
    # one upper end alone: given two, SQLite may walk down from the wrong one
    earlier = select(func.max(card.c.date)).where(*by_index.conditions(card), card.c.date < days.c.date)
    return days.union_all(select(earlier.correlate(days).scalar_subquery()).where(days.c.date.is_not(None)))
