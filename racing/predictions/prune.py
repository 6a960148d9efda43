"""Delete old logged predictions: on PostgreSQL whole months at once, and what is left card by card."""

import datetime as dt
import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine, delete, func, select
from sqlalchemy.exc import OperationalError

from racing.domain.errors import DatabaseUnavailable
from racing.predictions.latest import OutcomeChange, begin_writing, lock_days, recount_without, update_latest
from racing.predictions.months import drop_month, has_months, hold_month, next_month, stored_months
from racing.predictions.seals import mark_pruned, seal_days
from racing.predictions.tables import COMPARED, LATEST, PREDICTION, RACE, RUNNER, UNREADABLE

_N_TRIES = 40  # over a minute
_LOCK_NOT_AVAILABLE = "55P03"
CHUNK = 2_000  # cards a transaction, so that the service's own writing waits a moment only


def prune(
    engine: Engine, before: dt.date, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> int:
    """Delete the cards that were answered before a day (UTC), with all that was derived from them.

    Days that are due are sealed first; seals stay, and say that their predictions are gone on purpose.
    """
    seal_days(engine, until=before - dt.timedelta(days=1))
    mark_pruned(engine, before)
    midnight = dt.datetime.combine(before, dt.time())
    with engine.connect() as connection:
        old = PREDICTION.c.at < midnight
        total = connection.scalar(select(func.count()).select_from(PREDICTION).where(old)) or 0
        months = stored_months(connection) if has_months(connection) else []
    n_gone = 0
    for month in months:
        if next_month(month) <= before:
            n_gone += _dropped(engine, month)
            on_progress(n_gone, total)
    while True:
        with engine.begin() as connection:
            n = _delete_some(connection, midnight)
        if not n:
            return n_gone
        n_gone += n
        on_progress(n_gone, total)


def any_before(engine: Engine, day: dt.date) -> bool:
    """Return whether a card is logged that was answered before a day (UTC)."""
    old = select(PREDICTION.c.id).where(PREDICTION.c.at < dt.datetime.combine(day, dt.time())).limit(1)
    with engine.connect() as connection:
        return connection.scalar(old) is not None


def _dropped(engine: Engine, month: dt.date) -> int:
    """Drop a month, giving way to its readers, again and again; return how many cards it had."""
    for attempt in range(_N_TRIES):
        try:
            with engine.begin() as connection:
                return _drop(connection, month)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            time.sleep(min(0.1 * 2**attempt, 2.0))
    raise DatabaseUnavailable(
        f"predictions of {month:%Y-%m} are read without end, {_N_TRIES} attempts to drop them failed; "
        "prune again later"
    )


def _drop(connection: Connection, month: dt.date) -> int:
    """Drop a month whole, and return how many cards it had; its rows are not looked at one by one."""
    first, after = (dt.datetime.combine(day, dt.time()) for day in (month, next_month(month)))
    of_month = PREDICTION.c.at >= first, PREDICTION.c.at < after
    hold_month(connection, month)
    n = connection.scalar(select(func.count()).select_from(PREDICTION).where(*of_month)) or 0
    gone = RACE.c.at >= first, RACE.c.at < after
    lock_days(connection, connection.scalars(select(RACE.c.date).where(*gone).distinct()))
    # Earlier months are gone by now, so what counts from here on was answered later.
    counted = select(LATEST.c.date).join(RACE, RACE.c.prediction_id == LATEST.c.prediction_id).where(*gone)
    for day in sorted(connection.scalars(counted.distinct())):
        recount_without(connection, day, after)
    ids = select(PREDICTION.c.id).where(*of_month)
    connection.execute(delete(UNREADABLE).where(UNREADABLE.c.prediction_id.in_(ids)))
    drop_month(connection, month)  # last: from here on others wait for the end of the transaction
    return n


def _delete_some(connection: Connection, before: dt.datetime) -> int:
    """Delete some of the cards answered before a time, and return how many they are."""
    begin_writing(connection)
    some = select(PREDICTION.c.id).where(PREDICTION.c.at < before).order_by(PREDICTION.c.at).limit(CHUNK)
    # locked, so that a reader that stores what one is about is done, or finds it gone
    ids = list(connection.scalars(some.with_for_update()))
    races = RACE.c.prediction_id.in_(ids), RACE.c.at < before
    lock_days(connection, connection.scalars(select(RACE.c.date).where(*races).distinct()))
    judged = connection.execute(select(RACE).where(*races, RACE.c.loss.is_not(None))).all()
    connection.execute(delete(UNREADABLE).where(UNREADABLE.c.prediction_id.in_(ids)))
    for table in (COMPARED, RUNNER, RACE):
        connection.execute(delete(table).where(table.c.prediction_id.in_(ids), table.c.at < before))
    connection.execute(delete(PREDICTION).where(PREDICTION.c.id.in_(ids), PREDICTION.c.at < before))
    update_latest(connection, [OutcomeChange(race, race_now=None) for race in judged])
    return len(ids)
