"""Betfair's daily files of starting prices ``dwbfgreyhoundwinDDMMYYYY.csv`` and ``...place...``.

Races of Britain, Ireland, Australia and New Zealand, one row a runner, in any order. The file's date is the
day after its races; a race's own day and its off come from ``EVENT_DT``, a time in Britain. ``EVENT_ID`` is
the market's id: in a file of place markets not the one of the same race's win market. Both files have the
same columns, so what pays tells them apart: one winner a market, or two and three. A place market that is
called "To Be Placed" and names no distance waits for the race of its dogs, as a recorded one does.
"""

import datetime as dt
import re
from collections import Counter
from functools import lru_cache

from racing.domain.errors import FileRefused
from racing.domain.grades import grade_of
from racing.domain.names import is_placeholder
from racing.domain.regions import country_of
from racing.domain.tracks import track_name
from racing.importers.files.csv_file import CsvFile
from racing.importers.files.input_file import InputFile
from racing.importers.formats.betfair_race import KIND, PLACE_KIND, name_race, parse_races
from racing.importers.records.off_times import day_at, off_in_london
from racing.importers.records.source_record import (
    ParsedFile,
    RowRefused,
    SourceRecord,
    known,
    number,
)
from racing.importers.resolve import STREAM_PLACE

NEEDED = ("EVENT_ID", "MENU_HINT", "EVENT_NAME", "EVENT_DT", "SELECTION_NAME", "WIN_LOSE", "BSP")
OPTIONAL = ("PPWAP", "MORNINGWAP", "MORNINGTRADEDVOL", "PPTRADEDVOL")
_RACE_COLUMNS = ("EVENT_ID", "MENU_HINT", "EVENT_NAME", "EVENT_DT")
_RESULTS = {"": None, "0": False, "0.0": False, "1": True, "1.0": True}
# "AUS / Richmond (AUS) 4th Dec", "RPGTV / Doncaster 4th Dec": a country or a broadcaster, venue, code, date.
_HINT = re.compile(
    r"(?:.*/)?\s*(?P<venue>(?=[^/]*[A-Za-z])[^/]+?)\s*(?:\((?P<code>[A-Za-z]{2,3})\))?"
    r"(?:\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?\s+(?P<month>[A-Za-z]{3})[a-z]*)?(?:\s+\d{1,2}[:.]?\d{2})?\s*(?:/\s*\d{1,2}:\d{2}\s*)?"
)
_COUNTRIES = {
    "AUS": "AU",
    "NZL": "NZ",
    "NZ": "NZ",
    "GBR": "GB",
    "GB": "GB",
    "UK": "GB",
    "IRE": "IE",
    "IRL": "IE",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBER = re.compile(r"^R0?(\d{1,2})\b")
_METRES = re.compile(r"\b(\d{3,4})\s*m(?:tr?s?|etres)?\b|\b(\d{3,4})m", re.IGNORECASE)
_YARDS = re.compile(r"\b(\d{3,4})\s*(?:yds?|yards|y)\b", re.IGNORECASE)
_METRES_A_YARD = 0.9144
_BARE_METRES = re.compile(r"(?<=\s)([2-9]\d\d|1[0-2]\d\d)(?=\s|$)")  # "R10 457 M5"
_CLOCK = re.compile(r"^.*\b\d{1,2}:\d{2}\s+")  # "Shel 20:28 525m A3"
_TO_BE_PLACED = re.compile(r"(?:R0?(?P<number>\d{1,2})\s+)?(?:(?:\d+\s+)?TBP|To Be Placed)", re.IGNORECASE)
_LONGEST_M = "1200"  # in the place of the distance, which a place market may not name
_RUNNER = re.compile(r"\s*(\d{1,2})\s*[.)]\s*(.*\S)\s*")


def is_sp_file(file: InputFile) -> bool:
    """Return whether a file is one of daily starting prices, win or place."""
    return file.has(("EVENT_ID", "MENU_HINT", "EVENT_DT", "SELECTION_NAME", "BSP"))


def is_win_file(file: InputFile) -> bool:
    """Return whether a file has the prices of win markets."""
    return is_sp_file(file) and not _has_places(file)


def is_place_file(file: InputFile) -> bool:
    """Return whether a file has the prices of place markets."""
    return is_sp_file(file) and _has_places(file)


def parse_sp(file: CsvFile) -> ParsedFile:
    """Return the records of a file of win markets."""
    return _Reader(file, KIND).read()


def parse_place_sp(file: CsvFile) -> ParsedFile:
    """Return the records of a file of place markets; its races join those of the same dogs."""
    return _Reader(file, PLACE_KIND).read()


def _has_places(file: InputFile) -> bool:
    """Return whether most markets have several winners; where none has any, whether the name says place."""
    try:
        csv = file.csv.with_columns(NEEDED, "a file of starting prices", OPTIONAL)
    except FileRefused:
        return False
    at, at_result = csv.header.index("EVENT_ID"), csv.header.index("WIN_LOSE")
    winners: Counter[str] = Counter()
    for _, row in csv.rows():
        if len(row) == len(csv.header) and _RESULTS.get(row[at_result].strip()):
            winners[row[at]] += 1
    if winners:
        return 2 * sum(n > 1 for n in winners.values()) > len(winners)
    return "place" in file.name.rpartition("/")[2].lower()


class _Reader:
    def __init__(self, file: CsvFile, kind: str) -> None:
        what = "a daily file of Betfair's starting prices"
        self._file = file.with_columns(NEEDED, what, OPTIONAL)
        self._parsed = ParsedFile.of(self._file, kind, date_column="EVENT_DT")
        self._is_place = kind == PLACE_KIND
        self._at = {
            name: self._file.header.index(name) for name in (*NEEDED, *OPTIONAL) if name in self._file.header
        }
        self._waiting: dict[str, list[SourceRecord]] = {}
        """By market: the rows of those that name no distance."""

    def read(self) -> ParsedFile:
        parsed = parse_races(self._file, self._parsed, _RACE_COLUMNS, self._record)
        for rows in self._waiting.values():
            if any(row["placed"] for row in rows):
                for row in rows:
                    row["is_scratched"] = row["placed"] is None
                parsed.waiting += rows
            else:
                parsed.left_out["PLACE without a result"] = (
                    parsed.left_out.get("PLACE without a result", 0) + 1
                )
        return parsed

    def _record(self, line: int, row: list[str]) -> SourceRecord | None:
        fields = {name: row[at].strip() for name, at in self._at.items()}
        named = _RUNNER.fullmatch(fields["SELECTION_NAME"])
        if named is None:
            rule = "a runner reads '3. Sir Tick', with its number"
            raise RowRefused(f"{rule}, got {fields['SELECTION_NAME']!r}")
        result = known(fields["WIN_LOSE"])
        if result not in _RESULTS:
            raise RowRefused(f"WIN_LOSE must be 0, 1 or blank, got {result!r}")
        if is_placeholder(named[2]):
            if result == "1":
                raise RowRefused(f"a runner with a result has a name, got {named[2]!r}")
            self._parsed.n_empty += 1
            return None
        off = off_in_london(fields["EVENT_DT"])
        if off is None:
            raise RowRefused(
                f"EVENT_DT is a time in Britain, as 04-12-2022 08:46, got {fields['EVENT_DT']!r}"
            )
        if self._is_place and (placed := _TO_BE_PLACED.fullmatch(fields["EVENT_NAME"].strip())):
            self._let_wait(line, fields, named, off, placed["number"])
            return None
        race_number, distance_m, grade = race_of_name(fields["EVENT_NAME"])
        track, hinted = track_of_hint(fields["MENU_HINT"], off, distance_m)
        day = day_at(off, track) or hinted or off.date()
        record = self._parsed.record(
            line, dog=named[2], track=track, date=day.isoformat(), distance=str(distance_m)
        )
        name_race(record, fields["EVENT_ID"], named[1], "EVENT_ID", self._parsed.kind)
        record["race_number"], record["grade"], record["off_at"] = race_number, grade, off
        self._set_prices(record, fields, line)
        record["placed" if self._is_place else "won"] = _RESULTS[result]
        return record

    def _let_wait(
        self, line: int, fields: dict[str, str], named: re.Match[str], off: dt.datetime, number: str | None
    ) -> None:
        """Note a row of a market without a distance."""
        track, hinted = track_of_hint(fields["MENU_HINT"], off, 0)
        day = day_at(off, track) or hinted or off.date()
        record = self._parsed.record(
            line, dog=named[2], track=track, date=day.isoformat(), distance=_LONGEST_M
        )
        name_race(record, fields["EVENT_ID"], named[1], "EVENT_ID", self._parsed.kind)
        market = record["race_key"].partition(":")[2]
        rows = self._waiting.setdefault(market, [])
        if any(row["dog_key"] == record["dog_key"] for row in rows):
            self._parsed.n_repeated += 1
            return
        record["off_at"] = off
        self._set_prices(record, fields, line)
        record["placed"] = _RESULTS[known(fields["WIN_LOSE"])]
        row = self._parsed.waiting_record(line, STREAM_PLACE, day, track)
        row |= {name: record[name] for name in row if name in record}
        row |= {"market_id": f"1.{market}", "race_number": int(number) if number else None}
        rows.append(row)

    def _set_prices(self, record: SourceRecord, fields: dict[str, str], line: int) -> None:
        dog = record["dog_name"]
        bsp = self._parsed.price("bsp", _short(fields["BSP"]), line, dog)
        if self._is_place:
            record["place_bsp"] = bsp
            return
        record["bsp"] = bsp
        if _matched(fields.get("MORNINGTRADEDVOL", "")):
            record["morning_price"] = _mean(fields.get("MORNINGWAP", ""))
        record["average_price"] = _mean(fields.get("PPWAP", ""))
        record["volume"] = _matched(fields.get("PPTRADEDVOL", ""))


@lru_cache(maxsize=4096)
def race_of_name(text: str) -> tuple[int | None, int, str | None]:
    """Return number, distance in metres and grade of a race: ``R6 401m Rest``, ``A7 476m``, ``OR 525y``.

    Raises
    ------
    RowRefused
        If no distance is in it.
    """
    text = _CLOCK.sub("", text)
    found, metres = _METRES.search(text), None
    if found:
        metres = int(found[1] or found[2])
    elif found := _YARDS.search(text):
        metres = round(int(found[1]) * _METRES_A_YARD)
    elif found := _BARE_METRES.search(text):
        metres = int(found[1])
    if found is None or metres is None:
        raise RowRefused(f"a race's name has its distance in metres, as 'A7 476m', got {text!r}")
    numbered = _NUMBER.match(text)
    rest = f"{text[: found.start()]} {text[found.end() :]}"
    grade = grade_of(" ".join(_NUMBER.sub("", rest).split()))
    return int(numbered[1]) if numbered else None, metres, grade


@lru_cache(maxsize=4096)
def track_of_hint(hint: str, off: dt.datetime, distance_m: int) -> tuple[str, dt.date | None]:
    """Return the track that a menu names, and the day of its meeting where it says it.

    What stands before the stroke is a country or a broadcaster, and does not matter. A country's code behind
    the venue does: where our track of that name lies elsewhere, it is another.
    """
    found = _HINT.fullmatch(hint)
    if found is None:
        raise RowRefused(f"MENU_HINT reads 'AUS / Richmond (AUS) 4th Dec', got {hint!r}")
    venue, code = found["venue"], (found["code"] or "").upper()
    country = country_of(track_name(venue, distance_m))
    wanted = _COUNTRIES.get(code)
    track = f"{venue} ({code})" if wanted and country and wanted != country else venue
    month = (found["month"] or "").lower()
    return track, _nearest_day(int(found["day"]), _MONTHS.index(month) + 1, off) if month in _MONTHS else None


def _nearest_day(day: int, month: int, off: dt.datetime) -> dt.date | None:
    """Return the day and month in the year that lies next to a time: 1 January may follow 31 December."""
    days: list[dt.date] = []
    for year in (off.year - 1, off.year, off.year + 1):
        try:
            days.append(dt.date(year, month, day))
        except ValueError:
            continue
    near = min(days, key=lambda one: abs(one - off.date()), default=None)
    return near if near and abs(near - off.date()) <= dt.timedelta(days=1) else None


def _short(text: str) -> str:
    """Return a price without digits that no number holds: files have up to 38."""
    return text[:20] if "." in text[:18] else text


def _mean(text: str) -> float | None:
    """Return a mean price; 1 stands where nothing was matched."""
    value = number(text)
    return value if value is not None and 1 < value <= 1000 else None


def _matched(text: str) -> float | None:
    """Return what was matched; ``None`` where nothing was."""
    value = number(text)
    return value if value is not None and value > 0 else None
