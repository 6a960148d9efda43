"""Runs of Topaz's bulk export (Greyhound Racing Victoria), as CSV or JSON: one row a run.

================================ ======== =============================================================
column                           needed   what
================================ ======== =============================================================
track or trackCode               yes      ``Gawler``, ``GAW``
meetingDate                      yes      2017-01-01T00:00:00.000Z: the day at the track, whatever the Z;
                                          another time in UTC, as 14:00, is of the day at the track then
distance, raceNumber             yes      metres; the number of the race
                                          (the service's own names trackName and distanceInMetres too)
raceId, raceType                          the race's identity; its grade, ``Grade 6``
dogName                          yes      with sex (Dog, Bitch), sireName, damName, dateWhelped
boxNumber, rugNumber                      where it started; 9 and 10 are reserves' rugs
place                            yes      1 to 10; blank where it has none:
unplaced, unplacedCode                    ran and was not placed, as ``F``, ``D``
scratched, isLateScratching               TRUE: did not run
resultTime, firstSplitTime                seconds
resultMarginLengths                       ``0.25L``: of the winner over the second, else behind the winner;
                                          resultMargin is seconds and is not read
weightInKg, startPrice                    kg; decimal odds
pir                                       one digit a call, 0 is unknown
trainerName, comment                      stored with the run; the comment as its remarks
================================ ======== =============================================================

JSON is a list of objects, one a run; or, as documented, a list of objects of one key each.

Runs are exported one by one, so a race may lack some: it is whole only if its places follow each other, and
every box from 1 to 8 is a starter's or a scratched dog's, or the prices of its starters make a whole book.
"""

import datetime as dt
import re
from dataclasses import replace
from zoneinfo import ZoneInfo

from racing.domain.errors import FileRefused
from racing.domain.grades import grade_of
from racing.domain.names import is_placeholder, name_key
from racing.domain.regions import zone_of
from racing.importers.files.csv_file import CsvFile, column_key
from racing.importers.files.input_file import InputFile
from racing.importers.files.json_table import has_json_keys, table_of
from racing.importers.formats.format import Format
from racing.importers.records.beaten_distance import lengths_of
from racing.importers.records.births import born_of
from racing.importers.records.finish_codes import Finish, Outcome, finish_of
from racing.importers.records.race_results import RaceResults, set_calls, set_measures, whole_number
from racing.importers.records.source_record import ParsedFile, RowRefused, SourceRecord, known
from racing.importers.resolve import WHOLE_BOOK

KIND = "topaz"
NEEDED = ("meetingDate", "distance", "raceNumber", "dogName", "place")
OPTIONAL = (
    "track", "trackCode", "raceId", "raceType", "boxNumber", "rugNumber", "unplaced", "unplacedCode",
    "scratched", "isLateScratching", "resultTime", "resultMarginLengths", "firstSplitTime", "weightInKg",
    "startPrice", "pir", "trainerName", "comment", "sex", "sireName", "damName", "dateWhelped",
)  # fmt: skip
_OWN = ("meetingDate", "dogName", "raceNumber", "boxNumber", "place")
_ALSO = {"trackname": "track", "distanceinmetres": "distance"}
_UTC = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})", re.IGNORECASE
)
_VICTORIA = ZoneInfo("Australia/Melbourne")  # whose clock Topaz goes by
_N_BOXES = 8
_SEXES = {"D": "D", "DOG": "D", "B": "B", "BITCH": "B"}
_TRUE = ("TRUE", "1", "1.0", "YES", "Y")

Fields = dict[str, str]


def is_topaz(file: InputFile) -> bool:
    """Return whether a file has Topaz's columns, or is JSON with its keys."""
    return file.has(_OWN) or has_json_keys(file, _OWN)


def parse_topaz(file: InputFile) -> ParsedFile:
    """Return the records of the file.

    Raises
    ------
    FileRefused
        If it lacks a column that is needed.
    """
    table = _with_our_columns(table_of(file))
    parsed = ParsedFile.of(table, KIND, date_column="meetingDate")
    results = RaceResults(parsed)
    for line, row in table.rows():
        parsed.n_read += 1
        race_key: str | None = None
        try:
            parsed.check(row)
            fields = {name: known(text) for name, text in zip(table.header, row, strict=True)}
            race_key = _race_key(fields)
            if not fields["dogName"] or is_placeholder(fields["dogName"]):
                parsed.n_empty += 1
                continue
            results.enter(*_record(line, fields, race_key, parsed))
        except RowRefused as error:
            results.refuse(line, str(error), race_key)
    results.close(_why_incomplete)
    return parsed


TOPAZ = Format(
    name="topaz",
    title="runs of Topaz's bulk export",
    is_it=is_topaz,
    read=parse_topaz,
    columns=(*_OWN, "distance", "track", "raceId"),
)


def _with_our_columns(table: CsvFile) -> CsvFile:
    theirs = [name for name in table.header if column_key(name) in _ALSO]
    table = table.with_columns(theirs, "a file of Topaz's runs")
    has = set(map(column_key, table.header))
    header = tuple(
        ours if (ours := _ALSO.get(column_key(name))) and ours not in has else name for name in table.header
    )
    table = replace(table, header=header)
    table = table.with_columns(NEEDED, "a file of Topaz's runs", OPTIONAL)
    if not {"track", "trackCode"} & set(table.header):
        raise FileRefused("a file of Topaz's runs needs track or trackCode, it has neither")
    return table


def _race_key(fields: Fields) -> str:
    if identity := fields.get("raceId", "").removesuffix(".0"):
        return f"{KIND}:{identity}"
    return f"{KIND}:{fields['meetingDate'][:10]}|{name_key(_track(fields))}|{fields['raceNumber']}"


def _day(fields: Fields) -> str:
    """Return the day of the meeting: a time in UTC other than midnight is one of the track's own clock."""
    text = fields["meetingDate"]
    if not _UTC.fullmatch(text):
        return text
    moment = dt.datetime.fromisoformat(text)
    if moment.time() == dt.time():
        return text
    return moment.astimezone(zone_of(_track(fields)) or _VICTORIA).date().isoformat()


def _track(fields: Fields) -> str:
    return fields.get("track") or fields.get("trackCode", "")


def _record(line: int, fields: Fields, race_key: str, parsed: ParsedFile) -> tuple[SourceRecord, Finish]:
    dog = fields["dogName"]
    record = parsed.record(
        line, dog=dog, track=_track(fields), date=_day(fields), distance=fields["distance"]
    )
    record["race_key"] = race_key
    record["race_number"] = whole_number("raceNumber", fields["raceNumber"], 1, 20)
    record["grade"] = grade_of(fields.get("raceType", ""))
    record["box"] = whole_number("boxNumber", fields.get("boxNumber", ""), 0, 10) or None
    record["rug"] = whole_number("rugNumber", fields.get("rugNumber", ""), 0, 10) or None
    record["sex"] = _SEXES.get(fields.get("sex", "").upper())
    record["sire"] = fields.get("sireName") or None
    record["dam"] = fields.get("damName") or None
    record["born"] = born_of(fields.get("dateWhelped", ""))
    record["trainer"] = fields.get("trainerName") or None
    record["remarks"] = fields.get("comment") or None
    record["starting_price"] = parsed.price("starting_price", fields.get("startPrice", ""), line, dog)
    margin = lengths_of(fields.get("resultMarginLengths", ""))
    measures = {
        "weight_kg": fields.get("weightInKg", ""),
        "first_split_s": fields.get("firstSplitTime", ""),
        "time_s": fields.get("resultTime", ""),
        "margin_lengths": "" if margin is None else str(margin),
    }
    set_measures(record, measures, parsed)
    set_calls(record, fields.get("pir", ""), parsed)
    return record, _finish(fields, record)


def _finish(fields: Fields, record: SourceRecord) -> Finish:
    if any(fields.get(name, "").upper() in _TRUE for name in ("scratched", "isLateScratching")):
        return Finish(Outcome.DID_NOT_RUN)
    finish = finish_of(fields["place"])
    if finish.place is not None:
        return finish
    if code := fields.get("unplacedCode", ""):
        return finish_of(code)
    has_run = record["time_s"] is not None or fields.get("unplaced", "").upper() in _TRUE
    return Finish(Outcome.UNPLACED) if has_run else Finish(Outcome.BLANK)


def _why_incomplete(records: list[SourceRecord]) -> str | None:
    """Return why runs may be missing; ``""`` of a race without a result, which is not to be reported."""
    if not any(record["won"] for record in records):
        return ""
    prices = [record["starting_price"] for record in records if not record["is_scratched"]]
    if None not in prices and WHOLE_BOOK[0] <= sum(1 / price for price in prices) <= WHOLE_BOOK[1]:
        return None
    missing = set(range(1, _N_BOXES + 1)) - {record["box"] or record["rug"] for record in records}
    if not missing:
        return None
    boxes = ", ".join(map(str, sorted(missing)))
    rule = "runs of a race may be missing where boxes are nobody's and prices make no book"
    return f"{rule}, got none for {boxes}"
