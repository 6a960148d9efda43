"""Update the races and runs of some dates and distances from all of their source rows.

A key is a date and distance (``date_distance_key``). Races and runs that stay keep their ids;
those that no row names any more are deleted.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlmodel import SQLModel, col

from racing.database.bulk import insert_rows
from racing.database.change_log import note_changes
from racing.database.tables import Race, Run, RunWorth, SourceRow
from racing.importers.entities import CHUNK
from racing.importers.ids import next_id
from racing.importers.records.source_record import (
    SourceRecord,
    date_distance_key,
    day_of_key,
    distance_of_key,
)
from racing.importers.resolve import ResolvedRace, resolve
from racing.importers.waiting.rejoin import Rejoined, rejoin
from racing.race_day.card_distances import follow_distances
from racing.race_day.race_changes import RaceState, is_of_these_days, note_race_changes

_DATE_DISTANCE: Any = col(SourceRow.bucket)


@dataclass(slots=True)
class Rebuilt:
    """What changed: runs added and updated, by the first file that has them."""

    n_added: Counter[int] = field(default_factory=Counter)
    n_updated: Counter[int] = field(default_factory=Counter)
    n_runs_removed: int = 0
    n_runs_changed: int = 0
    first_day: dt.date | None = None
    """The first day of which something changed that has a result, or had one: ratings follow from there."""
    rejoined: Rejoined = field(default_factory=Rejoined)
    """What changed among the rows that join the races of others."""

    @property
    def left_dog_ids(self) -> set[int]:
        """Return the dogs of rows that left their races; they may now be unused."""
        return {row["dog_id"] for row in self.rejoined.gone}


@dataclass(slots=True)
class _Changes:
    """What is to be written, by table."""

    new: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)


def rebuild(
    connection: Connection,
    keys: Iterable[int],
    new_rows: list[SourceRecord],
    run_ids: Iterable[int] = (),
    days: Iterable[dt.date] = (),
) -> Rebuilt:
    """Resolve keys from their stored rows and from new ones, which are stored as well.

    So are the other keys of their days that have blank rows: a dog that now has a result in one did not
    start where another lists it. Cards of those days first follow the distances of their races
    (:mod:`racing.race_day.card_distances`). ``run_ids`` are runs whose rows were taken away: they go unless
    other rows name them. ``days`` are days whose waiting rows changed
    (:mod:`racing.importers.waiting.rejoin`).
    """
    keys = set(keys)
    keys |= follow_distances(connection, keys, new_rows)
    rejoined = rejoin(connection, {*days, *map(day_of_key, keys)}, new_rows)
    keys |= {row["bucket"] for row in (*rejoined.gone, *rejoined.new_rows)}
    run_ids = {*run_ids, *(row["run_id"] for row in rejoined.gone)}
    rebuilt = _Rebuild(connection, sorted(keys), [*new_rows, *rejoined.new_rows], run_ids).run()
    rebuilt.rejoined = rejoined
    return rebuilt


class _Rebuild:
    def __init__(
        self, connection: Connection, keys: list[int], new_rows: list[SourceRecord], run_ids: set[int]
    ) -> None:
        self._connection = connection
        self._new_rows = new_rows
        for row in new_rows:
            row.setdefault("is_race_whole", True)
            row.setdefault("is_blank", False)
        keys = sorted({*keys, *_keys_with_blank_rows(connection, keys)})
        self._stored = list(_fetch(connection, SourceRow, "bucket", keys))
        self._rows: dict[int, list[SourceRecord]] = {key: [] for key in keys}
        for row in self._stored:
            self._rows[row["bucket"]].append(row)
        for row in new_rows:
            row["run_id"] = None
            self._rows[row["bucket"]].append(row)
        run_ids |= {row["run_id"] for row in self._stored}
        self._ran_elsewhere = self._find_ran_elsewhere()
        self._runs = {run["id"]: run for run in _fetch(connection, Run, "id", sorted(run_ids))}
        race_ids = sorted({run["race_id"] for run in self._runs.values()})
        self._races = {race["id"]: race for race in _fetch(connection, Race, "id", race_ids)}
        self._race_of_key = {
            race["source_key"] or _betfair_key(race["market_id"]): number
            for number, race in self._races.items()
        }
        self._free_races, self._free_runs = set(self._races), set(self._runs)
        self._next_race, self._next_run = next_id(connection, Race), next_id(connection, Run)
        self._race_changes, self._run_changes, self._moved = _Changes(), _Changes(), _Changes()
        self._rebuilt = Rebuilt()
        self._days: set[dt.date] = set()
        self._race_day = _RaceDay(self._races, self._runs)

    def run(self) -> Rebuilt:
        for key, rows in self._rows.items():
            resolved = resolve(rows, self._ran_elsewhere.get(key, ()))
            own = {race.key: self._race_of_key.get(race.key) for race in resolved}
            self._free_races -= {number for number in own.values() if number is not None}
            for race in resolved:
                self._take_race(key, race, own[race.key])
        self._race_changes.gone, self._run_changes.gone = sorted(self._free_races), sorted(self._free_runs)
        for number in self._run_changes.gone:
            if _has_result(self._runs[number]):
                self._note_day(self._runs[number]["date"])
        self._rebuilt.n_runs_removed = len(self._run_changes.gone)
        self._rebuilt.n_runs_changed = len(self._run_changes.changed)
        self._write()
        note_changes(self._connection, self._days)
        self._race_day.note(self._connection)
        return self._rebuilt

    def _find_ran_elsewhere(self) -> dict[int, set[int]]:
        """Return, by key, the dogs of its blank rows that have a result in another of the day."""
        blank = {(row["dog_id"], key) for key, rows in self._rows.items() for row in rows if row["is_blank"]}
        if not blank:
            return {}
        dogs, days = {dog_id for dog_id, _ in blank}, {day_of_key(key) for _, key in blank}
        ran: dict[tuple[int, dt.date], set[int]] = defaultdict(set)
        stored = _result_rows(self._connection, sorted(dogs), min(days), max(days))
        for dog_id, key in chain(stored, _results_among(self._new_rows, dogs)):
            ran[dog_id, day_of_key(key)].add(key)
        found: dict[int, set[int]] = defaultdict(set)
        for dog_id, key in blank:
            if ran[dog_id, day_of_key(key)] - {key}:
                found[key].add(dog_id)
        return found

    def _take_race(self, key: int, race: ResolvedRace, number: int | None) -> None:
        date = day_of_key(key)
        if number is None and self._races:
            run_ids = {row["run_id"] for row in race.all_rows} - {None}
            mine = {self._runs[run_id]["race_id"] for run_id in run_ids} & self._free_races
            number = min(mine, default=None)
            self._free_races.discard(number or 0)
        if number is None:
            number, self._next_race = self._next_race, self._next_race + 1
        runs = race.runs()
        row = {
            "id": number,
            "date": date,
            "track_id": race.track_id,
            "distance_m": distance_of_key(key),
            **race.facts(),
            "market_id": race.market_id,
            "source_key": race.source_key,
            "is_whole": race.is_whole(runs),
            "is_simulated": False,
        }
        before = self._races.get(number)
        self._race_day.take_race(row)
        # Races to come change all day long: nobody's ratings or outcomes depend on them.
        has_result = any(map(_has_result, runs.values()))
        if self._put(row, before, self._race_changes) and has_result:
            self._note_day(date if before is None else min(date, before["date"]))
        for dog_id, facts in runs.items():
            self._take_run(race.runners[dog_id], {"race_id": number, "dog_id": dog_id, "date": date, **facts})

    def _take_run(self, rows: list[SourceRecord], run: dict[str, Any]) -> None:
        known = {row["run_id"] for row in rows} & self._free_runs if self._runs else set()
        number = min(known, default=None)
        if number is None:
            number, self._next_run = self._next_run, self._next_run + 1
        self._free_runs.discard(number)
        run["id"] = number
        self._race_day.take_run(run)
        before = self._runs.get(number)
        news = self._put(run, before, self._run_changes)
        if news and (_has_result(run) or (before is not None and _has_result(before))):
            self._note_day(run["date"])
        if news and (source := next((row for row in rows if row["run_id"] is None), None)):
            counter = self._rebuilt.n_added if before is None else self._rebuilt.n_updated
            counter[source["file_id"]] += 1
        for row in rows:
            if row["run_id"] not in (None, number):
                self._moved.changed.append({"id": row["id"], "run_id": number})
            row["run_id"] = number

    @staticmethod
    def _put(row: dict[str, Any], before: dict[str, Any] | None, changes: _Changes) -> bool:
        if before is None:
            changes.new.append(row)
        elif row != before:
            changes.changed.append(row)
        else:
            return False
        return True

    def _note_day(self, day: dt.date) -> None:
        if day in self._days:
            return
        self._days.add(day)
        first = self._rebuilt.first_day
        self._rebuilt.first_day = day if first is None else min(first, day)

    def _write(self) -> None:
        number = next_id(self._connection, SourceRow)
        for i, row in enumerate(self._new_rows):
            row["id"] = number + i
        for table, changes in ((Race, self._race_changes), (Run, self._run_changes)):
            _insert(self._connection, table, changes.new)
            _update(self._connection, table, changes.changed)
        _update(self._connection, SourceRow, self._moved.changed)
        _insert(self._connection, SourceRow, self._new_rows)
        for runs in _chunks(self._run_changes.gone):
            self._connection.execute(delete(RunWorth).where(col(RunWorth.run_id).in_(runs)))
            self._connection.execute(delete(Run).where(col(Run.id).in_(runs)))
        for races in _chunks(self._race_changes.gone):
            self._connection.execute(delete(Race).where(col(Race.id).in_(races)))


class _RaceDay:
    """The races of these days before and after a rebuild, for those who follow their events."""

    def __init__(self, races: dict[int, dict[str, Any]], runs: dict[int, dict[str, Any]]) -> None:
        self._before = {
            number: RaceState(race) for number, race in races.items() if is_of_these_days(race["date"])
        }
        self._after: dict[int, RaceState] = {}
        for run in runs.values() if self._before else ():
            if state := self._before.get(run["race_id"]):
                state.runs.append(run)

    def take_race(self, race: dict[str, Any]) -> None:
        if is_of_these_days(race["date"]):
            self._after[race["id"]] = RaceState(race)

    def take_run(self, run: dict[str, Any]) -> None:
        if state := self._after.get(run["race_id"]):
            state.runs.append(run)

    def note(self, connection: Connection) -> None:
        if self._before or self._after:
            note_race_changes(connection, self._before, self._after)


def _keys_with_blank_rows(connection: Connection, keys: list[int]) -> set[int]:
    """Return the keys with blank rows that lie on the days of some keys."""
    days = {day_of_key(key) for key in keys}
    if not days:
        return set()
    query = select(_DATE_DISTANCE).where(col(SourceRow.is_blank), _between(min(days), max(days))).distinct()
    return {key for key in connection.scalars(query) if day_of_key(key) in days}


def _result_rows(
    connection: Connection, dogs: list[int], first: dt.date, last: dt.date
) -> Iterator[tuple[int, int]]:
    """Yield dog and key of the stored rows of some dogs that tell how they ran, from a day to a day."""
    of_dog = col(SourceRow.dog_id)
    tells = (~col(SourceRow.is_blank), ~col(SourceRow.is_scratched), _between(first, last))
    for some in _chunks(dogs):
        rows = connection.execute(select(of_dog, _DATE_DISTANCE).where(of_dog.in_(some), *tells))
        yield from ((dog_id, key) for dog_id, key in rows)


def _results_among(rows: list[SourceRecord], dogs: set[int]) -> Iterator[tuple[int, int]]:
    for row in rows:
        if row["dog_id"] in dogs and not (row["is_blank"] or row["is_scratched"]):
            yield row["dog_id"], row["bucket"]


def _between(first: dt.date, last: dt.date) -> Any:
    return _DATE_DISTANCE.between(date_distance_key(first, 0), date_distance_key(last, 1499))


def _has_result(run: dict[str, Any]) -> bool:
    return run["won"] is not None or run["finish_position"] is not None


def _betfair_key(market_id: str | None) -> str:
    return f"betfair:{market_id}"


def _fetch(
    connection: Connection, table: type[SQLModel], column: str, values: list[int]
) -> Iterator[dict[str, Any]]:
    """Yield the rows whose column holds one of the values, as dicts."""
    columns = table.__table__.columns  # type: ignore[attr-defined]
    names = tuple(columns.keys())
    for some in _chunks(values):
        for row in connection.execute(select(columns).where(columns[column].in_(some))):
            yield dict(zip(names, row, strict=True))


def _insert(connection: Connection, table: type[SQLModel], rows: list[dict[str, Any]]) -> None:
    insert_rows(connection, table.__table__, rows)  # type: ignore[attr-defined]


def _update(connection: Connection, table: type[SQLModel], rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    columns = table.__table__  # type: ignore[attr-defined]
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0] if name != "id"}
    statement = update(columns).where(columns.c.id == bindparam("old_id")).values(values)
    connection.execute(
        statement,
        [{"old_id": row["id"], **{f"new_{name}": row[name] for name in values}} for row in rows],
    )


def _chunks(values: list[int]) -> Iterator[list[int]]:
    for i in range(0, len(values), CHUNK):
        yield values[i : i + CHUNK]
