"""Our own results CSV, for any other source: one row a runner, every starter of a race.

==================== ======== ==================================================================
column               needed   what
==================== ======== ==================================================================
race_id              yes      any text that is the same for all runners of a race of that day
date                 yes      2025-07-31 or 31/07/2025
track                yes      any name that we know, or a new one
distance_m           yes      whole metres
runner               yes      the dog's name
box                           1..10, where it started
finish_position               1..10; =2, 2= or 2DH in a dead heat; F, DNF, DSQ and their like: ran and was not
                              placed; SCR, NR, RES: did not run; ABD: the race was void; blank: did not
                              finish; in a race without any: no result yet
race_number                   of the race; one race_id over three numbers is three races
grade                         of the race
weight_kg                     15..50
time_s                        the dog's own time; 13 to 20 m/s
first_split_s                 seconds to the first mark
margin_lengths                behind the winner, or of the winner over the second; 0..50
position_in_running           one digit a call
starting_price, bsp           decimal odds
place_bsp, rated_price        decimal odds
true_probability              0..1, where a simulation knows it
morning_price, average_price, decimal odds: what Betfair matched in the morning, until the off, and last
last_price
trainer, remarks              as the source has them
sex, sire, dam, born          of the dog; born is 2022-10-14 or 2022-10
off_time                      when the race was due, 18:42 at the track
country, state                AU, NZ, GB or IE; an Australian state: the clock of a track that is not known
off_at                        the same with its day and zone: 2026-03-31T19:42:00+11:00
==================== ======== ==================================================================

A race to come stands here as one without any ``finish_position``, dated a week ahead at most.

A row named ``VACANT``, ``nan`` or the like is an empty box. A reserve (box 9 or 10) of which nothing else
stands did not run. A race with a row that was refused, or that is impossible (two dogs in a box, no
winner), is not whole.
"""

import datetime as dt
import re
from collections import defaultdict

from racing.domain.cards import FIRST_DAY, PRICE, SPEED_M_S, WEIGHT_KG
from racing.domain.grades import grade_of
from racing.domain.names import is_placeholder, name_key
from racing.domain.off_time import off_time
from racing.domain.regions import zone_in
from racing.domain.track_time import latest_day
from racing.importers.files.csv_file import CsvFile
from racing.importers.records.finish_codes import Outcome, finish_of
from racing.importers.records.off_times import off_of
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
from racing.importers.records.whole_races import FileRaces, RaceOfFile, race_of

KIND = "results"
DAYS_AHEAD = dt.timedelta(days=7)
NEEDED = ("race_id", "date", "track", "distance_m", "runner")
FIRST_RESERVE = 9
_RACE_COLUMNS = ("race_id", "date", "track", "distance_m", "race_number")
_DASHES = re.compile(r"[-–—.\s]*")
_NUMBERED = re.compile(r"([0-9]{1,18})(?:\.0+)?")
_PRICES = {"starting_price": PRICE[1], "bsp": PRICE[1], "place_bsp": PRICE[1], "rated_price": 10_000.0} | (
    dict.fromkeys(("morning_price", "average_price", "last_price"), PRICE[1])
)
_TEXTS = ("trainer", "remarks", "sire", "dam")
_SEXES = {"D": "D", "DOG": "D", "M": "D", "MALE": "D", "B": "B", "BITCH": "B", "F": "B", "FEMALE": "B"}
_BORN = re.compile(r"(?:19|20)\d{2}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?")
_LIMITS = {
    "weight_kg": WEIGHT_KG,
    "margin_lengths": (0.0, MAX_MARGIN_LENGTHS),
    "true_probability": (0.0, 1.0),
}
# What only a runner that started has.
_OF_A_RUN = (
    "finish_position", "time_s", "first_split_s", "margin_lengths", "position_in_running", "starting_price",
    "bsp", "place_bsp",
)  # fmt: skip
OPTIONAL = (
    "box",
    "finish_position",
    "grade",
    "race_number",
    "time_s",
    "first_split_s",
    "position_in_running",
    *_LIMITS,
    *_PRICES,
    *_TEXTS,
    "sex",
    "born",
    "off_time",
    "country",
    "state",
    "off_at",
)
_AS_WRITTEN = ("runner", "finish_position")  # names and finish codes have rules of their own


def parse_results(file: CsvFile, kind: str = KIND) -> ParsedFile:
    """Return the records of the file; ``kind`` is how its races' keys begin."""
    file = file.with_columns(NEEDED, "a results file", OPTIONAL)
    parsed = ParsedFile.of(file, kind, date_column="date", latest=latest_day() + DAYS_AHEAD)
    races, runners = FileRaces(file, _RACE_COLUMNS, _race_id), _Runners(parsed)
    for line, row in file.rows():
        parsed.n_read += 1
        try:
            parsed.check(row)
            fields = {
                name: text.strip() if name in _AS_WRITTEN else known(text)
                for name, text in zip(file.header, row, strict=True)
            }
            if _is_empty_box(fields):
                parsed.n_empty += 1
                continue
            record = _record(line, fields, parsed)
            runners.enter(record, races)
        except RowRefused as error:
            parsed.refuse(line, str(error))
            races.refuse(line)
    runners.add_records(races)
    return parsed


class _Runners:
    """The runners of a file's races, each dog once a day over a distance."""

    def __init__(self, parsed: ParsedFile) -> None:
        self._parsed = parsed
        self._records: dict[tuple[str, int], list[SourceRecord]] = {}

    def enter(self, record: SourceRecord, races: FileRaces) -> None:
        """Enter a row; of two of a dog, a blank one is a reserve's that did not start there.

        Raises
        ------
        RowRefused
            If the dog ran twice.
        """
        before = self._records.setdefault((record["dog_key"], record["bucket"]), [])
        for other in before:
            same_race = race_of(other) == race_of(record)
            if same_race and all(other[name] == record[name] for name in record if name != "line"):
                self._parsed.n_repeated += 1
                return
            of_other_number = None not in (other["race_number"], record["race_number"]) and (
                other["race_number"] != record["race_number"]
            )
            did_not_run = (_did_not_run(other), _did_not_run(record))
            if any(did_not_run) and of_other_number:
                continue
            if did_not_run == (False, True) and not (same_race and record["is_scratched"]):
                self._parsed.n_repeated += 1
                return
            if did_not_run == (True, False) and not (same_race and other["is_scratched"]):
                self._parsed.n_repeated += 1
                before[before.index(other)] = record
                return
            races.doubt(other, f"a dog runs once a day over a distance, {record['dog_name']!r} stands twice")
            rule = f"a dog runs once a day over a distance, got {record['dog_name']!r} twice"
            raise RowRefused(f"{rule} (line {other['line']})")
        before.append(record)

    def add_records(self, races: FileRaces) -> None:
        """Add the runners to the file, and who won where a race has a result: none without a place."""
        records = [record for records in self._records.values() for record in records]
        self._parsed.records += sorted(records, key=lambda record: record["line"])
        _number_races(self._parsed.records, races)
        by_race: dict[RaceOfFile, list[SourceRecord]] = defaultdict(list)
        distances: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for record in self._parsed.records:
            by_race[race_of(record)].append(record)
        dead_heats: dict[RaceOfFile, set[int]] = {}
        for race, runners in by_race.items():
            dead_heats[race] = _set_winners(runners)
            day, track, distance_m, race_id = race[0].split("|", 3)
            distances[day, track, race_id, str(race[1])].add(distance_m)
        for race, runners in by_race.items():
            day, track, _, race_id = race[0].split("|", 3)
            found = sorted(distances[day, track, race_id, str(race[1])], key=int)
            if len(found) > 1:
                races.doubt(runners[0], f"a race has one distance, {race_id!r} has {' and '.join(found)} m")
        races.mark_whole(self._parsed, has_places=True, dead_heats=dead_heats)


def _number_races(records: list[SourceRecord], races: FileRaces) -> None:
    """Give a race's number to those of its rows that do not have it; of several races it is no row's."""
    numbers: dict[str, set[int]] = defaultdict(set)
    for record in records:
        if record["race_number"] is not None:
            numbers[record["race_key"]].add(record["race_number"])
    for record in records:
        own = numbers[record["race_key"]]
        if record["race_number"] is None and len(own) == 1:
            record["race_number"] = min(own)
        elif record["race_number"] is None and own:
            race_id = record["race_key"].split("|", 3)[3]
            races.doubt(record, f"race_id {race_id!r} has {len(own)} race numbers, so each row needs its own")


def _set_winners(runners: list[SourceRecord]) -> set[int]:
    """Set ``won`` and the winner's time where a race has a result; return the places that are dead heats."""
    finishes = [record.pop("finish") for record in runners]
    is_void = any(finish.outcome is Outcome.NO_RACE for finish in finishes)
    has_result = not is_void and any(record["finish_position"] is not None for record in runners)
    winner_s = next((record["time_s"] for record in runners if record["finish_position"] == 1), None)
    for record in runners:
        is_reserve = record["box"] is not None and record["box"] >= FIRST_RESERVE
        if is_void:
            record["finish_position"] = None
        elif has_result and is_reserve and record["is_blank"]:
            record["is_scratched"], record["is_blank"] = True, False
        elif has_result and not record["is_scratched"]:
            record["won"] = record["finish_position"] == 1
            record["winner_time_s"] = winner_s
    return {finish.place for finish in finishes if finish.is_dead_heat}


def _did_not_run(record: SourceRecord) -> bool:
    return bool(record["is_blank"] or record["is_scratched"])


def _is_empty_box(fields: dict[str, str]) -> bool:
    """Tell whether a row names no dog; one with a place or a time is a dog's whose name is missing."""
    name = fields["runner"]
    if not (_DASHES.fullmatch(name) or is_placeholder(name)):
        return False
    try:
        has_run = finish_of(fields.get("finish_position", "")).outcome in (Outcome.PLACED, Outcome.UNPLACED)
    except RowRefused:
        return False
    return not has_run and number(fields.get("time_s", "")) is None


def _race_id(text: str) -> str:
    """Return a race's own identity: ``1``, ``01`` and ``1.0`` are one."""
    text = text.strip()
    return str(int(found[1])) if (found := _NUMBERED.fullmatch(text)) else text


def _record(line: int, fields: dict[str, str], parsed: ParsedFile) -> SourceRecord:
    blank = [name for name in NEEDED if not fields[name]]
    if blank:
        raise RowRefused(f"{', '.join(blank)} must not be blank")
    if is_placeholder(fields["runner"]):
        raise RowRefused(f"a runner with a place or a time is named, got {fields['runner']!r}")
    where = {name: fields[name] for name in ("track", "date")}
    record = parsed.record(line, dog=fields["runner"], distance=fields["distance_m"], **where)
    date, distance_m = day_of_key(record["bucket"]), distance_of_key(record["bucket"])
    dog, track = record["dog_name"], record["track"]
    race_id = _race_id(fields["race_id"])
    record["race_key"] = f"{parsed.kind}:{date}|{name_key(track) or track}|{distance_m}|{race_id}"
    record["grade"] = grade_of(fields.get("grade", ""))
    record["race_number"] = _whole("race_number", fields, 1, 20)
    record["box"] = _whole("box", fields, 1, 10)
    finish = record["finish"] = finish_of(fields.get("finish_position", ""))
    record["finish_position"] = finish.place
    slow, fast = SPEED_M_S
    seconds = {"time_s": (distance_m / fast, distance_m / slow), "first_split_s": (0.5, distance_m / slow)}
    for name, (low, high) in (_LIMITS | seconds).items():
        text = fields.get(name, "")
        value = number(text)
        if value is not None and low <= value <= high:
            record[name] = value
        elif text:
            parsed.drop(line, f"{name} must be {low:.5g}..{high:.5g}, got {text!r} ({dog!r})")
    for name, highest in _PRICES.items():
        record[name] = parsed.price(name, fields.get(name, ""), line, dog, highest)
    calls = fields.get("position_in_running", "")
    if calls.isascii() and calls.isdigit():
        record["position_in_running"] = calls
    elif calls:
        parsed.drop(line, f"position_in_running must be digits, got {calls!r} ({dog!r})")
    for name in _TEXTS:
        record[name] = fields.get(name, "") or None
    _dog_and_off(line, record, fields, parsed)
    record["is_scratched"] = finish.outcome is Outcome.DID_NOT_RUN
    has_facts = finish.outcome is not Outcome.BLANK or any(record[name] is not None for name in _OF_A_RUN)
    record["is_blank"] = not has_facts
    if has_facts and not record["is_scratched"] and date > latest_day():
        raise RowRefused(f"a race that was run lies between {FIRST_DAY} and today, got {date}")
    if text := fields.get("off_at", ""):
        record["off_at"] = _off_at(text, date, line, parsed)
    return record


def _off_at(text: str, date: dt.date, line: int, parsed: ParsedFile) -> dt.datetime | None:
    off = off_time(text, date)
    if off is None:
        parsed.drop(line, f"off_at must be a time with its zone within a day of the date, got {text!r}")
    return None if off is None else off.replace(tzinfo=None)


def _dog_and_off(line: int, record: SourceRecord, fields: dict[str, str], parsed: ParsedFile) -> None:
    """Set sex and birth of the dog, and when the race was due."""
    sex, born, off = (fields.get(name, "") for name in ("sex", "born", "off_time"))
    if sex:
        record["sex"] = _SEXES.get(sex.upper())
        if record["sex"] is None:
            parsed.drop(line, f"sex must be D or B, got {sex!r} ({record['dog_name']!r})")
    if born and _BORN.fullmatch(born):
        record["born"] = born
    elif born:
        parsed.drop(line, f"born must be 2022-10-14 or 2022-10, got {born!r} ({record['dog_name']!r})")
    if off:
        record["off_at"] = off_of(
            day_of_key(record["bucket"]),
            off,
            record["track"],
            zone_in(fields.get("country", ""), fields.get("state", "")),
        )
        if record["off_at"] is None:
            parsed.drop(
                line,
                f"off_time must be a time of day at a known track, or one with country or state, got {off!r}",
            )


def _whole(name: str, fields: dict[str, str], low: int, high: int) -> int | None:
    text = fields.get(name, "")
    if not text:
        return None
    value = number(text)
    if value is None or value not in range(low, high + 1):
        raise RowRefused(f"{name} must be {low}..{high}, got {text!r}")
    return int(value)
