"""The last judged card of each race, updated in the transaction that changes an outcome.

A race counts once in a score. Which of its cards counts is a row of ``latestprediction`` for each version,
separately for cards answered ahead and late: however many cards are about a race, it has some rows. A row
concerns one day, and a writer of a day's outcomes holds its lock, so that two cannot miss each other.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, delete, func, insert, select, text

from racing.predictions.sums import COUNTINGS, add_up
from racing.predictions.tables import LATEST, RACE, SUMS

_LOCK = 7_301  # the first half of PostgreSQL's advisory lock; the second is the day
_N_AT_ONCE = 500  # values in one IN list


class OutcomeChange:
    """A card whose outcome changed, with the stored race that judges it before and now (None: not judged)."""

    def __init__(self, before: Row[Any], *, race_now: int | None) -> None:
        self.prediction_id: int = before.prediction_id
        self.track: str = before.track
        self.race_now = race_now
        self.race_before: int | None = None if before.loss is None else before.race_id
        self._card = before

    def key(self, race: int) -> "_Key":
        """Return the key under which the card may count for a race."""
        return self._card.date, race, self._card.model_version, self._card.is_ahead


_Race = tuple[dt.date, int]
_Key = tuple[dt.date, int, int, bool]  # day, race, version, whether ahead
_Card = tuple[int, str]  # number in the log, key of the track
_FORGET = delete(LATEST).where(LATEST.c.date == bindparam("day"), LATEST.c.race_id == bindparam("race"))


def begin_writing(connection: Connection) -> None:
    """Begin the transaction as one that writes: SQLite's driver would begin it at the first change only."""
    if connection.dialect.name == "sqlite" and not _is_in_transaction(connection):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def lock_days(connection: Connection, days: Iterable[dt.date]) -> None:
    """Keep other writers of these days' outcomes out until the transaction ends; call it before any write."""
    begin_writing(connection)
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        numbers = sorted({day.toordinal() for day in days})  # in order, so that two writers take turns
        lock = "SELECT count(pg_advisory_xact_lock(:lock, day)) FROM unnest(CAST(:days AS int[])) AS day"
        connection.execute(text(lock), {"lock": _LOCK, "days": numbers})


def update_latest(connection: Connection, outcomes: Sequence[OutcomeChange]) -> None:
    """Update which cards count and the sums over them, after outcomes changed; the days are locked."""
    races = {
        one.key(race)[:2] for one in outcomes for race in (one.race_before, one.race_now) if race is not None
    }
    if not races:
        return
    before = _stored(connection, races)
    cards = dict(before)
    to_search: set[_Race] = set()
    for one in outcomes:
        if one.race_now is not None:
            key = one.key(one.race_now)
            if key not in cards or one.prediction_id > cards[key][0]:
                cards[key] = (one.prediction_id, one.track)
        if one.race_before is not None and one.race_before != one.race_now:
            key = one.key(one.race_before)
            if key in before and before[key][0] == one.prediction_id:
                to_search.add(key[:2])
    if to_search:
        cards = {key: card for key, card in cards.items() if key[:2] not in to_search}
        cards |= _last_cards(connection, to_search)
    others = {key for key in before.keys() | cards.keys() if before.get(key) != cards.get(key)}
    if others:
        changed = {key[:2] for key in others}
        _replace(connection, changed, {key: card for key, card in cards.items() if key[:2] in changed})
    touched = {one.prediction_id for one in outcomes}
    counted = (*before.items(), *cards.items())
    meetings = {(key[0], card[1]) for key, card in counted if key in others or card[0] in touched}
    add_up(connection, meetings)


def recount_all(engine: Engine, on_progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Find again which cards count, day by day, and add them up; return how many days there are."""
    days: set[dt.date] = set()
    with engine.connect() as connection:
        for table in (RACE, LATEST, SUMS):
            days |= set(connection.scalars(select(table.c.date).distinct()))
    for done, day in enumerate(sorted(days), start=1):
        with engine.begin() as connection:
            lock_days(connection, [day])
            _recount(connection, day)
        on_progress(done, len(days))
    return len(days)


def recount_without(connection: Connection, date: dt.date, before: dt.datetime) -> None:
    """Find again which cards of a day count, if those answered before some time do not; the day is locked."""
    _recount(connection, date, since=before)


def _recount(connection: Connection, date: dt.date, *, since: dt.datetime | None = None) -> None:
    """Find again, from the outcomes alone, which cards of a day count, and add them up; the day is locked."""
    judged = select(RACE.c.race_id).where(RACE.c.date == date, RACE.c.loss.is_not(None)).distinct()
    if since is not None:
        judged = judged.where(RACE.c.at >= since)
    rows = connection.execute(select(LATEST.c.race_id, LATEST.c.track).where(LATEST.c.date == date)).all()
    races = {(date, race) for race in (*connection.scalars(judged), *(row.race_id for row in rows))}
    cards = _last_cards(connection, races, since)
    _replace(connection, races, cards)
    summed = connection.scalars(
        select(SUMS.c.track).where(SUMS.c.counting.in_(COUNTINGS), SUMS.c.date == date)
    )
    tracks = {*summed, *(row.track for row in rows), *(track for _, track in cards.values())}
    add_up(connection, {(date, track) for track in tracks})


def _is_in_transaction(connection: Connection) -> bool:
    driver: Any = connection.connection.dbapi_connection
    return bool(driver.in_transaction)


def _stored(connection: Connection, races: set[_Race]) -> dict[_Key, _Card]:
    """Return the rows of races as they are."""
    days = {day for day, _ in races}
    return {
        _key(row): (row.prediction_id, row.track)
        for some in _portions({race for _, race in races})
        for row in connection.execute(
            select(LATEST).where(LATEST.c.date.in_(days), LATEST.c.race_id.in_(some))
        )
        if (row.date, row.race_id) in races
    }


def _key(row: Any) -> _Key:
    return row.date, row.race_id, row.model_version, row.is_ahead


def _last_cards(
    connection: Connection, races: set[_Race], since: dt.datetime | None = None
) -> dict[_Key, _Card]:
    """Return the last judged cards of races, found among all their cards, or those answered since then."""
    days = {day for day, _ in races}
    found: dict[_Key, _Card] = {}
    key = (RACE.c.date, RACE.c.race_id, RACE.c.model_version, RACE.c.is_ahead)
    for some in _portions({race for _, race in races}):
        last = (
            select(func.max(RACE.c.prediction_id))
            .where(RACE.c.date.in_(days), RACE.c.race_id.in_(some), RACE.c.loss.is_not(None))
            .group_by(*key)
        )
        if since is not None:
            last = last.where(RACE.c.at >= since)
        cards = select(*key, RACE.c.prediction_id, RACE.c.track).where(RACE.c.prediction_id.in_(last))
        for row in connection.execute(cards):
            if (row.date, row.race_id) in races:
                found[_key(row)] = (row.prediction_id, row.track)
    return found


def _replace(connection: Connection, races: set[_Race], cards: dict[_Key, _Card]) -> None:
    """Put the rows of races in place of those that they had."""
    last: dict[_Race, int] = defaultdict(int)
    last_ahead: dict[_Race, int] = defaultdict(int)
    last_of_version: dict[tuple[dt.date, int, int], int] = defaultdict(int)
    for (day, race, version, is_ahead), (number, _) in cards.items():
        last[day, race] = max(last[day, race], number)
        last_of_version[day, race, version] = max(last_of_version[day, race, version], number)
        if is_ahead:
            last_ahead[day, race] = max(last_ahead[day, race], number)
    connection.execute(_FORGET, [{"day": day, "race": race} for day, race in sorted(races)])
    if cards:
        rows = [
            {
                "date": day,
                "race_id": race,
                "model_version": version,
                "is_ahead": is_ahead,
                "prediction_id": number,
                "track": track,
                "is_last": number == last[day, race],
                "is_last_ahead": number == last_ahead[day, race],
                "is_last_of_version": number == last_of_version[day, race, version],
            }
            for (day, race, version, is_ahead), (number, track) in sorted(cards.items())
        ]
        connection.execute(insert(LATEST), rows)


def _portions(values: Iterable[int]) -> list[list[int]]:
    ordered = sorted(values)
    return [ordered[i : i + _N_AT_ONCE] for i in range(0, len(ordered), _N_AT_ONCE)]
