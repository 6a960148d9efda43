"""Delete old logged predictions."""

import datetime as dt
from collections.abc import Callable

from sqlalchemy import Engine, delete, func, select

from racing.predictions.latest import OutcomeChange, begin_writing, lock_days, update_latest
from racing.predictions.seals import mark_pruned, seal_days
from racing.predictions.tables import COMPARED, PREDICTION, RACE, RUNNER, UNREADABLE

CHUNK = 2_000  # cards a transaction, so that the service's own writing waits a moment only


def prune(
    engine: Engine, before: dt.date, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> int:
    """Delete the cards that were answered before a day (UTC), with all that was derived from them.

    Days that are due are sealed first; seals stay, and say that their predictions are gone on purpose.
    """
    seal_days(engine, until=before - dt.timedelta(days=1))
    mark_pruned(engine, before)
    old = PREDICTION.c.at < dt.datetime.combine(before, dt.time())
    with engine.connect() as connection:
        total = connection.scalar(select(func.count()).select_from(PREDICTION).where(old)) or 0
    n_gone = 0
    while True:
        with engine.begin() as connection:
            begin_writing(connection)
            ids = list(
                connection.scalars(select(PREDICTION.c.id).where(old).order_by(PREDICTION.c.at).limit(CHUNK))
            )
            races = RACE.c.prediction_id.in_(ids)
            lock_days(connection, connection.scalars(select(RACE.c.date).where(races).distinct()))
            judged = connection.execute(select(RACE).where(races, RACE.c.loss.is_not(None))).all()
            for column in (
                COMPARED.c.prediction_id,
                RUNNER.c.prediction_id,
                RACE.c.prediction_id,
                UNREADABLE.c.prediction_id,
                PREDICTION.c.id,
            ):
                connection.execute(delete(column.table).where(column.in_(ids)))
            update_latest(connection, [OutcomeChange(race, race_now=None) for race in judged])
        if not ids:
            return n_gone
        n_gone += len(ids)
        on_progress(n_gone, total)
