"""Bring what is derived from the log up to date: read what is unread, meet outcomes that changed."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable

from sqlalchemy import Connection, Engine, insert, select

from racing.predictions.outcomes import days_due, meet_day
from racing.predictions.reading import read_unread
from racing.predictions.tables import DUE, RACE

OnProgress = Callable[[int, int], None]


def settle(engine: Engine, on_progress: OnProgress = lambda done, total: None) -> None:
    """Read what nobody has read, and let predictions meet their outcomes; a second call has nothing to do."""
    read_unread(engine, on_progress)
    for day in days_due(engine):
        meet_day(engine, day)


def note_results(connection: Connection, days: Iterable[dt.date] | None, *, since: dt.date) -> None:
    """Note that results changed, on some days or on any from a day on: their predictions are due.

    In the transaction of the change itself, so that an interrupted meeting is made up for by the next. Each
    change has a note of its own: whoever works one off must not take another's away.
    """
    logged = set(connection.scalars(select(RACE.c.date).where(RACE.c.date >= since).distinct()))
    changed = logged if days is None else logged & set(days)
    if changed:
        connection.execute(insert(DUE), [{"id": uuid.uuid4().hex, "date": day} for day in sorted(changed)])
