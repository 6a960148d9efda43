"""The words of names in the database: one row a month, with what its runs sum up to by word."""

import datetime as dt
import zlib
from collections.abc import Iterator

import numpy as np
from sqlalchemy import Connection, delete, func, insert, select

from racing.database.bulk import ROWS_AT_ONCE, among, fetch
from racing.database.tables import Dog, MonthOfWords, Race, Run, RunWorth
from racing.domain.outer_words import outer_words
from racing.domain.regions import studbook_of
from racing.history import floats, has_result
from racing.ratings.words import RATINGS_OF_WORDS, SUMS, WordBook, Words, WordSums, sums_of_month, sums_of_months

_WORDS = MonthOfWords.__table__  # type: ignore[attr-defined]
_DOG, _RACE, _RUN, _WORTH = (table.__table__ for table in (Dog, Race, Run, RunWorth))  # type: ignore[attr-defined]
_OF_RUN = tuple(f"{rating.name}_{part}" for rating in RATINGS_OF_WORDS for part in ("innovation", "worth"))
_DOUBLE = np.dtype("<f8")


def load_words(connection: Connection) -> WordBook:
    """Return the means of every word and month that the database holds."""
    return WordBook(_stored(connection))


def words_before(connection: Connection, day: dt.date) -> WordSums:
    """Return what the runs of all months before that of a day sum up to, by word."""
    month = day.replace(day=1)
    return sums_of_months(sums for _, sums in _stored(connection, month))


def write_words(connection: Connection, since: dt.date | None, until: dt.date | None) -> None:
    """Write the words of every month from that of a day to a day's; of all months without them.

    The runs of those months must be rated.
    """
    first = None if since is None else since.replace(day=1)
    outdated = delete(_WORDS)
    connection.execute(outdated if first is None else outdated.where(_WORDS.c.month >= first))
    days = select(_RACE.c.date).distinct().order_by(_RACE.c.date)
    if first is not None:
        days = days.where(_RACE.c.date >= first)
    if until is not None:
        days = days.where(_RACE.c.date <= until)
    for month in sorted({day.replace(day=1) for day in connection.scalars(days)}):
        if row := _month(connection, month):
            connection.execute(insert(_WORDS), [row])


def _stored(connection: Connection, before: dt.date | None = None) -> Iterator[tuple[int, WordSums]]:
    query = select(_WORDS.c.month, _WORDS.c.words, _WORDS.c.sums).order_by(_WORDS.c.month)
    if before is not None:
        query = query.where(_WORDS.c.month < before)
    for month, words, packed in connection.execute(query):
        sums = np.frombuffer(zlib.decompress(packed), _DOUBLE).reshape(-1, len(SUMS))
        yield _number(month), WordSums(tuple(words.split()), sums.astype(np.float64))


def _month(connection: Connection, month: dt.date) -> dict[str, object] | None:
    """Return the row of one month, ``None`` if it has no rated run."""
    after = (month + dt.timedelta(days=31)).replace(day=1)
    number = func.coalesce(_RUN.c.box, _RUN.c.rug, 0)
    query = (
        select(_RUN.c.dog_id, _RUN.c.date, *(_WORTH.c[name] for name in _OF_RUN))
        .join(_RACE, _RACE.c.id == _RUN.c.race_id)
        .join(_WORTH, _WORTH.c.run_id == _RUN.c.id)
        .where(_RACE.c.date >= month, _RACE.c.date < after)
        .order_by(_RUN.c.date, _RUN.c.race_id, number, _RUN.c.dog_id)
    )
    rows = [row for part in fetch(connection, query) for row in part]
    if not rows:
        return None
    dogs, days, *values = zip(*rows, strict=True)
    columns = {name: floats(of_runs) for name, of_runs in zip(_OF_RUN, values, strict=True)}
    known = _words_and_first_days(connection, sorted(set(dogs)))
    words = [known[dog][0] for dog in dogs]
    is_first = np.array([known[dog][1] == day for dog, day in zip(dogs, days, strict=True)])
    found = sums_of_month(words, is_first, columns)
    packed = zlib.compress(found.sums.astype(_DOUBLE).tobytes(), 1)
    return {"month": month, "words": " ".join(found.words), "sums": packed}


def _words_and_first_days(connection: Connection, dogs: list[int]) -> dict[int, tuple[Words, object]]:
    """Return the words of each dog's name, and the day of its first run, as the driver gives it."""
    first_day = (
        select(_RUN.c.date)
        .where(_RUN.c.dog_id == _DOG.c.id, has_result)
        .order_by(_RUN.c.date)
        .limit(1)
        .scalar_subquery()
    )
    found: dict[int, tuple[Words, object]] = {}
    for start in range(0, len(dogs), ROWS_AT_ONCE):
        some = among(_DOG.c.id, dogs[start : start + ROWS_AT_ONCE])
        for part in fetch(connection, select(_DOG.c.id, _DOG.c.name, _DOG.c.key, first_day).where(some)):
            found |= {dog: (outer_words(name, studbook_of(key)), day) for dog, name, key, day in part}
    return found


def _number(month: dt.date) -> int:
    """Return a month as they are counted from 1970-01."""
    return (month.year - 1970) * 12 + month.month - 1
