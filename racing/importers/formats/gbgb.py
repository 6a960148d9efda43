"""British results of the GBGB: one row a trap of every race, as CSV or as the JSON that it is made from.

=========================== ======== ==================================================================
column                      needed   what
=========================== ======== ==================================================================
raceDate or meetingDate     yes      16/05/2024; the day at the track
trackName, raceDistance     yes      ``Romford``, ``400.0``: metres
raceId                               the race's identity; else its track, day and number or time
raceNumber, raceClass                of the meeting; A1 to A11, D, S, OR, H, HP, B ..; T is a trial
raceTime                             18:38:00 in London
raceGoing                            hundredths of a second that were added to times, ``N`` is 0
raceHandicap, trapHandicap           ``R12`` starts 12 m ahead, ``Scr`` (scratch) at the line
trapNumber, dogName         yes      no name: a vacant trap
dogSire, dogDam, dogBorn, dogSex     ``Oct-2022``; d or b
trainerName                          stored with the run
SP                                   ``11/10F``, ``EvensF``; else resultPriceNumerator and -Denominator
resultPosition              yes      0 is no place; blank in a race with a result: did not run
resultBtnDistance                    to the dog in front, ``SH``, ``3 1/2``, ``DIS``, ``DNF``
resultSectionalTime, resultRunTime   seconds; resultAdjustedTime (for going and start) is not read
resultDogWeight, resultComment       kg; the remarks
=========================== ======== ==================================================================

A file of dogs' own histories (it names ``winnerOr2ndName``) has single runs of races, none of them whole.
Trials are no races: they are left out, counted, and named in the report's notes. In a race with ``(NoRace)``
among its remarks nobody won. A margin is stored to the winner, summed up from dog to dog, and is unknown from
a ``DIS`` on. The time of a dog that started ahead in a handicap is not one of the race's distance: left out.
"""

import datetime as dt
import re
from collections import defaultdict
from zoneinfo import ZoneInfo

from racing.domain.errors import FileRefused
from racing.domain.grades import grade_of
from racing.domain.names import is_placeholder, name_key
from racing.importers.files.csv_file import CsvFile
from racing.importers.files.input_file import InputFile
from racing.importers.files.json_table import has_json_keys, table_of
from racing.importers.formats.format import Format
from racing.importers.records.beaten_distance import DEAD_HEAT, lengths_of
from racing.importers.records.births import born_of
from racing.importers.records.finish_codes import Finish, Outcome, finish_of
from racing.importers.records.race_results import RaceResults, set_measures, whole_number
from racing.importers.records.source_record import (
    MAX_MARGIN_LENGTHS,
    ParsedFile,
    RowRefused,
    SourceRecord,
    day_of_key,
    known,
)

KIND = "gbgb"
NEEDED = ("trackName", "raceDistance", "trapNumber", "dogName", "resultPosition")
OPTIONAL = (
    "raceDate", "meetingDate", "raceId", "raceNumber", "raceTime", "raceTitle", "raceType", "raceClass",
    "raceHandicap",
    "raceGoing", "trapHandicap", "dogSire", "dogDam", "dogBorn", "dogSex", "trainerName", "SP",
    "resultPriceNumerator", "resultPriceDenominator", "resultBtnDistance", "resultSectionalTime",
    "resultComment", "resultRunTime", "resultDogWeight",
)  # fmt: skip
_OF_HISTORIES = "winnerOr2ndName"
_OWN = ("trackName", "trapNumber", "dogName", "resultPosition")
_ZONE = ZoneInfo("Europe/London")
_TRIAL = re.compile(r"T\d{0,2}|TRIALS?", re.IGNORECASE)  # IT is a race between tracks
_CLOCK = re.compile(r"(?:^|[T\s])(\d{1,2})[:.](\d{2})(?:[:.]\d{2}(?:\.\d+)?)?")
_START = re.compile(r"R?\s*(\d{1,2})(?:\.0)?\s*M?", re.IGNORECASE)
_VOID = ("norace", "racevoid", "voidrace", "raceabandoned", "racedeclaredvoid")
_SEXES = {"D": "D", "DOG": "D", "B": "B", "BITCH": "B"}

Fields = dict[str, str]


def is_gbgb(file: InputFile) -> bool:
    """Return whether a file has GBGB's columns, or is JSON with its keys."""
    return file.has(_OWN) or has_json_keys(file, ("trapNumber", "dogName", "resultPosition"))


def parse_gbgb(file: InputFile) -> ParsedFile:
    """Return the records of the file.

    Raises
    ------
    FileRefused
        If it lacks a column that is needed, or holds trials alone.
    """
    table = _with_our_columns(table_of(file))
    is_of_dogs = table.has((_OF_HISTORIES,))
    date_column = "raceDate" if "raceDate" in table.header else "meetingDate"
    parsed = ParsedFile.of(table, KIND, date_column=date_column)
    results, gaps = RaceResults(parsed), _Gaps()
    trials: set[str] = set()
    n_of_trials = n_starts_ahead = 0
    for line, row in table.rows():
        parsed.n_read += 1
        race_key: str | None = None
        try:
            parsed.check(row)
            fields = {name: text.strip() for name, text in zip(table.header, row, strict=True)}
            fields["date"] = known(fields[date_column])
            race_key = _race_key(fields)
            if _is_trial(fields):
                trials.add(race_key)
                n_of_trials += 1
            elif _is_vacant(fields):
                parsed.n_empty += 1
            else:
                record, finish = _record(line, fields, race_key, parsed)
                results.enter(record, finish)
                gaps.note(record, fields.get("resultBtnDistance", ""))
                n_starts_ahead += bool(_metres_ahead(fields))
        except RowRefused as error:
            results.refuse(line, str(error), race_key)
    gaps.sum_up()
    results.close(are_races_whole=not is_of_dogs)
    if is_of_dogs:
        parsed.notes += ("runs of dogs' own histories: none of their races is whole",)
    if trials:
        parsed.notes += (f"{n_of_trials:,} rows of {len(trials):,} trials left out: they are no races",)
    if n_starts_ahead:
        parsed.notes += (f"{n_starts_ahead:,} times of dogs that started ahead in handicaps left out",)
    if trials and not parsed.records and not parsed.n_refused:
        raise FileRefused(f"it holds trials alone ({n_of_trials} rows), which are no races")
    return parsed


GBGB = Format(
    name="gbgb",
    title="results of the GBGB",
    is_it=is_gbgb,
    read=parse_gbgb,
    columns=(*NEEDED, "raceDate", "raceId", "resultRunTime", "SP"),
)


class _Gaps:
    """Beaten distances, each to the dog in front, which become margins to the winner."""

    def __init__(self) -> None:
        self._races: dict[str, list[tuple[SourceRecord, str]]] = defaultdict(list)

    def note(self, record: SourceRecord, text: str) -> None:
        self._races[record["race_key"]].append((record, text))

    def sum_up(self) -> None:
        for runners in self._races.values():
            by_place: dict[int, list[tuple[SourceRecord, str]]] = defaultdict(list)
            for record, text in runners:
                if record["finish_position"] is not None:
                    by_place[record["finish_position"]].append((record, text))
            total: float | None = 0.0 if 1 in by_place else None
            for place in sorted(by_place):
                if place > 1:
                    total = _sum(total, [text for _, text in by_place[place]])
                for record, _ in by_place[place]:
                    record["margin_lengths"] = total


def _sum(total: float | None, texts: list[str]) -> float | None:
    """Return the margin of the dogs of one place: of a dead heat, one has the distance and one ``DH``."""
    gaps = [lengths_of(text) for text in texts]
    if total is None or None in gaps:
        return None
    total += max((gap for gap in gaps if gap is not None), default=DEAD_HEAT)
    return round(total, 3) if total <= MAX_MARGIN_LENGTHS else None


def _with_our_columns(table: CsvFile) -> CsvFile:
    table = table.with_columns(NEEDED, "a results file of the GBGB", OPTIONAL)
    for names in (("raceDate", "meetingDate"), ("raceId", "raceNumber", "raceTime")):
        if not set(names) & set(table.header):
            raise FileRefused(f"a results file of the GBGB needs {' or '.join(names)}, it has none of them")
    return table


def _race_key(fields: Fields) -> str:
    identity = known(fields.get("raceId", "")).removesuffix(".0")
    if identity:
        return f"{KIND}:{identity}"
    within = known(fields.get("raceNumber", "")) or known(fields.get("raceTime", ""))
    if not within:
        raise RowRefused("a row names its race by raceId, raceNumber or raceTime, got none of them")
    return f"{KIND}:{fields['date']}|{name_key(fields['trackName'])}|{within}"


def _is_trial(fields: Fields) -> bool:
    race_class = known(fields.get("raceClass", ""))
    if race_class:
        return bool(_TRIAL.fullmatch(race_class))
    # Two rows have no class: distance 0.0, no title, a trial of one dog with another.
    is_called_so = "trial" in f"{fields.get('raceTitle', '')} {fields.get('raceType', '')}".casefold()
    # Races say whether they are handicaps, all 676 rows of trials leave it blank.
    is_silent = "raceClass" not in fields and fields.get("raceHandicap") == ""
    return is_called_so or is_silent or fields["raceDistance"] in ("0", "0.0")


def _is_vacant(fields: Fields) -> bool:
    return not known(fields["dogName"]) or is_placeholder(fields["dogName"])


def _record(line: int, fields: Fields, race_key: str, parsed: ParsedFile) -> tuple[SourceRecord, Finish]:
    dog = fields["dogName"]
    record = parsed.record(
        line, dog=dog, track=fields["trackName"], date=fields["date"], distance=fields["raceDistance"]
    )
    record["race_key"] = race_key
    record["box"] = whole_number("trapNumber", known(fields["trapNumber"]), 1, 10)
    record["race_number"] = whole_number("raceNumber", known(fields.get("raceNumber", "")), 1, 30)
    record["grade"] = grade_of(known(fields.get("raceClass", "")))
    record["off_at"] = _off_at(record, fields.get("raceTime", ""))
    record["going_s"] = _going_s(line, fields.get("raceGoing", ""), parsed)
    record["sex"] = _SEXES.get(fields.get("dogSex", "").upper())
    record["sire"] = known(fields.get("dogSire", "")) or None
    record["dam"] = known(fields.get("dogDam", "")) or None
    record["born"] = born_of(fields.get("dogBorn", ""))
    record["trainer"] = known(fields.get("trainerName", "")) or None
    record["remarks"] = known(fields.get("resultComment", "")) or None
    record["starting_price"] = parsed.price("starting_price", _price_text(fields), line, dog)
    measures = {
        "weight_kg": fields.get("resultDogWeight", ""),
        "first_split_s": fields.get("resultSectionalTime", ""),
        "time_s": fields.get("resultRunTime", ""),
    }
    set_measures(record, {name: known(text) for name, text in measures.items()}, parsed)
    if _metres_ahead(fields):
        record["time_s"] = record["first_split_s"] = None
    return record, _finish(fields)


def _finish(fields: Fields) -> Finish:
    """Return how a dog ended: one that did not finish has a place in the file all the same."""
    remarks = re.sub(r"[^a-z]", "", fields.get("resultComment", "").casefold())
    if any(code in remarks for code in _VOID):
        return Finish(Outcome.NO_RACE)
    position = known(fields["resultPosition"])
    finish = finish_of(position)
    if finish.place is not None and known(fields.get("resultBtnDistance", "")).upper() in (
        "DNF",
        "DSQ",
        "DIQ",
    ):
        return Finish(Outcome.UNPLACED)
    return finish


def _price_text(fields: Fields) -> str:
    text = known(fields.get("SP", ""))
    over, under = (known(fields.get(f"resultPrice{name}", "")) for name in ("Numerator", "Denominator"))
    if not text and over and under:
        text = f"{over.removesuffix('.0')}/{under.removesuffix('.0')}"
    return text


def _metres_ahead(fields: Fields) -> int:
    found = _START.fullmatch(fields.get("trapHandicap", ""))
    return int(found[1]) if found else 0


def _off_at(record: SourceRecord, text: str) -> dt.datetime | None:
    found = _CLOCK.search(text)
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        return None
    day = day_of_key(record["bucket"])
    local = dt.datetime.combine(day, dt.time(int(found[1]), int(found[2])), _ZONE)
    return local.astimezone(dt.UTC).replace(tzinfo=None)


def _going_s(line: int, text: str, parsed: ParsedFile) -> float | None:
    plain = known(text).upper()
    if not plain or plain in ("N", "NORMAL"):
        return 0.0 if plain else None
    try:
        hundredths = float(plain)
    except ValueError:
        hundredths = 1000.0
    if abs(hundredths) > 300:
        parsed.drop(line, f"raceGoing must be N or -300..300 hundredths of a second, got {text!r}")
        return None
    return round(hundredths / 100, 2)
