"""Logged cards as they came in, to be scored again by another version."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, Row, func, select

from racing.predictions import prediction_filter
from racing.predictions.prediction_filter import PredictionFilter
from racing.predictions.tables import PREDICTION, RACE, RUNNER

CHUNK = 200


def logged_cards(engine: Engine, since: dt.date | None, logged_by: int | None) -> Iterator[Row[Any]]:
    """Yield logged cards whose race day is not before ``since``, oldest first.

    With ``id``, ``at``, ``model_version``, ``card`` and ``answer`` (JSON), ``date`` and ``track``.
    """
    after = 0
    while True:
        query = _query(since, logged_by).where(PREDICTION.c.id > after).order_by(PREDICTION.c.id)
        with engine.connect() as connection:
            rows = connection.execute(query.limit(CHUNK)).all()
        yield from rows
        if not rows:
            return
        after = rows[-1].id


def n_logged_cards(engine: Engine, since: dt.date | None, logged_by: int | None) -> int:
    """Return how many cards :func:`logged_cards` yields."""
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(_query(since, logged_by).subquery())) or 0


def counted_cards(
    engine: Engine, since: dt.date | None, logged_by: int | None, *, with_late: bool
) -> set[int]:
    """Return the numbers of the logged cards that a score counts: of each judged race the last."""
    query = prediction_filter.counted_cards(
        PredictionFilter(since=since, version=logged_by), with_late=with_late
    )
    with engine.connect() as connection:
        return set(connection.scalars(query))


def starters_of(engine: Engine, prediction_id: int) -> dict[int, bool]:
    """Return of each starter of a judged card, by box, whether it won; empty if it is not judged."""
    query = (
        select(RUNNER.c.box, RUNNER.c.won)
        .join(RACE, RACE.c.prediction_id == RUNNER.c.prediction_id)
        .where(RUNNER.c.prediction_id == prediction_id, RUNNER.c.share.is_not(None), RACE.c.loss.is_not(None))
    )
    with engine.connect() as connection:
        return {box: bool(won) for box, won in connection.execute(query)}


def _query(since: dt.date | None, logged_by: int | None) -> Any:
    columns = (
        PREDICTION.c.id, PREDICTION.c.at, PREDICTION.c.model_version, PREDICTION.c.card, PREDICTION.c.answer,
        RACE.c.date, RACE.c.track,
    )  # fmt: skip
    query = select(*columns).join(RACE, RACE.c.prediction_id == PREDICTION.c.id)
    if since is not None:
        query = query.where(RACE.c.date >= since)
    return query if logged_by is None else query.where(PREDICTION.c.model_version == logged_by)
