"""The last judged card of each race, updated in the transaction that changes an outcome.

A race counts once in a score. Which of its cards counts is a row of ``latestprediction`` for each version,
separately for cards answered ahead and late: however often a race is asked, it has a handful of rows. A row
concerns one day, and who changes a day's outcomes holds its lock, so that two writers cannot miss each other.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, text

from racing.predictions.sums import add_up
from racing.predictions.tables import LATEST, RACE

_LOCK = 7_301  # the first half of PostgreSQL's advisory lock; the second is the day
_N_AT_ONCE = 500  # values in one IN list


@dataclass(frozen=True, slots=True)
class Outcome:
    """A card's outcome that changed; the race ids are ``None`` where it is not judged."""

    prediction_id: int
    date: dt.date
    model_version: int
    is_ahead: bool
    track: str
    race_before: int | None
    race_now: int | None


_Key = tuple[int, int, bool]  # race, version, whether ahead
_Card = tuple[int, str]  # number in the log, key of the track


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


def update_latest(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """Update which cards count and the sums over them, after outcomes changed; the days are locked."""
    by_day: dict[dt.date, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.race_before is not None or outcome.race_now is not None:
            by_day[outcome.date].append(outcome)
    for date, some in sorted(by_day.items()):
        tracks = _update_day(connection, date, some)
        add_up(connection, date, tracks)


def recount(connection: Connection, date: dt.date) -> None:
    """Find again, from the outcomes alone, which cards of a day count, and add them up; the day is locked."""
    races = select(RACE.c.race_id).where(RACE.c.date == date, RACE.c.loss.is_not(None)).distinct()
    rows = connection.execute(select(LATEST.c.race_id, LATEST.c.track).where(LATEST.c.date == date)).all()
    ids = {*connection.scalars(races), *(row.race_id for row in rows)}
    cards = _last_cards(connection, date, ids)
    _replace(connection, date, ids, cards)
    add_up(connection, date, None)


def _update_day(connection: Connection, date: dt.date, outcomes: Sequence[Outcome]) -> set[str]:
    """Update a day's rows; return the tracks whose counted cards or outcomes are others than before."""
    races = {race for one in outcomes for race in (one.race_before, one.race_now) if race is not None}
    before = {_key(row): (row.prediction_id, row.track) for row in _rows(connection, date, races)}
    cards: dict[_Key, _Card] = dict(before)
    to_search: set[int] = set()
    for one in outcomes:
        if one.race_now is not None:
            key = (one.race_now, one.model_version, one.is_ahead)
            if key not in cards or one.prediction_id > cards[key][0]:
                cards[key] = (one.prediction_id, one.track)
        if one.race_before is not None and one.race_before != one.race_now:
            key = (one.race_before, one.model_version, one.is_ahead)
            if key in before and before[key][0] == one.prediction_id:
                to_search.add(one.race_before)
    if to_search:
        cards = {key: card for key, card in cards.items() if key[0] not in to_search}
        cards |= _last_cards(connection, date, to_search)
    others = {key for key in before.keys() | cards.keys() if before.get(key) != cards.get(key)}
    if others:
        changed = {key[0] for key in others}
        _replace(connection, date, changed, {key: card for key, card in cards.items() if key[0] in changed})
    touched = {one.prediction_id for one in outcomes}
    counted = (*before.items(), *cards.items())
    return {track for key, (number, track) in counted if key in others or number in touched}


def _is_in_transaction(connection: Connection) -> bool:
    driver: Any = connection.connection.dbapi_connection
    return bool(driver.in_transaction)


def _rows(connection: Connection, date: dt.date, races: Iterable[int]) -> list[Row[Any]]:
    return [
        row
        for some in _portions(races)
        for row in connection.execute(select(LATEST).where(LATEST.c.date == date, LATEST.c.race_id.in_(some)))
    ]


def _key(row: Any) -> _Key:
    return row.race_id, row.model_version, row.is_ahead


def _last_cards(connection: Connection, date: dt.date, races: Iterable[int]) -> dict[_Key, _Card]:
    """Return the last judged cards of races, found among all their cards."""
    found: dict[_Key, _Card] = {}
    key = (RACE.c.race_id, RACE.c.model_version, RACE.c.is_ahead)
    for some in _portions(races):
        last = (
            select(func.max(RACE.c.prediction_id))
            .where(RACE.c.date == date, RACE.c.race_id.in_(some), RACE.c.loss.is_not(None))
            .group_by(*key)
        )
        cards = select(*key, RACE.c.prediction_id, RACE.c.track).where(RACE.c.prediction_id.in_(last))
        found |= {_key(row): (row.prediction_id, row.track) for row in connection.execute(cards)}
    return found


def _replace(connection: Connection, date: dt.date, races: Iterable[int], cards: dict[_Key, _Card]) -> None:
    """Put the rows of races in place of those that they had."""
    last: dict[int, int] = defaultdict(int)
    last_ahead: dict[int, int] = defaultdict(int)
    last_of_version: dict[tuple[int, int], int] = defaultdict(int)
    for (race, version, is_ahead), (number, _) in cards.items():
        last[race] = max(last[race], number)
        last_of_version[race, version] = max(last_of_version[race, version], number)
        if is_ahead:
            last_ahead[race] = max(last_ahead[race], number)
    for some in _portions(races):
        connection.execute(delete(LATEST).where(LATEST.c.date == date, LATEST.c.race_id.in_(some)))
    if cards:
        rows = [
            {
                "date": date,
                "race_id": race,
                "model_version": version,
                "is_ahead": is_ahead,
                "prediction_id": number,
                "track": track,
                "is_last": number == last[race],
                "is_last_ahead": number == last_ahead[race],
                "is_last_of_version": number == last_of_version[race, version],
            }
            for (race, version, is_ahead), (number, track) in sorted(cards.items())
        ]
        connection.execute(insert(LATEST), rows)


def _portions(values: Iterable[int]) -> list[list[int]]:
    ordered = sorted(values)
    return [ordered[i : i + _N_AT_ONCE] for i in range(0, len(ordered), _N_AT_ONCE)]
