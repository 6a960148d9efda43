"""Betfair's official monthly files ``ANZ_Greyhounds_YYYY_MM.csv``: one row a runner.

Their market ids are those of the model results (:mod:`racing.importers.formats.betfair`): the same races.
"""

import re
from functools import lru_cache

from racing.domain.grades import grade_of
from racing.domain.names import name_key, plain_name
from racing.domain.tracks import track_name
from racing.importers.files.csv_file import CsvFile
from racing.importers.formats.betfair_race import (
    KIND,
    LAST_BOX,
    add_races,
    enter,
    is_empty_box,
    market_id_of,
    rug_of,
)
from racing.importers.records.source_record import (
    ParsedFile,
    RowRefused,
    SourceRecord,
    blank_record,
    date_distance_key,
    distance_of,
    known,
)
from racing.importers.records.whole_races import FileRaces

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
_TELLING = ("LOCAL_MEETING_DATE", "WIN_MARKET_ID", "SELECTION_NAME")
_TELL_THE_RACE = ("WIN_MARKET_ID", "LOCAL_MEETING_DATE", "TRACK", "DISTANCE", "RACE_NO")
_RESULTS = {"": None, "WINNER": True, "LOSER": False}
_PLACE_RESULTS = _RESULTS | {"PLACED": True}
_REMOVED = re.compile(r"REMOVED(_VACANT)?")

_key_of = lru_cache(maxsize=200_000)(name_key)


def is_official(file: CsvFile) -> bool:
    """Return whether the header is that of an official monthly file, not of the model results."""
    return file.has(_TELLING)


def parse_official(file: CsvFile) -> ParsedFile:
    """Return the records of the file.

    A runner that was ``REMOVED`` was scratched, as is one without a result in a race that has one. The tab
    number is the rug; 9 and 10 are reserves, whose box is unknown.
    """
    file = file.with_columns(NEEDED, "an official monthly file of Betfair's", OPTIONAL)
    parsed = ParsedFile.of(file, KIND, date_column="LOCAL_MEETING_DATE")
    races: dict[str, dict[str, SourceRecord]] = {}
    whole_races = FileRaces(file, _TELL_THE_RACE)
    for line, row in file.rows():
        parsed.n_read += 1
        try:
            parsed.check(row)
            fields = dict(zip(file.header, map(str.strip, row), strict=True))
            if is_empty_box(fields["SELECTION_NAME"], _result_of(fields), parsed):
                continue
            record = _record(line, fields, parsed)
            enter(record, races.setdefault(record["race_key"], {}), parsed)
        except RowRefused as error:
            parsed.refuse(line, str(error))
            whole_races.refuse(line)
    add_races(races, parsed, whole_races)
    return parsed


def _record(line: int, row: dict[str, str], parsed: ParsedFile) -> SourceRecord:
    racing_type = row.get("RACING_TYPE", "")
    if racing_type and not racing_type.upper().startswith("GREYHOUND"):
        raise RowRefused(f"RACING_TYPE must be Greyhounds, got {racing_type!r}")
    dog, track = row["SELECTION_NAME"], row["TRACK"]
    key = _key_of(dog)
    if not key:
        raise RowRefused(f"a dog's name holds a letter or digit, got {dog!r}")
    if not track:
        raise RowRefused("track must not be blank")
    market_id = market_id_of(row["WIN_MARKET_ID"])
    if market_id is None:
        rule = "WIN_MARKET_ID is a whole number, perhaps with 1. before it"
        raise RowRefused(f"{rule}, got {row['WIN_MARKET_ID']!r}")
    won, placed = known(row["WIN_RESULT"]).upper(), known(row.get("PLACE_RESULT", "")).upper()
    is_removed = bool(_REMOVED.fullmatch(won))
    if (won not in _RESULTS and not is_removed) or (
        placed not in _PLACE_RESULTS and not _REMOVED.fullmatch(placed)
    ):
        rule = "WIN_RESULT and PLACE_RESULT must be WINNER, LOSER, REMOVED or blank"
        raise RowRefused(f"{rule}, got {won!r} and {placed!r}")
    date, distance_m = parsed.date_of(row["LOCAL_MEETING_DATE"], line), distance_of(row["DISTANCE"])
    record = blank_record()
    record["line"] = line
    record["bucket"] = date_distance_key(date, distance_m)
    record["race_key"] = f"{KIND}:{market_id}"
    record["dog_key"], record["dog_name"], record["sex"] = key, plain_name(dog), None
    record["track"] = track_name(track, distance_m)
    record["race_number"] = _race_number(row["RACE_NO"])
    record["grade"] = grade_of(row.get("RACE_TYPE", ""))
    record["rug"] = rug = rug_of(row["TAB_NUMBER"])
    record["box"] = rug if rug <= LAST_BOX else None
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
