"""Form guides, the "expert form" CSV of thedogs.com.au and others: cards whose rows are past runs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from racing.domain.cards import SPEED_M_S, WEIGHT_KG
from racing.domain.grades import grade_of
from racing.domain.names import is_placeholder, name_key
from racing.domain.regions import key_at
from racing.importers.files.csv_file import CsvFile
from racing.importers.files.csv_line import BrokenRow
from racing.importers.records.finish_codes import Finish, Outcome, finish_of
from racing.importers.records.prices import is_missing
from racing.importers.records.source_record import (
    MAX_MARGIN_LENGTHS,
    ParsedFile,
    RowRefused,
    SourceRecord,
    day_of_key,
    distance_of_key,
    known,
    number,
)

KIND = "form"
COLUMNS = (
    "Dog Name",
    "Sex",
    "PLC",
    "BOX",
    "WGT",
    "DIST",
    "DATE",
    "TRACK",
    "G",
    "TIME",
    "WIN",
    "1 SEC",
    "MGN",
    "W/2G",
    "PIR",
    "SP",
)
LAST_BOX = 8
# A nose (.03) may share the winner's time, which is rounded to .01 s; half a length is .03 s behind.
SAME_TIME_LENGTHS = 0.5
_NAMED = re.compile(r"^\s*(\d{1,2})\.\s*(.*\S)\s*$")
_NAME, _SEX, _PLC, _BOX, _WGT, _DIST, _DATE, _TRACK, _G, _TIME, _WIN, _SEC, _MGN, _W2G, _PIR, _SP = range(16)

_key_of = lru_cache(maxsize=50_000)(name_key)
_is_placeholder = lru_cache(maxsize=50_000)(is_placeholder)


@dataclass(frozen=True, slots=True)
class FormRow:
    """One row as it stands: the number and name of the dog it belongs to, and its fields."""

    line: int
    rug: int
    dog: str
    fields: list[str]


def parse_form_guide(file: CsvFile) -> ParsedFile:
    """Return the records of the file; an impossible fact is dropped and reported, its run is imported."""
    file = file.with_columns(COLUMNS, "a form guide")
    parsed = ParsedFile.of(file, KIND, date_column="DATE")
    seen: set[tuple[str, int]] = set()
    for row in form_rows(file, parsed):
        if _is_placeholder(row.dog):
            parsed.n_empty += 1
            continue
        try:
            record = record_of(row, parsed)
        except RowRefused as error:
            parsed.refuse(row.line, str(error))
            continue
        run = (record["dog_key"], record["bucket"])
        if run in seen:
            parsed.n_repeated += 1
        else:
            seen.add(run)
            parsed.records.append(record)
    return parsed


def form_rows(file: CsvFile, parsed: ParsedFile) -> Iterator[FormRow]:
    """Yield the rows, each with its dog; rows that cannot have one are refused.

    An empty box has its placeholder for a name, e.g. ``VACANT``.
    """
    at = [file.header.index(name) for name in COLUMNS]
    rug, dog = 0, ""
    for line, row in file.rows():
        parsed.n_read += 1
        name = row[at[_NAME]].strip('" ') if len(row) > at[_NAME] else ""
        if name:  # also where its row is refused: the rows below it are not the runs of the dog above
            named = None if isinstance(row, BrokenRow) else _NAMED.match(name)
            rug, dog = (int(named[1]), named[2]) if named and name_key(named[2]) else (0, "")
            if not dog and is_placeholder(name):
                dog = name
        try:
            parsed.check(row)
            if name and not dog:
                raise RowRefused(f"a dog's first row names it like '3. Sir Tick', got {name!r}")
            if not dog:
                raise RowRefused("a row without a name continues a dog, and there is none above")
        except RowRefused as error:
            parsed.refuse(line, str(error))
            continue
        fields = [row[i].strip() for i in at]
        yield FormRow(line, rug, dog, fields)


def record_of(row: FormRow, parsed: ParsedFile) -> SourceRecord:
    """Return what a row says of a past run.

    Raises
    ------
    RowRefused
        If it does not say which run: date, track, distance.
    """
    fields = row.fields
    where = {"track": known(fields[_TRACK]), "date": fields[_DATE], "distance": fields[_DIST]}
    record = parsed.record(row.line, dog=row.dog, **where)
    date, distance_m = day_of_key(record["bucket"]), distance_of_key(record["bucket"])
    track = record["track"]
    sex = known(fields[_SEX])
    if sex not in ("D", "B", ""):
        raise RowRefused(f"sex must be D or B, got {fields[_SEX]!r}")
    record["sex"] = sex or None
    record["grade"] = grade_of(known(fields[_G]))
    _add_facts(record, row, distance_m, parsed)
    beaten_by = "" if _is_placeholder(fields[_W2G]) else key_at(_key_of(known(fields[_W2G])), track)
    winner = record["dog_key"] if record["won"] else beaten_by
    time_s = record["winner_time_s"]
    # Times alone merge races; without a winner's name or time the run is known, its race only to itself.
    identity = f"{time_s}|{winner}" if winner and time_s else f"?|{record['dog_key']}"
    record["race_key"] = f"{KIND}:{date}|{_key_of(track) or track}|{distance_m}|{identity}"
    return record


def _add_facts(record: SourceRecord, row: FormRow, distance_m: int, parsed: ParsedFile) -> None:
    fields = row.fields

    def fact(name: str, text: str, rule: str, low: float, high: float) -> float | None:
        if not text:
            return None
        value = number(text)
        if value is not None and low <= value <= high:
            return value
        if not is_missing(text):
            parsed.drop(row.line, f"{name} must be {rule}, got {text!r} ({row.dog!r})")
        return None

    slow, fast = SPEED_M_S
    low, high = distance_m / fast, distance_m / slow
    seconds = f"{low:.2f}..{high:.2f} s over {distance_m} m"
    finish = _finish(row, parsed)
    box = fact("box", fields[_BOX], "1..10", 1, 10)
    record["is_race_whole"] = finish is not None
    record["finish_position"] = finish.place if finish else None
    if finish and finish.outcome in (Outcome.PLACED, Outcome.UNPLACED):
        record["won"] = finish.place == 1
    record["is_scratched"] = finish is not None and finish.outcome is Outcome.DID_NOT_RUN
    if box is not None:
        record["rug" if box > LAST_BOX else "box"] = int(box)
    record["weight_kg"] = fact("weight", fields[_WGT], "15..50 kg", *WEIGHT_KG)
    record["time_s"] = fact("time", fields[_TIME], seconds, low, high)
    record["winner_time_s"] = fact("the winner's time", fields[_WIN], seconds, low, high)
    split = fact("first split", fields[_SEC], "above 0 and below the time", 0.5, record["time_s"] or high)
    record["first_split_s"] = split
    lengths = f"0..{MAX_MARGIN_LENGTHS:.0f} lengths"
    record["margin_lengths"] = margin = fact("margin", fields[_MGN], lengths, 0.0, MAX_MARGIN_LENGTHS)
    if fields[_PIR]:
        if fields[_PIR].isascii() and fields[_PIR].isdigit():
            record["position_in_running"] = fields[_PIR]
        elif not is_missing(fields[_PIR]):
            rule = f"position in running must be digits, got {fields[_PIR]!r} ({row.dog!r})"
            parsed.drop(row.line, rule)
    if fields[_SP]:
        record["starting_price"] = parsed.price("starting price", fields[_SP], row.line, row.dog)
    else:
        parsed.drop(row.line, f"starting price is blank ({row.dog!r})")
    time_s = record["time_s"]
    if record["won"] is False and time_s is not None and (margin or 0) >= SAME_TIME_LENGTHS:
        winner_s = record["winner_time_s"]
        if winner_s is not None and time_s <= winner_s:
            reason = f"a runner beaten by {margin} lengths took longer than the winner, got {time_s} s"
            parsed.drop(row.line, f"{reason} against {winner_s} s ({row.dog!r})")
            record["time_s"] = None


def _finish(row: FormRow, parsed: ParsedFile) -> Finish | None:
    """Return what the place means, ``None`` if that is not known."""
    try:
        return finish_of(row.fields[_PLC])
    except RowRefused as error:
        parsed.drop(row.line, f"{error} ({row.dog!r})")
        return None
