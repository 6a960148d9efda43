"""Prices of runners some minutes before the off: written with the file that brings them, read by race.

They are for comparison (what did the market say at that minute? See :mod:`racing.predictions.by_minutes`).
Into features go only those of :mod:`racing.importers.prices_before_off`, for models that may know them.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, func, or_, select, tuple_
from sqlmodel import col

from racing.database.bulk import insert_rows
from racing.database.tables import Dog, Race, Run, RunnerPrice, SourceRow

REPORTED = 0
"""The ``file_id`` of prices that were reported over HTTP."""
_PRICE: Any = RunnerPrice.__table__  # type: ignore[attr-defined]
_KEY = ("date", "dog_id", "race_key", "minutes")
_VALUES = ("at", "back", "lay", "last", "volume")
_NO_PRICE = dict.fromkeys(_VALUES)
_N_AT_ONCE = 500  # values in one IN list


@dataclass(frozen=True, slots=True)
class RunnerQuote:
    """The prices of a runner at one time before the off, decimal odds; ``None`` is unknown."""

    dog_id: int
    name: str
    minutes: int
    """To the off that was due; below 0 after it."""
    at: dt.datetime
    """UTC, without a zone."""
    back: float | None
    lay: float | None
    last: float | None
    volume: float | None
    """What was matched on the runner until then, in the exchange's currency."""

    @property
    def price(self) -> float | None:
        """Return the middle of back and lay, else the last price; ``None`` where there is neither."""
        return middle_price(self.back, self.lay, self.last)


def middle_price(back: float | None, lay: float | None, last: float | None) -> float | None:
    """Return one price of a quote: the odds halfway between the chances of back and lay, else the last.

    Halfway between 1/back and 1/lay: odds of 2 and 1000 are no market around 501. A book that is crossed, or
    has one side alone, gives the last price.
    """
    if back is not None and lay is not None and 1 < back <= lay:
        return 2 / (1 / back + 1 / lay)
    return last if last is not None and last > 1 else None


def write_prices(
    connection: Connection, file_id: int, prices: Iterable[Mapping[str, Any]], dog_ids: Mapping[str, int]
) -> int:
    """Write the prices that a file or a report brings, in its transaction; return how many were new.

    Of a runner's prices at the same minute the newest counts. Those of dogs without an id are left out, and
    those of a report that are stored already, or older than what is stored, are not new.

    Parameters
    ----------
    file_id
        Of the imported file; :data:`REPORTED` for a report over HTTP, whose later ones replace earlier ones.
    prices
        The columns of :class:`~racing.database.tables.RunnerPrice`, with ``dog_key`` instead of ids.
    dog_ids
        Each dog's id by its key.
    """
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for price in prices:
        dog_id = dog_ids.get(price["dog_key"])
        if dog_id is None:
            continue
        key = (price["date"], dog_id, price["race_key"], price["minutes"])
        if key not in rows or quote_order(rows[key]) < quote_order(price):
            rows[key] = {**_NO_PRICE, **price, "dog_id": dog_id, "file_id": file_id}
    if file_id == REPORTED:
        _replace_older(connection, rows)  # leaves out of rows what is not new
    insert_rows(connection, _PRICE, list(rows.values()))
    return len(rows)


def prices_of_race(
    connection: Connection, race_id: int, minutes_at_least: int | None = None
) -> list[RunnerQuote]:
    """Return the prices of a race's runners, the earliest first, at each minute one a runner.

    ``minutes_at_least`` leaves out what came later than so many minutes before the off.
    """
    named = priced_runners(col(Race.id) == race_id).add_columns(col(Dog.name))
    query = named.join(Dog, col(Dog.id) == _PRICE.c.dog_id)
    if minutes_at_least is not None:
        query = query.where(_PRICE.c.minutes >= minutes_at_least)
    newest: dict[tuple[int, int], Any] = {}
    for row in connection.execute(query):
        key = (row.minutes, row.dog_id)
        if key not in newest or quote_order(newest[key]._asdict()) < quote_order(row._asdict()):
            newest[key] = row
    return [
        RunnerQuote(row.dog_id, row.name, row.minutes, *(getattr(row, name) for name in _VALUES))
        for _, row in sorted(newest.items(), key=lambda entry: (-entry[0][0], entry[0][1]))
    ]


def latest_prices(connection: Connection, race_ids: Sequence[int]) -> dict[int, dict[int, float]]:
    """Return each runner's newest price before the off, by race and dog; races without any have no entry.

    It is the middle of back and lay, else the last that was matched.
    """
    found: dict[int, dict[int, float]] = defaultdict(dict)
    for i in range(0, len(race_ids), _N_AT_ONCE):
        priced = priced_runners(col(Race.id).in_(race_ids[i : i + _N_AT_ONCE])).where(
            or_(_PRICE.c.last > 1, (_PRICE.c.back > 1) & (_PRICE.c.lay >= _PRICE.c.back))
        )
        # The database picks each runner's newest: a race day holds fifty thousand prices.
        number = func.row_number().over(
            partition_by=(col(Race.id), _PRICE.c.dog_id),
            order_by=(_PRICE.c.at.desc(), _PRICE.c.minutes, *(_PRICE.c[name] for name in _VALUES[1:])),
        )
        newest = priced.add_columns(number.label("number")).subquery()
        for row in connection.execute(select(newest).where(newest.c.number == 1)):
            price = middle_price(row.back, row.lay, row.last)
            if price is not None:
                found[row.race_id][row.dog_id] = price
    return dict(found)


def race_key_of(race_id: int, market_id: str | None, source_key: str | None) -> str:
    """Return the ``race_key`` under which a stored race's prices are written when its id is all one knows."""
    return f"betfair:{market_id}" if market_id else source_key or f"race:{race_id}"


def priced_runners(races: ColumnElement[bool]) -> Any:
    """Return the query of the prices of races' runners, whichever source has them.

    A price's ``race_key`` is that of a source of the race: a dog may be in two markets of a day, and those
    for a place are none for a win.
    """
    of_source = exists().where(
        col(SourceRow.run_id) == col(Run.id), col(SourceRow.race_key) == _PRICE.c.race_key
    )
    is_ours: ColumnElement[bool] = or_(
        _PRICE.c.race_key == "betfair:" + col(Race.market_id),
        _PRICE.c.race_key == col(Race.source_key),
        _PRICE.c.race_key == "race:" + func.cast(col(Race.id), _PRICE.c.race_key.type),
        of_source,
    )
    columns = (_PRICE.c[name] for name in ("dog_id", "minutes", *_VALUES))
    return (
        select(col(Race.id).label("race_id"), *columns)
        .select_from(Race)
        .join(Run, col(Run.race_id) == col(Race.id))
        .join(_PRICE, (_PRICE.c.date == col(Race.date)) & (_PRICE.c.dog_id == col(Run.dog_id)))
        .where(
            races,
            col(Run.is_scratched).is_(False),
            ~_PRICE.c.race_key.startswith("betfair-place:", autoescape=True),
            is_ours,
        )
    )


def _replace_older(connection: Connection, rows: dict[tuple[Any, ...], dict[str, Any]]) -> None:
    """Delete the reported prices that new ones replace, and leave out new ones that are not newer."""
    keys = list(rows)
    of_key = tuple_(*(_PRICE.c[name] for name in _KEY))
    for i in range(0, len(keys), _N_AT_ONCE):
        replaced = []
        wanted = (_PRICE.c.file_id == REPORTED) & of_key.in_(keys[i : i + _N_AT_ONCE])
        for row in connection.execute(select(_PRICE).where(wanted)):
            stored = row._asdict()
            key = tuple(stored[name] for name in _KEY)
            if quote_order(stored) < quote_order(rows[key]):
                replaced.append(key)
            else:
                del rows[key]
        if replaced:
            connection.execute(delete(_PRICE).where(_PRICE.c.file_id == REPORTED, of_key.in_(replaced)))


def quote_order(price: Mapping[str, Any]) -> tuple[Any, ...]:
    """Order prices of the same runner and minute by time and then by content, never by when they came."""
    content = ((price.get(name) is not None, price.get(name) or 0.0) for name in _VALUES[1:])
    return (price["at"], *content)
