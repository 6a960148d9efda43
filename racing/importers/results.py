"""Our own results CSV, for any other source: one row a runner, every starter of a race.

==================== ======== ==================================================================
column               needed   what
==================== ======== ==================================================================
race_id              yes      any words that are the same for all runners of a race of that day
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
==================== ======== ==================================================================

A row named ``VACANT``, ``nan`` or the like is an empty box. A reserve (box 9 or 10) of which nothing else
stands did not run. A race with a row that was refused, or that is impossible (two dogs in a box, no
winner), is not whole.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Engine

from racing.domain.cards import PRICE, SPEED_M_S, WEIGHT_KG
from racing.domain.grades import grade_of
from racing.domain.names import is_placeholder, name_key, plain_name
from racing.domain.tracks import track_name
from racing.importers.dates import DateOrder
from racing.importers.finish import Outcome, finish_of
from racing.importers.reading import CsvFile
from racing.importers.report import ImportReport
from racing.importers.source_records import (
    MAX_MARGIN_LENGTHS,
    ParsedFile,
    RowRefused,
    SourceRecord,
    blank_claim,
    bucket_of,
    distance_of,
    known,
    number,
)
from racing.importers.store import OnProgress, import_files
from racing.importers.whole_races import FileRaces, RaceOfFile, race_of

KIND = "results"
NEEDED = ("race_id", "date", "track", "distance_m", "runner")
FIRST_RESERVE = 9
_TELL_THE_RACE = ("race_id", "date", "track", "distance_m", "race_number")
_DASHES = re.compile(r"[-–—.\s]*")
_NUMBERED = re.compile(r"([0-9]{1,18})(?:\.0+)?")
_PRICES = {"starting_price": PRICE[1], "bsp": PRICE[1], "place_bsp": PRICE[1], "rated_price": 10_000.0}
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
)
_AS_WRITTEN = ("runner", "finish_position")  # names and finish codes have rules of their own


def import_results(
    engine: Engine,
    paths: Iterable[str | Path],
    *,
    on_progress: OnProgress | None = None,
    dates: DateOrder = DateOrder.DEFAULT,
) -> ImportReport:
    """Import results files, or every CSV file below a folder or in a zip."""
    return import_files(engine, paths, parse_results, on_progress, dates)


def parse_results(file: CsvFile) -> ParsedFile:
    """Return what the file claims."""
    file = file.with_columns(NEEDED, "a results file", OPTIONAL)
    parsed = ParsedFile.of(file, KIND, date_column="date")
    races, runners = FileRaces(file, _TELL_THE_RACE, _race_id), _Runners(parsed)
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
            claim = _claim(line, fields, parsed)
            runners.enter(claim, races)
        except RowRefused as error:
            parsed.refuse(line, str(error))
            races.refuse(line)
    runners.settle(races)
    return parsed


class _Runners:
    """The runners of a file's races, each dog once a day over a distance."""

    def __init__(self, parsed: ParsedFile) -> None:
        self._parsed = parsed
        self._claims: dict[tuple[str, int], list[SourceRecord]] = {}

    def enter(self, claim: SourceRecord, races: FileRaces) -> None:
        """Enter a row; of two of a dog, a blank one is a reserve's that did not start there.

        Raises
        ------
        RowRefused
            If the dog ran twice.
        """
        before = self._claims.setdefault((claim["dog_key"], claim["bucket"]), [])
        for other in before:
            same_race = race_of(other) == race_of(claim)
            if same_race and all(other[name] == claim[name] for name in claim if name != "line"):
                self._parsed.n_repeated += 1
                return
            of_other_number = None not in (other["race_number"], claim["race_number"]) and (
                other["race_number"] != claim["race_number"]
            )
            did_not_run = (_did_not_run(other), _did_not_run(claim))
            if any(did_not_run) and of_other_number:
                continue
            if did_not_run == (False, True) and not (same_race and claim["is_scratched"]):
                self._parsed.n_repeated += 1
                return
            if did_not_run == (True, False) and not (same_race and other["is_scratched"]):
                self._parsed.n_repeated += 1
                before[before.index(other)] = claim
                return
            races.doubt(other, f"a dog runs once a day over a distance, {claim['dog_name']!r} stands twice")
            rule = f"a dog runs once a day over a distance, got {claim['dog_name']!r} twice"
            raise RowRefused(f"{rule} (line {other['line']})")
        before.append(claim)

    def settle(self, races: FileRaces) -> None:
        """Add the runners to the file, and who won where a race has a result: none without a place."""
        claims = [claim for claims in self._claims.values() for claim in claims]
        self._parsed.claims += sorted(claims, key=lambda claim: claim["line"])
        _number_races(self._parsed.claims, races)
        by_race: dict[RaceOfFile, list[SourceRecord]] = defaultdict(list)
        distances: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for claim in self._parsed.claims:
            by_race[race_of(claim)].append(claim)
        dead_heats: dict[RaceOfFile, set[int]] = {}
        for race, runners in by_race.items():
            dead_heats[race] = _say_who_won(runners)
            day, track, distance_m, race_id = race[0].split("|", 3)
            distances[day, track, race_id, str(race[1])].add(distance_m)
        for race, runners in by_race.items():
            day, track, _, race_id = race[0].split("|", 3)
            found = sorted(distances[day, track, race_id, str(race[1])], key=int)
            if len(found) > 1:
                races.doubt(runners[0], f"a race has one distance, {race_id!r} has {' and '.join(found)} m")
        races.settle(self._parsed, has_places=True, dead_heats=dead_heats)


def _number_races(claims: list[SourceRecord], races: FileRaces) -> None:
    """Give a race's number to those of its rows that do not have it; of several races it is no row's."""
    numbers: dict[str, set[int]] = defaultdict(set)
    for claim in claims:
        if claim["race_number"] is not None:
            numbers[claim["race_key"]].add(claim["race_number"])
    for claim in claims:
        own = numbers[claim["race_key"]]
        if claim["race_number"] is None and len(own) == 1:
            claim["race_number"] = min(own)
        elif claim["race_number"] is None and own:
            race_id = claim["race_key"].split("|", 3)[3]
            races.doubt(claim, f"race_id {race_id!r} has {len(own)} race numbers, so each row needs its own")


def _say_who_won(runners: list[SourceRecord]) -> set[int]:
    """Set ``won`` and the winner's time where a race has a result; return the places that are dead heats."""
    finishes = [claim.pop("finish") for claim in runners]
    is_void = any(finish.outcome is Outcome.NO_RACE for finish in finishes)
    has_result = not is_void and any(claim["finish_position"] is not None for claim in runners)
    winner_s = next((claim["time_s"] for claim in runners if claim["finish_position"] == 1), None)
    for claim in runners:
        is_reserve = claim["box"] is not None and claim["box"] >= FIRST_RESERVE
        if is_void:
            claim["finish_position"] = None
        elif has_result and is_reserve and claim["is_blank"]:
            claim["is_scratched"], claim["is_blank"] = True, False
        elif has_result and not claim["is_scratched"]:
            claim["won"] = claim["finish_position"] == 1
            claim["winner_time_s"] = winner_s
    return {finish.place for finish in finishes if finish.is_dead_heat}


def _did_not_run(claim: SourceRecord) -> bool:
    return bool(claim["is_blank"] or claim["is_scratched"])


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


def _race_id(words: str) -> str:
    """Return a race's own identity: ``1``, ``01`` and ``1.0`` are one."""
    words = words.strip()
    return str(int(found[1])) if (found := _NUMBERED.fullmatch(words)) else words


def _claim(line: int, fields: dict[str, str], parsed: ParsedFile) -> SourceRecord:
    blank = [name for name in NEEDED if not fields[name]]
    if blank:
        raise RowRefused(f"{', '.join(blank)} must not be blank")
    if is_placeholder(fields["runner"]):
        raise RowRefused(f"a runner with a place or a time is named, got {fields['runner']!r}")
    dog = plain_name(fields["runner"])
    if not name_key(dog):
        raise RowRefused(f"a dog's name holds a letter or digit, got {fields['runner']!r}")
    date, distance_m = parsed.date_of(fields["date"], line), distance_of(fields["distance_m"])
    claim = blank_claim()
    claim["line"] = line
    claim["bucket"] = bucket_of(date, distance_m)
    claim["dog_key"], claim["dog_name"], claim["sex"] = name_key(dog), dog, None
    claim["track"] = track = track_name(fields["track"], distance_m)
    race_id = _race_id(fields["race_id"])
    claim["race_key"] = f"{KIND}:{date}|{name_key(track) or track}|{distance_m}|{race_id}"
    claim["grade"] = grade_of(fields.get("grade", ""))
    claim["race_number"] = _whole("race_number", fields, 1, 20)
    claim["box"] = _whole("box", fields, 1, 10)
    finish = claim["finish"] = finish_of(fields.get("finish_position", ""))
    claim["finish_position"] = finish.place
    slow, fast = SPEED_M_S
    seconds = {"time_s": (distance_m / fast, distance_m / slow), "first_split_s": (0.5, distance_m / slow)}
    for name, (low, high) in (_LIMITS | seconds).items():
        words = fields.get(name, "")
        value = number(words)
        if value is not None and low <= value <= high:
            claim[name] = value
        elif words:
            parsed.drop(line, f"{name} must be {low:.5g}..{high:.5g}, got {words!r} ({dog!r})")
    for name, highest in _PRICES.items():
        claim[name] = parsed.price(name, fields.get(name, ""), line, dog, highest)
    calls = fields.get("position_in_running", "")
    if calls.isdigit():
        claim["position_in_running"] = calls
    elif calls:
        parsed.drop(line, f"position_in_running must be digits, got {calls!r} ({dog!r})")
    claim["is_scratched"] = finish.outcome is Outcome.DID_NOT_RUN
    is_told = finish.outcome is not Outcome.BLANK or any(claim[name] is not None for name in _OF_A_RUN)
    claim["is_blank"] = not is_told
    return claim


def _whole(name: str, fields: dict[str, str], low: int, high: int) -> int | None:
    words = fields.get(name, "")
    if not words:
        return None
    value = number(words)
    if value is None or value not in range(low, high + 1):
        raise RowRefused(f"{name} must be {low}..{high}, got {words!r}")
    return int(value)
