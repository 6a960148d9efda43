"""Bring what is derived from the log up to date: read new cards, match those of changed days."""

import datetime as dt
import logging
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Date, Engine, literal, select, union_all

from racing.database.change_log import OUTCOMES, changes_for, remove_changes
from racing.predictions.latest import lock_days
from racing.predictions.match import DayResults, match_outcomes
from racing.predictions.reading import read_unread
from racing.predictions.tables import RACE
from racing.predictions.unreadable import is_about_row

log = logging.getLogger("greyhound.racing")
CHUNK = 200
_N_DAYS = 100  # looked up in one query

OnProgress = Callable[[int, int], None]


def update_outcomes(engine: Engine, on_progress: OnProgress = lambda done, total: None) -> None:
    """Read every unread card and match predictions with outcomes; a second call has nothing to do."""
    read_unread(engine, on_progress)
    for day in changed_days(engine):
        match_day(engine, day)


def changed_days(engine: Engine) -> list[dt.date]:
    """Return the days with logged cards on which results changed since the cards were matched.

    Changes of days without any are removed: a card that is read later is matched as it is read.
    """
    with engine.connect() as connection:
        changes = changes_for(connection, OUTCOMES)
        if not changes:
            return []
        days = _logged_days(connection, sorted(set(changes.values())))
    if others := [key for key, day in changes.items() if day not in days]:
        with engine.begin() as connection:
            remove_changes(connection, OUTCOMES, others)
    return sorted(days)


def _logged_days(connection: Connection, days: Sequence[dt.date]) -> set[dt.date]:
    """Return those of some days that have logged cards, each looked up: a day may have a million."""
    found: set[dt.date] = set()
    for i in range(0, len(days), _N_DAYS):
        of_days = [
            select(literal(day, Date()).label("day")).where(
                select(RACE.c.date).where(RACE.c.date == day).exists()
            )
            for day in days[i : i + _N_DAYS]
        ]
        found |= set(connection.scalars(union_all(*of_days)))
    return found


def match_day(engine: Engine, day: dt.date, *, pause: Callable[[], None] = lambda: None) -> None:
    """Match every prediction of a day with its outcome, and remove the changes of the day.

    ``pause`` is called between two batches, for a process that has other things to do. Results that change
    during this call leave a change of their own, so the day is matched again.
    """
    with engine.connect() as connection:
        changes = [key for key, date in changes_for(connection, OUTCOMES).items() if date == day]
        # track by track, so that the sums of a track are added up once or twice, not with every batch
        cards = select(RACE.c.prediction_id).where(RACE.c.date == day)
        ids = list(connection.scalars(cards.order_by(RACE.c.track, RACE.c.prediction_id)))
    results: dict[
        dt.date, DayResults
    ] = {}  # the same for all batches: if they change, the day is matched again
    for i in range(0, len(ids), CHUNK):
        _match_batch(engine, day, ids[i : i + CHUNK], results)
        pause()
    with engine.begin() as connection:
        remove_changes(connection, OUTCOMES, changes)


def _match_batch(
    engine: Engine, day: dt.date, ids: Sequence[int], results: dict[dt.date, DayResults]
) -> None:
    """Match some predictions; one that cannot be matched must not hold up the others, nor other days."""
    try:
        with engine.begin() as connection:
            lock_days(connection, [day])
            match_outcomes(connection, ids, results)
    except Exception as error:
        if not is_about_row(error):
            raise
        if len(ids) == 1:
            log.error("logged prediction %s cannot be matched with its outcome: %s", ids[0], error)
        else:
            for one in ids:
                _match_batch(engine, day, [one], results)
