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
finish_position               1..10; blank: did not finish; in a race without any: no result yet
grade, race_number            of the race
weight_kg                     15..50
time_s                        the dog's own time; 13 to 20 m/s
first_split_s                 seconds to the first mark
margin_lengths                behind the winner, or of the winner over the second; 0..50
position_in_running           one digit a call
starting_price, bsp           decimal odds
place_bsp, rated_price        decimal odds
true_probability              0..1, where a simulation knows it
==================== ======== ==================================================================
"""

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Engine

from racing.cards import PRICE, SPEED_M_S, WEIGHT_KG
from racing.grades import grade_of
from racing.importers.claims import (
    MAX_MARGIN_LENGTHS,
    Claim,
    ParsedFile,
    RowRefused,
    blank_claim,
    bucket_of,
    distance_of,
    known,
    number,
)
from racing.importers.dates import DateOrder
from racing.importers.reading import CsvFile
from racing.importers.report import ImportReport
from racing.importers.store import OnProgress, import_files
from racing.names import name_key, without_number
from racing.tracks import known_track

KIND = "results"
NEEDED = ("race_id", "date", "track", "distance_m", "runner")
_PRICES = {"starting_price": PRICE[1], "bsp": PRICE[1], "place_bsp": PRICE[1], "rated_price": 10_000.0}
_LIMITS = {
    "weight_kg": WEIGHT_KG,
    "margin_lengths": (0.0, MAX_MARGIN_LENGTHS),
    "true_probability": (0.0, 1.0),
}
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
    seen: dict[tuple[str, int], Claim] = {}
    for line, row in file.rows():
        parsed.n_read += 1
        try:
            parsed.check(row)
            fields = {
                name: text.strip() if name in _AS_WRITTEN else known(text)
                for name, text in zip(file.header, row, strict=True)
            }
            claim = _claim(line, fields, parsed)
        except RowRefused as error:
            parsed.refuse(line, str(error))
            continue
        before = seen.setdefault((claim["dog_key"], claim["bucket"]), claim)
        if before is claim:
            parsed.claims.append(claim)
        elif all(before[name] == claim[name] for name in claim if name != "line"):
            parsed.n_repeated += 1
        else:
            rule = f"a dog runs once a day over a distance, got {claim['dog_name']!r} twice"
            parsed.refuse(line, f"{rule} (line {before['line']})")
    _settle(parsed.claims)
    return parsed


def _claim(line: int, fields: dict[str, str], parsed: ParsedFile) -> Claim:
    blank = [name for name in NEEDED if not fields[name]]
    if blank:
        raise RowRefused(f"{', '.join(blank)} must not be blank")
    dog = without_number(fields["runner"])
    if not name_key(dog):
        raise RowRefused(f"a dog's name holds a letter or digit, got {fields['runner']!r}")
    date, distance_m = parsed.date_of(fields["date"], line), distance_of(fields["distance_m"])
    claim = blank_claim()
    claim["line"] = line
    claim["bucket"] = bucket_of(date, distance_m)
    claim["dog_key"], claim["dog_name"], claim["sex"] = name_key(dog), dog, None
    claim["track"] = track = known_track(fields["track"], distance_m) or fields["track"]
    claim["race_key"] = f"{KIND}:{date}|{name_key(track)}|{distance_m}|{fields['race_id']}"
    claim["grade"] = grade_of(fields.get("grade", ""))
    claim["race_number"] = _whole("race_number", fields, 1, 20)
    claim["box"] = _whole("box", fields, 1, 10)
    claim["finish_position"] = _whole("finish_position", fields, 1, 10)
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
    return claim


def _whole(name: str, fields: dict[str, str], low: int, high: int) -> int | None:
    words = fields.get(name, "")
    if not words:
        return None
    value = number(words)
    if value is None or value not in range(low, high + 1):
        raise RowRefused(f"{name} must be {low}..{high}, got {words!r}")
    return int(value)


def _settle(claims: list[Claim]) -> None:
    """Say who won, where a race has a result: one that did not finish did not win."""
    resulted = {claim["race_key"] for claim in claims if claim["finish_position"] is not None}
    winner_s = {claim["race_key"]: claim["time_s"] for claim in claims if claim["finish_position"] == 1}
    for claim in claims:
        if claim["race_key"] in resulted:
            claim["won"] = claim["finish_position"] == 1
            claim["winner_time_s"] = winner_s.get(claim["race_key"])
