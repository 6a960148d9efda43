"""Betfair's official monthly files ``ANZ_Greyhounds_YYYY_MM.csv``: one row a runner.

Their market ids are those of the model results (:mod:`racing.importers.formats.betfair`): the same races.
"""

import re

from racing.domain.grades import grade_of
from racing.importers.files.csv_file import CsvFile
from racing.importers.formats.betfair_race import KIND, is_empty_box, name_race, parse_races
from racing.importers.records.source_record import (
    ParsedFile,
    RowRefused,
    SourceRecord,
    known,
)

NEEDED = (
    "LOCAL_MEETING_DATE",
    "TRACK",
    "RACE_NO",
    "WIN_MARKET_ID",
    "DISTANCE",
    "TAB_NUMBER",
    "SELECTION_NAME",
    "WIN_RESULT",
    "WIN_BSP",
)
OPTIONAL = ("RACE_TYPE", "RACING_TYPE", "PLACE_RESULT", "PLACE_BSP")
_OWN_COLUMNS = ("LOCAL_MEETING_DATE", "WIN_MARKET_ID", "SELECTION_NAME")
_RACE_COLUMNS = ("WIN_MARKET_ID", "LOCAL_MEETING_DATE", "TRACK", "DISTANCE", "RACE_NO")
_RESULTS = {"": None, "WINNER": True, "LOSER": False}
_PLACE_RESULTS = _RESULTS | {"PLACED": True}
_REMOVED = re.compile(r"REMOVED(_VACANT)?")


def is_official(file: CsvFile) -> bool:
    """Return whether the header is that of an official monthly file, not of the model results."""
    return file.has(_OWN_COLUMNS)


def parse_official(file: CsvFile) -> ParsedFile:
    """Return the records of the file.

    A runner that was ``REMOVED`` was scratched, as is one without a result in a race that has one. The tab
    number is the rug; 9 and 10 are reserves, whose box is unknown.
    """
    file = file.with_columns(NEEDED, "an official monthly file of Betfair's", OPTIONAL)
    parsed = ParsedFile.of(file, KIND, date_column="LOCAL_MEETING_DATE")

    def record_of(line: int, row: list[str]) -> SourceRecord | None:
        fields = dict(zip(file.header, map(str.strip, row), strict=True))
        is_empty = is_empty_box(fields["SELECTION_NAME"], _result_of(fields), parsed)
        return None if is_empty else _record(line, fields, parsed)

    return parse_races(file, parsed, _RACE_COLUMNS, record_of)


def _record(line: int, row: dict[str, str], parsed: ParsedFile) -> SourceRecord:
    racing_type = row.get("RACING_TYPE", "")
    if racing_type and not racing_type.upper().startswith("GREYHOUND"):
        raise RowRefused(f"RACING_TYPE must be Greyhounds, got {racing_type!r}")
    won, placed = known(row["WIN_RESULT"]).upper(), known(row.get("PLACE_RESULT", "")).upper()
    is_removed = bool(_REMOVED.fullmatch(won))
    if (won not in _RESULTS and not is_removed) or (
        placed not in _PLACE_RESULTS and not _REMOVED.fullmatch(placed)
    ):
        rule = "WIN_RESULT and PLACE_RESULT must be WINNER, LOSER, REMOVED or blank"
        raise RowRefused(f"{rule}, got {won!r} and {placed!r}")
    dog = row["SELECTION_NAME"]
    day, distance = row["LOCAL_MEETING_DATE"], row["DISTANCE"]
    record = parsed.record(line, dog=dog, track=row["TRACK"], date=day, distance=distance)
    name_race(record, row["WIN_MARKET_ID"], row["TAB_NUMBER"], "WIN_MARKET_ID")
    record["race_number"] = _race_number(row["RACE_NO"])
    record["grade"] = grade_of(row.get("RACE_TYPE", ""))
    record["won"], record["placed"] = _RESULTS.get(won), _PLACE_RESULTS.get(placed)
    record["is_scratched"] = is_removed
    record["bsp"] = parsed.price("bsp", row["WIN_BSP"], line, dog)
    record["place_bsp"] = parsed.price("place_bsp", row.get("PLACE_BSP", ""), line, dog)
    return record


def _result_of(fields: dict[str, str]) -> str:
    """Return how a runner ended, blank where it was removed or nothing is known."""
    won = known(fields["WIN_RESULT"]).upper()
    return "" if _REMOVED.fullmatch(won) else won


def _race_number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 20:
        raise RowRefused(f"RACE_NO must be 1..20, got {text!r}")
    return int(text)
