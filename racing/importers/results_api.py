"""Results reported over HTTP, race by race: imported as results files, each race as one of its own.

Reported again, a race replaces what was reported before; facts of other sources stay.
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
from racing.importers.files.contents import Content
from racing.importers.files.input_file import InputFile
from racing.importers.formats.all_formats import RESULTS
from racing.importers.import_files import import_replacing
from racing.importers.report import ImportReport

COLUMNS = (
    "race_id", "date", "track", "distance_m", "grade", "race_number", "runner", "box", "weight_kg",
    "finish_position", "time_s", "first_split_s", "margin_lengths", "position_in_running", "starting_price",
    "bsp", "place_bsp",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceResult:
    """A race that was run: which one, and of every starter the columns of a results file that are known.

    A starter of which only this is known has ``won`` in place of ``finish_position``.
    """

    date: dt.date
    track: str
    distance_m: int
    race_number: int | None = None
    """None where the source has none, as the exchange in Britain; the first dog then says which it is."""
    grade: str | None = None
    runners: Sequence[Mapping[str, Any]] = ()

    @property
    def name(self) -> str:
        """Return the name of the race among the imported files; stored, so its ``told`` stays."""
        track = track_name(self.track, self.distance_m)
        return f"told: {self.date} {name_key(track) or track} {self.distance_m} m {self.which}"

    @property
    def which(self) -> str:
        """Return which race of its day, track and distance it is."""
        if self.race_number is not None:
            return f"race {self.race_number}"
        first = min(self.runners, key=lambda runner: (runner.get("box") or 99, runner["runner"]))["runner"]
        return f"race of {name_key(first) or first}"


def import_race_results(engine: Engine, races: Sequence[RaceResult]) -> ImportReport:
    """Import races, all in one transaction; the report has one file a race, in order."""
    return import_replacing(engine, [_file(race) for race in races], RESULTS)


def _file(race: RaceResult) -> InputFile:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    of_race = {
        "race_id": race.which,
        "date": race.date.isoformat(),
        "track": race.track,
        "distance_m": race.distance_m,
        "grade": race.grade,
        "race_number": race.race_number,
    }
    for runner in race.runners:
        writer.writerow(of_race | _with_finish(runner))
    return InputFile(race.name, Content.of(out.getvalue().encode()))


def _with_finish(runner: Mapping[str, Any]) -> dict[str, Any]:
    columns = dict(runner)
    won = columns.pop("won", None)
    if won is not None and columns.get("finish_position") is None:
        columns["finish_position"] = 1 if won else "LOST"
    return columns
