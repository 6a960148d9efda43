"""Prices of races to come as somebody reports them (``POST /prices``): all of it is stored, or nothing."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, select

from racing.database.change_log import lock_races
from racing.database.tables import Dog, Race, Run, RunnerPrice, Track
from racing.domain.errors import PricesRefused
from racing.domain.names import name_key
from racing.importers.runner_prices import REPORTED, race_key_of, write_prices
from racing.race_day.events import add_events
from racing.race_day.race_changes import identity

MAX_REPORTS = 200
EARLIEST, LATEST = dt.timedelta(days=7), dt.timedelta(days=1)
"""Prices are of at most so long before the off that is due, and so long after it."""
_CHUNK = 500
_DOG: Table = Dog.__table__  # type: ignore[attr-defined]
_RACE: Table = Race.__table__  # type: ignore[attr-defined]
_RUN: Table = Run.__table__  # type: ignore[attr-defined]
_TRACK: Table = Track.__table__  # type: ignore[attr-defined]
_PRICE: Table = RunnerPrice.__table__  # type: ignore[attr-defined]
VALUES = ("back", "lay", "last", "volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedRunner:
    """The prices of one runner, decimal odds; it is named, or known by its box. None is unknown."""

    name: str | None = None
    box: int | None = None
    back: float | None = None
    lay: float | None = None
    last: float | None = None
    volume: float | None = None
    """What was matched on it until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceReport:
    """The prices of a race's runners at one time; ``at`` is UTC, without a zone."""

    race_id: int
    at: dt.datetime
    runners: Sequence[QuotedRunner]


@dataclass(frozen=True, slots=True)
class PricesTaken:
    """What became of a report: the races it is about, and the runners' prices that were new."""

    n_races: int
    n_prices: int
    n_known: int
    """Prices that were stored already, or are older than the one of their minute."""


def report_prices(engine: Engine, reports: Sequence[PriceReport]) -> PricesTaken:
    """Store prices and add an event for each race of which some are the newest.

    A race may stand in several reports, of several times. Of one minute the newest price counts.

    Raises
    ------
    PricesRefused
        If a race or runner is not known, a race has no time that it is due, or a time is far from it.
    """
    with engine.begin() as connection:
        lock_races(connection)
        races = _races(connection, sorted({report.race_id for report in reports}))
        rows = [row for report in reports for row in _rows(report, races)]
        newest = _newest_times(connection, rows)
        n_written = write_prices(connection, REPORTED, rows, {row["dog_key"]: row["dog_id"] for row in rows})
        events = [
            ("price", body, race_id) for race_id, body in sorted(_event_bodies(rows, newest, races).items())
        ]
        if events:
            add_events(connection, events)  # type: ignore[arg-type]
    return PricesTaken(len(races), n_written, len(rows) - n_written)


class _Race:
    """A stored race and its runners, by name and by box."""

    def __init__(self, row: Any) -> None:
        self.id, self.date, self.off_at = row.race_id, row.date, row.off_at
        self.key = race_key_of(row.race_id, row.market_id, row.source_key)
        self.identity = identity(row._mapping, {row.track_id: row.track})
        self.by_name: dict[str, Any] = {}
        self.by_box: dict[int, Any] = {}

    def add(self, row: Any) -> None:
        self.by_name[name_key(row.name)] = row
        if (box := row.box or row.rug) is not None:
            self.by_box[box] = row

    def runner(self, quoted: QuotedRunner) -> Any:
        if quoted.name is not None:
            found, what = self.by_name.get(name_key(quoted.name)), f"named {quoted.name!r}"
        else:
            found, what = self.by_box.get(quoted.box or 0), f"in box {quoted.box}"
        if found is None:
            raise PricesRefused(f"a price is of a runner of its race; race {self.id} has none {what}")
        return found

    def minutes(self, at: dt.datetime) -> int:
        """Return the whole minutes from a time to the off that is due, below 0 after it."""
        if self.off_at is None:
            rule = "prices need a race whose time is known"
            raise PricesRefused(f"{rule}; that of race {self.id} is not: send its card with `off_at` first")
        if not self.off_at - EARLIEST <= at <= self.off_at + LATEST:
            rule = f"prices are of {EARLIEST.days} days before the off to {LATEST.days} day after it"
            raise PricesRefused(f"{rule}; race {self.id} is due at {self.off_at}Z, got {at}Z")
        return int((self.off_at - at).total_seconds() // 60)


def _races(connection: Connection, ids: list[int]) -> dict[int, _Race]:
    race, run, dog = _RACE.c, _RUN.c, _DOG.c
    query = (
        select(
            race.id.label("race_id"), race.date, race.off_at, race.market_id, race.source_key, race.track_id,
            race.number, _TRACK.c.name.label("track"), run.dog_id, run.box, run.rug, dog.key, dog.name,
        )
        .join(_TRACK, _TRACK.c.id == race.track_id)
        .join(_RUN, run.race_id == race.id)
        .join(_DOG, dog.id == run.dog_id)
        .where(race.id.in_(ids))
    )  # fmt: skip
    races: dict[int, _Race] = {}
    for row in connection.execute(query):
        if row.race_id not in races:
            races[row.race_id] = _Race(row)
        races[row.race_id].add(row)
    if missing := [number for number in ids if number not in races]:
        raise PricesRefused(f"a price is of a stored race; the database has no race {missing[0]}")
    return races


def _rows(report: PriceReport, races: Mapping[int, _Race]) -> Iterator[dict[str, Any]]:
    race = races[report.race_id]
    minutes, seen = race.minutes(report.at), set()
    for quoted in report.runners:
        runner = race.runner(quoted)
        if runner.dog_id in seen:
            raise PricesRefused(f"a runner stands once in a report; race {race.id} has twice {runner.name!r}")
        seen.add(runner.dog_id)
        yield {
            "date": race.date,
            "dog_id": runner.dog_id,
            "dog_key": runner.key,
            "race_key": race.key,
            "minutes": minutes,
            "at": report.at,
            **{name: getattr(quoted, name) for name in VALUES},
            "_race": race.id,
            "_runner": runner,
        }


def _newest_times(
    connection: Connection, rows: Sequence[dict[str, Any]]
) -> dict[tuple[str, int], dt.datetime]:
    """Return when the newest stored prices of runners were stated, by race and dog."""
    dogs, keys = sorted({row["dog_id"] for row in rows}), {row["race_key"] for row in rows}
    dates = sorted({row["date"] for row in rows})
    found: dict[tuple[str, int], dt.datetime] = {}
    column = _PRICE.c
    for some in _chunks(dogs):
        query = (
            select(column.race_key, column.dog_id, func.max(column.at))
            .where(column.date.in_(dates), column.dog_id.in_(some), column.file_id == REPORTED)
            .group_by(column.race_key, column.dog_id)
        )
        found |= {(key, dog): at for key, dog, at in connection.execute(query) if key in keys}
    return found


def _event_bodies(
    rows: Iterable[dict[str, Any]], newest: Mapping[tuple[str, int], dt.datetime], races: Mapping[int, _Race]
) -> dict[int, dict[str, Any]]:
    """Return, by race, what its event says: each runner's newest prices, where they are newer than before."""
    latest: dict[tuple[int, int], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row["at"]):
        before = newest.get((row["race_key"], row["dog_id"]))
        if before is None or before < row["at"]:
            latest[row["_race"], row["dog_id"]] = row
    bodies: dict[int, dict[str, Any]] = {}
    for (race_id, _), row in latest.items():
        body = bodies.setdefault(
            race_id, {**races[race_id].identity, "minutes": 0, "stated_at": "", "runners": []}
        )
        body["minutes"], body["stated_at"] = row["minutes"], f"{row['at'].isoformat()}Z"
        runner = {"name": row["_runner"].name, "box": row["_runner"].box or row["_runner"].rug}
        body["runners"].append(runner | {name: row[name] for name in VALUES})
    return bodies


def _chunks(values: list[Any]) -> Iterator[list[Any]]:
    for i in range(0, len(values), _CHUNK):
        yield values[i : i + _CHUNK]
