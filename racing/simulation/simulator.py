"""Fill the database with a simulated season: seeded, labelled as simulated, its true probabilities known."""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, insert, select, update
from sqlmodel import col

from racing.database.bulk import insert_columns, large_cache
from racing.database.change_log import lock_races, note_changes
from racing.database.tables import Dog, Race, Run, RunnerPrice, SourceFile, SourceRow, Track, TrackAlias
from racing.domain.names import name_key
from racing.history import plain
from racing.importers.ids import next_id, release_ids
from racing.importers.prices_before_off import MINUTES_BEFORE
from racing.simulation.facts import Facts, facts_of, prices_before_off
from racing.simulation.season import Season, run_season, season_in_parts
from racing.simulation.world import TRACKS, dog_names

VERSION = 1
"""A change of what a seed gives is a new version, so that an old season is not taken for a new one."""
SEASON_DAYS = 180
RACES_AT_ONCE = 50_000
"""A longer season is made and written in parts of so many races: they take 0.5 GB of memory."""
GRADES = ("Free For All", *(f"Grade {n}" for n in range(1, 8)), "Maiden")


@dataclass(frozen=True, slots=True)
class SimulationReport:
    """What a simulation wrote; nothing, if that very season was there already."""

    name: str
    first_day: dt.date
    last_day: dt.date
    n_races: int
    n_runs: int
    n_dogs: int
    is_new: bool


def simulate_season(
    engine: Engine,
    *,
    n_races: int,
    seed: int,
    until: dt.date,
    start: dt.date | None = None,
    with_prices: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> SimulationReport:
    """Write a season of ``n_races`` that ends on ``until``; the same arguments a second time write nothing.

    ``with_prices`` adds the market's prices ten minutes before each off; all else stays as it is without.
    Without ``start`` it lasts 180 days, fewer where that would leave less than two races a day.
    """
    if n_races < 1:
        raise ValueError(f"n_races must be at least 1, got {n_races}")
    if start is None:
        start = until - dt.timedelta(days=min(SEASON_DAYS, max(14, n_races // 2)) - 1)
    if start > until:
        raise ValueError(f"a season starts before it ends, got {start} to {until}")
    name = f"simulated season, seed {seed}, {n_races} races, {start} to {until}"
    name += ", with prices before the off" if with_prices else ""
    digest = hashlib.sha256(json.dumps(["simulation", VERSION, name]).encode()).hexdigest()
    with engine.connect() as connection:
        if connection.scalar(select(col(SourceFile.id)).where(col(SourceFile.sha256) == digest)) is not None:
            return SimulationReport(name, start, until, 0, 0, 0, is_new=False)
    rng = np.random.default_rng(seed)
    n_days, n_runs, n_dogs = (until - start).days + 1, 0, 0
    with engine.begin() as connection, large_cache(connection):
        lock_races(connection)
        of_prices = np.random.default_rng([seed, MINUTES_BEFORE]) if with_prices else None
        writer = _Writer(connection, start, digest, of_prices)
        for season, facts, names in _parts(n_races, n_days, rng, on_progress):
            writer.write(season, facts, names)
        n_runs, n_dogs = writer.n_runs, writer.n_dogs
        writer.finish(name)
        release_ids(connection)
    return SimulationReport(name, start, until, n_races, n_runs, n_dogs, is_new=True)


def _parts(
    n_races: int,
    n_days: int,
    rng: np.random.Generator,
    on_progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[Season, Facts, np.random.Generator]]:
    """Yield the parts of a season with what is seen of them, and the source of the dogs' names."""
    if n_races <= RACES_AT_ONCE:
        season = run_season(n_races, n_days, rng, on_progress)
        yield season, facts_of(season, rng), rng
        return
    of_facts, of_names = rng.spawn(2)
    for season in season_in_parts(n_races, n_days, rng, RACES_AT_ONCE, on_progress):
        from_zero = replace(season, race=season.race - season.race[0])
        yield season, facts_of(from_zero, of_facts), of_names


class _Writer:
    """Writes a season, part after part."""

    def __init__(
        self, connection: Connection, start: dt.date, digest: str, of_prices: np.random.Generator | None
    ) -> None:
        self._connection, self._digest, self._of_prices = connection, digest, of_prices
        self._first_day = np.datetime64(start)
        self._file_id, self._race_id = next_id(connection, SourceFile), next_id(connection, Race)
        self._run_id, self._row_id = next_id(connection, Run), next_id(connection, SourceRow)
        self._dog_id = next_id(connection, Dog)
        self._tracks = self._written_tracks()
        self._days: set[dt.date] = set()
        self._dogs: dict[int, tuple[int, str, str]] = {}
        """By number: id, name, sex."""
        self._free_names: Iterator[str] | None = None
        self.n_runs = 0

    @property
    def n_dogs(self) -> int:
        """Return how many dogs have run."""
        return len(self._dogs)

    def write(self, season: Season, facts: Facts, names: np.random.Generator) -> None:
        """Write some days of the season; new dogs get names drawn from a source."""
        if not self.n_runs:
            self._write_file()
        dates: list[dt.date] = (self._first_day + season.day).tolist()
        self._days.update(dates)
        self._write_dogs(season, names)
        self._write_races(season, dates)
        dogs = [self._dogs[dog] for dog in season.dog.tolist()]
        n = len(season)
        own = _columns(facts)
        run_ids = range(self._run_id + self.n_runs, self._run_id + self.n_runs + n)
        first_row = self._row_id + self.n_runs
        dog_ids = [dog_id for dog_id, _, _ in dogs]
        races: list[int] = (self._race_id + season.race).tolist()
        insert_columns(
            self._connection,
            Run.__table__,  # type: ignore[attr-defined]
            {
                "id": run_ids,
                "race_id": races,
                "dog_id": dog_ids,
                "date": dates,
                "is_scratched": [False] * n,
                **own,
            },
        )
        rows = {
            "id": range(first_row, first_row + n),
            "file_id": [self._file_id] * n,
            "run_id": run_ids,
            "line": range(self.n_runs + 1, self.n_runs + n + 1),
            "dog_id": dog_ids,
            "dog_name": [name for _, name, _ in dogs],
            "sex": [sex for _, _, sex in dogs],
            "track_id": [self._tracks[track] for track in season.track.tolist()],
            "is_scratched": [False] * n,
        }
        insert_columns(self._connection, SourceRow.__table__, rows | own)  # type: ignore[attr-defined]
        if self._of_prices is not None:
            self._write_prices(season, facts, dates, dog_ids)
        self.n_runs += n

    def finish(self, name: str) -> None:
        """Note what was written."""
        counts = {"name": name, "n_read": self.n_runs, "n_added": self.n_runs}
        self._connection.execute(update(SourceFile).where(col(SourceFile.id) == self._file_id).values(counts))
        note_changes(self._connection, self._days)

    def _write_prices(self, season: Season, facts: Facts, dates: list[dt.date], dog_ids: list[int]) -> None:
        """Write the market's prices ten minutes before the off; races are due at noon, for want of a time."""
        assert self._of_prices is not None
        from_zero = replace(season, race=season.race - season.race[0])
        prices = prices_before_off(from_zero, facts["bsp"].astype(np.float64), self._of_prices)
        quoted = dt.time(11, 60 - MINUTES_BEFORE)
        rows = {
            "date": dates,
            "dog_id": dog_ids,
            "race_key": [self._source_key(race) for race in season.race.tolist()],
            "minutes": [MINUTES_BEFORE] * len(season),
            "file_id": [self._file_id] * len(season),
            "at": [dt.datetime.combine(date, quoted) for date in dates],
            "last": prices.tolist(),
        }
        insert_columns(self._connection, RunnerPrice.__table__, rows)  # type: ignore[attr-defined]

    def _source_key(self, race: int) -> str:
        return f"simulation:{self._digest[:12]}:{race}"

    def _write_file(self) -> None:
        row = {
            "id": self._file_id,
            "name": "simulated season",
            "kind": "simulation",
            "sha256": self._digest,
            "imported_at": dt.datetime.now(dt.UTC),
        }
        self._connection.execute(insert(SourceFile), [row])

    def _written_tracks(self) -> list[int]:
        """Return the ids of all made-up tracks; those that are new are added."""
        query = select(col(TrackAlias.alias), col(TrackAlias.track_id))
        aliases: dict[str, int] = {row.alias: row.track_id for row in self._connection.execute(query)}
        number = next_id(self._connection, Track)
        ids = []
        for track in TRACKS:
            known = aliases.get(name_key(track.name))
            if known is None:
                row = {"id": number, "name": track.name, "state": track.state}
                self._connection.execute(insert(Track), [row])
                alias = {"alias": name_key(track.name), "track_id": number}
                self._connection.execute(insert(TrackAlias), [alias])
                known, number = number, number + 1
            ids.append(known)
        return ids

    def _write_dogs(self, season: Season, names: np.random.Generator) -> None:
        """Add the dogs that run for the first time, under names that no dog bears yet."""
        if self._free_names is None:
            query = select(col(Dog.key)).where(col(Dog.key).startswith("SIM"))
            taken = set(self._connection.scalars(query))
            self._free_names = (name for name in dog_names(names) if name_key(name) not in taken)
        numbers, first = np.unique(season.dog, return_index=True)
        sexes = np.where(season.is_bitch[first], "B", "D").tolist()
        rows = []
        for number, sex in zip(numbers.tolist(), sexes, strict=True):
            if number not in self._dogs:
                dog_id, name = self._dog_id + len(self._dogs), next(self._free_names)
                self._dogs[number] = dog_id, name, sex
                rows.append({"id": dog_id, "key": name_key(name), "name": name, "sex": sex})
        if rows:
            self._connection.execute(insert(Dog), rows)

    def _write_races(self, season: Season, dates: list[dt.date]) -> None:
        first = np.flatnonzero(np.diff(season.race, prepend=-1)).tolist()
        rows = [
            {
                "id": self._race_id + int(season.race[i]),
                "date": dates[i],
                "track_id": self._tracks[int(season.track[i])],
                "distance_m": int(season.distance_m[i]),
                "number": int(season.race_number[i]),
                "grade": GRADES[int(season.grade[i])],
                "source_key": self._source_key(int(season.race[i])),
                "is_whole": True,
                "is_simulated": True,
            }
            for i in first
        ]
        self._connection.execute(insert(Race), rows)


def _columns(facts: Facts) -> dict[str, list[Any]]:
    """Return the values of each column; NaN becomes ``None``, whole places become integers."""
    columns: dict[str, list[Any]] = {name: values.tolist() for name, values in facts.items()}
    for name, values in facts.items():
        if values.dtype.kind == "f":
            columns[name] = plain(values.astype(np.float64))
    places = columns["finish_position"]
    return columns | {"finish_position": [None if place is None else int(place) for place in places]}
