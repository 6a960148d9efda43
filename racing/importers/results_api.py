"""Results that somebody tells, race by race: they go the way of a results file, each race as one of its own.

Told again, a race is as it was told last; what other sources say of it stays.
"""

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from racing.domain.names import name_key
from racing.domain.tracks import track_name
from racing.importers.contents import Content
from racing.importers.encodings import Text
from racing.importers.reading import CsvFile
from racing.importers.report import ImportReport
from racing.importers.results import parse_results
from racing.importers.store import import_replacing

COLUMNS = (
    "race_id", "date", "track", "distance_m", "grade", "race_number", "runner", "box", "weight_kg",
    "finish_position", "time_s", "first_split_s", "margin_lengths", "position_in_running", "starting_price",
    "bsp", "place_bsp",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceResult:
    """A race that was run: which one, and of every starter the columns of a results file that are known."""

    date: dt.date
    track: str
    distance_m: int
    race_number: int
    grade: str | None = None
    runners: Sequence[Mapping[str, Any]] = ()

    @property
    def name(self) -> str:
        """Return the name under which the race stands among the imported files."""
        track = track_name(self.track, self.distance_m)
        return f"told: {self.date} {name_key(track) or track} {self.distance_m} m race {self.race_number}"


def import_told(engine: Engine, races: Sequence[RaceResult]) -> ImportReport:
    """Import races, all in one transaction; the report has one file a race, in order."""
    return import_replacing(engine, [_file(race) for race in races], parse_results)


def _file(race: RaceResult) -> CsvFile:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    of_race = {
        "race_id": f"race {race.race_number}",
        "date": race.date.isoformat(),
        "track": race.track,
        "distance_m": race.distance_m,
        "grade": race.grade,
        "race_number": race.race_number,
    }
    for runner in race.runners:
        writer.writerow(of_race | dict(runner))
    content = Content.of(out.getvalue().encode())
    return CsvFile(race.name, content.sha256, COLUMNS, Text(content))
