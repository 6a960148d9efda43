"""Fill the database with a simulated season: seeded, labelled as simulated, its true probabilities known."""

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, insert, select
from sqlmodel import col

from racing.database.change_log import lock_races, note_changes
from racing.database.tables import Dog, Race, Run, SourceFile, SourceRow, Track, TrackAlias
from racing.domain.names import name_key
from racing.importers.ids import next_id, release_ids
from racing.simulation.facts import facts_of
from racing.simulation.season import Season, run_season
from racing.simulation.world import TRACKS, dog_names

VERSION = 1
"""A change of what a seed gives is a new version, so that an old season is not taken for a new one."""
SEASON_DAYS = 180
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
    on_progress: Callable[[int, int], None] | None = None,
) -> SimulationReport:
    """Write a season of ``n_races`` that ends on ``until``; the same arguments a second time write nothing.

    Without ``start`` it lasts 180 days, fewer where that would leave less than two races a day.
    """
    if n_races < 1:
        raise ValueError(f"n_races must be at least 1, got {n_races}")
    if start is None:
        start = until - dt.timedelta(days=min(SEASON_DAYS, max(14, n_races // 2)) - 1)
    if start > until:
        raise ValueError(f"a season starts before it ends, got {start} to {until}")
    name = f"simulated season, seed {seed}, {n_races} races, {start} to {until}"
    digest = hashlib.sha256(json.dumps(["simulation", VERSION, name]).encode()).hexdigest()
    with engine.connect() as connection:
        if connection.scalar(select(col(SourceFile.id)).where(col(SourceFile.sha256) == digest)) is not None:
            return SimulationReport(name, start, until, 0, 0, 0, is_new=False)
    rng = np.random.default_rng(seed)
    season = run_season(n_races, (until - start).days + 1, rng, on_progress)
    facts = _columns(facts_of(season, rng))
    with engine.begin() as connection:
        lock_races(connection)
        writer = _Writer(connection, season, start, digest)
        writer.write(name, facts, rng)
        note_changes(connection, writer.dates)
        release_ids(connection)
    n_dogs = len(np.unique(season.dog))
    return SimulationReport(name, start, until, n_races, len(season), n_dogs, is_new=True)


class _Writer:
    def __init__(self, connection: Connection, season: Season, start: dt.date, digest: str) -> None:
        self._connection, self._season, self._digest = connection, season, digest
        first = np.datetime64(start)
        self.dates: list[dt.date] = (first + season.day).tolist()

    def write(self, name: str, facts: list[dict[str, Any]], rng: np.random.Generator) -> None:
        season, connection = self._season, self._connection
        file_id, run_id = next_id(connection, SourceFile), next_id(connection, Run)
        row_id = next_id(connection, SourceRow)
        tracks, (dogs, names, sexes) = self._tracks(), self._dogs(rng)
        race_ids = self._races(tracks)
        connection.execute(
            insert(SourceFile),
            [
                {
                    "id": file_id,
                    "name": name,
                    "kind": "simulation",
                    "sha256": self._digest,
                    "imported_at": dt.datetime.now(dt.UTC),
                    "n_read": len(season),
                    "n_added": len(season),
                }
            ],
        )
        dog_ids = [dogs[dog] for dog in season.dog.tolist()]
        runs = [
            {"id": run_id + i, "race_id": race_id, "dog_id": dog_id, "date": date, **own}
            for i, (race_id, dog_id, date, own) in enumerate(
                zip(race_ids, dog_ids, self.dates, facts, strict=True)
            )
        ]
        connection.execute(insert(Run), runs)
        rows = [
            {
                "id": row_id + i,
                "file_id": file_id,
                "run_id": run_id + i,
                "line": i + 1,
                "dog_id": dogs[dog],
                "dog_name": names[dog],
                "sex": sexes[dog],
                "track_id": tracks[track],
                **own,
            }
            for i, (dog, track, own) in enumerate(
                zip(season.dog.tolist(), season.track.tolist(), facts, strict=True)
            )
        ]
        connection.execute(insert(SourceRow), rows)

    def _tracks(self) -> list[int]:
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

    def _dogs(self, rng: np.random.Generator) -> tuple[dict[int, int], dict[int, str], dict[int, str]]:
        """Add the season's dogs, under names that no dog bears yet; return their ids, names and sexes."""
        taken = set(self._connection.scalars(select(col(Dog.key)).where(col(Dog.key).startswith("SIM"))))
        free = (name for name in dog_names(rng) if name_key(name) not in taken)
        dogs, first = np.unique(self._season.dog, return_index=True)
        number = next_id(self._connection, Dog)
        ids = {dog: number + i for i, dog in enumerate(dogs.tolist())}
        names = {dog: next(free) for dog in dogs.tolist()}
        sex_of = np.where(self._season.is_bitch[first], "B", "D").tolist()
        sexes = dict(zip(dogs.tolist(), sex_of, strict=True))
        rows = [
            {"id": ids[dog], "key": name_key(names[dog]), "name": names[dog], "sex": sexes[dog]}
            for dog in ids
        ]
        self._connection.execute(insert(Dog), rows)
        return ids, names, sexes

    def _races(self, tracks: list[int]) -> list[int]:
        """Add the races; return the race's id of every run."""
        season, number = self._season, next_id(self._connection, Race)
        first = np.flatnonzero(np.diff(season.race, prepend=-1)).tolist()
        rows = [
            {
                "id": number + int(season.race[i]),
                "date": self.dates[i],
                "track_id": tracks[int(season.track[i])],
                "distance_m": int(season.distance_m[i]),
                "number": int(season.race_number[i]),
                "grade": GRADES[int(season.grade[i])],
                "source_key": f"simulation:{self._digest[:12]}:{season.race[i]}",
                "is_whole": True,
                "is_simulated": True,
            }
            for i in first
        ]
        self._connection.execute(insert(Race), rows)
        race_ids: list[int] = (number + season.race).tolist()
        return race_ids


def _columns(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one mapping a run; NaN becomes ``None``, whole places become integers."""
    lists = {}
    for name, values in facts.items():
        column = values.tolist()
        if values.dtype.kind == "f":
            column = [None if value != value else value for value in column]
        lists[name] = column
    lists["finish_position"] = [None if place is None else int(place) for place in lists["finish_position"]]
    names = list(lists)
    return [dict(zip(names, row, strict=True)) for row in zip(*lists.values(), strict=True)]
