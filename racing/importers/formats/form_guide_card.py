"""A form-guide CSV as a card to predict: its dogs, with the runs that it lists as their form."""

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from racing.domain.cards import Card, PastRun, Runner
from racing.domain.errors import FileRefused
from racing.domain.names import is_placeholder
from racing.domain.tracks import known_track
from racing.importers.files.csv_file import CsvFile, read_csv
from racing.importers.files.dates import DateOrder
from racing.importers.formats.form_guides import COLUMNS, KIND, form_rows, record_of
from racing.importers.records.source_record import (
    ParsedFile,
    RowRefused,
    SourceRecord,
    day_of_key,
    distance_of_key,
)
from racing.importers.report import Problem

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO_DAY = re.compile(r"(?<!\d)(\d{4})[-_](\d{2})[-_](\d{2})(?!\d)")
_NAMED_DAY = re.compile(r"(?<!\d)(\d{1,2})[ _-]([A-Za-z]{3})[a-z]*[ _-](\d{4})(?!\d)")
_RACE = re.compile(r"race[ _]?(\d{1,2})(?!\d)", re.IGNORECASE)
_SEPARATORS = re.compile(r"\s+-\s+|_-_")


class DistanceUnknown(FileRefused):
    """A form guide's dogs have not run at the track of its race, so nothing tells the distance."""


@dataclass(frozen=True, slots=True)
class GuideCard:
    """The card of a form guide, and what of its rows was not believed."""

    card: Card
    n_rows: int
    problems: tuple[Problem, ...]


def read_form_guide_card(
    path: str | Path,
    *,
    date: dt.date | None = None,
    track: str | None = None,
    distance_m: int | None = None,
    dates: DateOrder = DateOrder.DEFAULT,
) -> GuideCard:
    """Read a form guide as a card; see :func:`guide_card`."""
    try:
        return guide_card(read_csv(Path(path), dates), date=date, track=track, distance_m=distance_m)
    except FileRefused as error:
        raise FileRefused(f"{path}: {error}", error.lines) from error


def guide_card(
    file: CsvFile, *, date: dt.date | None = None, track: str | None = None, distance_m: int | None = None
) -> GuideCard:
    """Return the card that a form guide is.

    Where they are not given, date and track are those of the file's name (``Race 6 - W_PK - 10 July 2025``),
    which is not always true; and the distance, which stands nowhere, is the one most run at that track in
    the dogs' newest runs there. Runs on or after the date are left in, for the reader to warn of.

    Raises
    ------
    FileRefused
        If it is no form guide, or does not tell date or track; :class:`DistanceUnknown` if no distance.
    """
    file = file.with_columns(COLUMNS, "a form guide")
    parsed = ParsedFile.of(file, KIND, date_column="DATE")
    dogs: dict[tuple[int, str], list[SourceRecord]] = {}
    for row in form_rows(file, parsed):
        if is_placeholder(row.dog):
            parsed.refuse(row.line, f"an empty box is left out, got name {row.dog!r}")
            continue
        form = dogs.setdefault((row.rug, row.dog), [])
        try:
            form.append(record_of(row, parsed))
        except RowRefused as error:
            parsed.refuse(row.line, str(error))
    if not any(dogs.values()):
        raise FileRefused(
            f"none of its {parsed.n_read} rows could be taken as a past run", _refused_lines(parsed)
        )
    named_date, named_track, race_number = named_in(file.name)
    date, track = date or named_date, track or named_track
    if date is None:
        raise FileRefused("the file's name does not tell the race's date; give it")
    if track is None:
        raise FileRefused("the file's name does not tell the race's track; give it")
    distance_m = distance_m or _usual_distance(dogs, track)
    if distance_m is None:
        raise DistanceUnknown(f"no dog has run at {track}, so the distance is unknown; give it")
    card = Card(
        date=date,
        track=known_track(track, distance_m) or track,
        distance_m=distance_m,
        race_number=race_number,
        runners=tuple(
            Runner(name=name, box=number, form=tuple(map(_past_run, form)))
            for (number, name), form in sorted(dogs.items())
        ),
    )
    return GuideCard(card, parsed.n_read, tuple(parsed.problems))


def _refused_lines(parsed: ParsedFile) -> tuple[tuple[int, str], ...]:
    return tuple((problem.line, problem.reason) for problem in parsed.problems if problem.what == "row")


def named_in(name: str) -> tuple[dt.date | None, str | None, int | None]:
    """Return the date, track and race number that a file's name tells."""
    stem = re.sub(r"(_cleaned|_enhanced|\s*\(\d+\))+$", "", Path(name).stem)
    day = _day_of(stem)
    race = _RACE.search(stem)
    rest = _RACE.sub(" - ", _NAMED_DAY.sub(" - ", _ISO_DAY.sub(" - ", stem)))
    parts = [part.strip(" _-") for part in _SEPARATORS.split(rest)]
    names = [found for part in parts if part and (found := known_track(part))]
    return day, names[0] if names else None, int(race[1]) if race else None


def _day_of(stem: str) -> dt.date | None:
    try:
        if found := _ISO_DAY.search(stem):
            return dt.date(int(found[1]), int(found[2]), int(found[3]))
        if (found := _NAMED_DAY.search(stem)) and found[2].lower() in _MONTHS:
            return dt.date(int(found[3]), _MONTHS.index(found[2].lower()) + 1, int(found[1]))
    except ValueError:
        pass
    return None


def _usual_distance(dogs: dict[tuple[int, str], list[SourceRecord]], track: str) -> int | None:
    newest = Counter[int]()
    for form in dogs.values():
        here = [record["bucket"] for record in form if _is_at(record, track)]
        if here:
            newest[distance_of_key(max(here))] += 1
    return max(newest, key=lambda distance_m: (newest[distance_m], distance_m), default=None)


def _is_at(record: SourceRecord, track: str) -> bool:
    return bool(record["track"] == (known_track(track, distance_of_key(record["bucket"])) or track))


def _past_run(record: SourceRecord) -> PastRun:
    return PastRun(
        date=day_of_key(record["bucket"]),
        track=record["track"],
        distance_m=distance_of_key(record["bucket"]),
        box=record["box"],
        grade=record["grade"],
        weight_kg=record["weight_kg"],
        finish_position=record["finish_position"],
        time_s=record["time_s"],
        winner_time_s=record["winner_time_s"],
        first_split_s=record["first_split_s"],
        margin_lengths=record["margin_lengths"],
        position_in_running=record["position_in_running"],
        starting_price=record["starting_price"],
    )
