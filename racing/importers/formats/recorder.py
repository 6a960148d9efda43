"""Results of The Greyhound Recorder, as tables saved to CSV: one row a runner.

================ ======== =====================================================================
column           needed   what
================ ======== =====================================================================
Date             yes      ``Saturday, May 10``: no year; or a date with one
Track, Race      yes      ``Angle Park (SA)``, the number of the race
Plc              yes      1 to 10; SCR did not run; DNF and other codes ran and were not placed
Rug              yes      ``Rug 8``; 9 and 10 are reserves
Name (Box)       yes      ``Polarised (8)``: the box that it started from; none where scratched
Trainer, Sire, Dam        stored with the run and the dog
Time, Split               seconds
Mgn                       lengths to the winner, whose own is 0.00
In Run                    one digit a call, behind ``Q``, ``M`` or ``S``: how it began
Wgt                       ``31.9kg``
SP                        ``$4.40``; ``$0.00`` is no price
================ ======== =====================================================================

The year of a date without one is the newest, up to today, in which its weekday fits; a year in the file's
name (``results_2025.csv``) comes first where the weekday fits it. The report says which years were taken.

No distance stands there: the rows join races that other sources know
(:mod:`racing.importers.waiting.rejoin`). A race without any place has no result, and is left out.
"""

import calendar
import datetime as dt
import re
from pathlib import PurePath

from racing.domain.names import is_placeholder
from racing.domain.track_time import latest_day
from racing.importers.files.csv_file import CsvFile
from racing.importers.formats.format import Format, from_csv
from racing.importers.records.finish_codes import Finish, finish_of
from racing.importers.records.race_results import RaceResults, set_calls, set_measures, whole_number
from racing.importers.records.source_record import ParsedFile, RowRefused, SourceRecord, day_of_key, known
from racing.importers.resolve import RECORDER

KIND = RECORDER
NEEDED = ("Date", "Track", "Race", "Plc", "Rug", "Name (Box)")
OPTIONAL = ("Trainer", "Time", "Mgn", "Split", "In Run", "Wgt", "Sire", "Dam", "SP")
FIRST_YEAR = 1990
_LONGEST_M = "1200"  # in the place of the distance, which no row has
_NAMED_DAY = re.compile(
    r"""(?P<weekday>[A-Z]{3})[A-Z]*,?\s+(?:
        (?P<month>[A-Z]{3})[A-Z]*\.?\s+(?P<day>\d{1,2})(?:ST|ND|RD|TH)?
        | (?P<day2>\d{1,2})(?:ST|ND|RD|TH)?\s+(?P<month2>[A-Z]{3})[A-Z]*
    )(?:,?\s+(?P<year>\d{4}))?""",
    re.IGNORECASE | re.VERBOSE,
)
_START_PACE = re.compile(r"^V?[QMS](?=\d|$)")  # quick, medium or slow from the boxes, before the first call
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_YEAR_AT_ALL = re.compile(r"\d{4}|\d[/.-]\d{1,2}[/.-]\d|[A-Za-z][- ]\d{2}$")
_BOX = re.compile(r"(.*\S)\s*\((\d{1,2})\)")
_NOT_A_DIGIT = re.compile(r"[^0-9]+")
_WEEKDAYS = [name.upper() for name in calendar.day_abbr]
_MONTHS = [name.upper() for name in calendar.month_abbr]


def parse_recorder(file: CsvFile) -> ParsedFile:
    """Return the rows of the file, which wait for their races."""
    file = file.with_columns(NEEDED, "results of The Greyhound Recorder", OPTIONAL)
    parsed = ParsedFile.of(file, KIND, date_column="Date")
    days, results = _Days(parsed), RaceResults(parsed)
    for line, row in file.rows():
        parsed.n_read += 1
        race_key: str | None = None
        try:
            parsed.check(row)
            fields = {name: text.strip() for name, text in zip(file.header, row, strict=True)}
            race_key = f"{KIND}:{fields['Date']}|{fields['Track']}|{fields['Race']}"
            name = known(fields["Name (Box)"])
            if not name or is_placeholder(name):
                parsed.n_empty += 1
                continue
            results.enter(*_record(line, fields, days.day_of(fields["Date"], line), race_key, parsed))
        except RowRefused as error:
            results.refuse(line, str(error), race_key)
    results.close()
    _let_wait(parsed)
    if days.years:
        years = " and ".join(map(str, sorted(days.years)))
        parsed.notes += (
            f"its dates name no year, read as {years}: the newest in which their weekdays fit; if it is "
            "another, write it into the file's name, as results_2024.csv",
        )
    return parsed


def is_recorder(file: CsvFile) -> bool:
    """Return whether the header is that of The Greyhound Recorder's results."""
    return file.has(("Plc", "Rug", "Name (Box)"))


GREYHOUND_RECORDER = Format(
    name="recorder",
    title="results of The Greyhound Recorder",
    is_it=lambda file: file.is_csv and is_recorder(file.csv),
    read=from_csv(parse_recorder),
    columns=NEEDED,
)


class _Days:
    """The days of a file's dates; those without a year are of the newest that fits."""

    def __init__(self, parsed: ParsedFile) -> None:
        self._parsed = parsed
        found = _YEAR.findall(PurePath(parsed.name).name)
        self._named_years = [int(year) for year in found]
        self._read: dict[str, dt.date] = {}
        self.years: set[int] = set()
        """Years that were taken for dates without one."""

    def day_of(self, text: str, line: int) -> dt.date:
        named = _NAMED_DAY.fullmatch(text)
        if named is None:
            if not _YEAR_AT_ALL.search(text):
                raise RowRefused(
                    "a date has its year, or the weekday by which the year is found ('Saturday, May 10'), "
                    f"got {text!r}"
                )
            return self._parsed.date_of(re.sub(r"^[A-Za-z]+,\s*(?=\d)", "", text), line)
        day = self._read.get(text) or self._newest(text, named)
        self._read[text] = day
        if named["year"] is None:
            self.years.add(day.year)
        return day

    def _newest(self, text: str, named: re.Match[str]) -> dt.date:
        weekday = named["weekday"].upper()
        month, day = (named["month"] or named["month2"]).upper(), int(named["day"] or named["day2"])
        today = latest_day()
        if weekday in _WEEKDAYS and month in _MONTHS:
            own = [int(named["year"])] if named["year"] else None
            for year in own or (*self._named_years, *range(today.year, FIRST_YEAR - 1, -1)):
                try:
                    date = dt.date(year, _MONTHS.index(month), day)
                except ValueError:
                    continue
                if date <= today and date.weekday() == _WEEKDAYS.index(weekday):
                    return date
        raise RowRefused(f"a date reads 'Saturday, May 10' and was a day of that name, got {text!r}")


def _record(
    line: int, fields: dict[str, str], day: dt.date, race_key: str, parsed: ParsedFile
) -> tuple[SourceRecord, Finish]:
    name = fields["Name (Box)"]
    boxed = _BOX.fullmatch(name)
    dog = boxed[1] if boxed else name
    record = parsed.record(line, dog=dog, track=fields["Track"], date=day.isoformat(), distance=_LONGEST_M)
    record["race_key"] = race_key
    record["bucket"] -= int(_LONGEST_M)
    number = whole_number("Race", _NOT_A_DIGIT.sub("", fields["Race"]), 1, 20)
    if number is None:
        raise RowRefused(f"Race must be 1..20, got {fields['Race']!r}")
    record["race_number"] = number
    record["rug"] = whole_number("Rug", _NOT_A_DIGIT.sub("", fields["Rug"]), 1, 10)
    record["box"] = whole_number("box", boxed[2], 1, 10) if boxed else None
    record["trainer"] = known(fields.get("Trainer", "")) or None
    record["sire"] = known(fields.get("Sire", "")) or None
    record["dam"] = known(fields.get("Dam", "")) or None
    record["starting_price"] = parsed.price("starting_price", fields.get("SP", ""), line, dog)
    measures = {
        "weight_kg": fields.get("Wgt", "").casefold().removesuffix("kg"),
        "first_split_s": fields.get("Split", ""),
        "time_s": fields.get("Time", ""),
        "margin_lengths": fields.get("Mgn", ""),
    }
    set_measures(record, {name: known(text) for name, text in measures.items()}, parsed)
    set_calls(record, _START_PACE.sub("", known(fields.get("In Run", "")).upper()), parsed)
    return record, finish_of(fields["Plc"])


def _let_wait(parsed: ParsedFile) -> None:
    """Turn the records of races with a result into rows that wait for their races."""
    n_left_out = 0
    for record in parsed.records:
        if record["is_blank"]:
            n_left_out += 1
            continue
        of_race = record["line"], KIND, day_of_key(record["bucket"]), record["track"]
        row = parsed.waiting_record(*of_race)
        parsed.waiting.append(row | {name: record[name] for name in row if name in record})
    parsed.records = []
    if n_left_out:
        parsed.notes += (f"{n_left_out:,} rows of races without a result left out",)
