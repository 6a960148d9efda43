"""Betfair's monthly files ``Iggy_Model_V2_Results_YYYY_MM.csv``: whole fields with prices."""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Engine

from racing.cards import EARLY_SPEED as EARLY_SPEEDS
from racing.cards import PRICE
from racing.grades import grade_of
from racing.importers.claims import (
    FACTS,
    Claim,
    ParsedFile,
    RowRefused,
    blank_claim,
    bucket_of,
    date_of,
    distance_of,
    distance_of_bucket,
    number,
)
from racing.importers.reading import CsvFile
from racing.importers.report import ImportReport
from racing.importers.store import OnProgress, import_files
from racing.importers.whole_races import FileRaces
from racing.names import is_placeholder, name_key, plain_name
from racing.tracks import track_name

KIND = "betfair"
COLUMNS = (
    "Date",
    "Track",
    "Race Name",
    "Race",
    "MarketId",
    "Rug",
    "Dog",
    "Rated Price",
    "WIN_RESULT",
    "WIN_BSP",
    "PLACE_RESULT",
    "PLACE_BSP",
)
_DOG, _WON = COLUMNS.index("Dog"), COLUMNS.index("WIN_RESULT")
_TELL_THE_RACE = ("MarketId", "Date", "Track", "Race Name", "Race")
EARLY_SPEED = "Early Speed"  # a column that the oldest files lack
LAST_BOX = 8
MAX_RATED_PRICE = 10_000.0  # a model, no market: 142 prices of 442,136 lie above 1000, the highest is 4,788
_RACE_NAME = re.compile(
    r"^R(\d+)\s+(\d{3,4})(?:m\s*|\s+)(.*)$"
)  # "R1 450m Mdn", "R12 352mHeat", "R10 457 M5"
_RESULTS = {"": None, "0": False, "0.0": False, "1": True, "1.0": True}

_key_of = lru_cache(maxsize=200_000)(name_key)
_is_placeholder = lru_cache(maxsize=200_000)(is_placeholder)


def import_betfair(
    engine: Engine, paths: Iterable[str | Path], *, on_progress: OnProgress | None = None
) -> ImportReport:
    """Import Betfair's files, or every CSV file below a folder."""
    return import_files(engine, paths, parse_betfair, on_progress)


def parse_betfair(file: CsvFile) -> ParsedFile:
    """Return what the file claims.

    A blank ``WIN_RESULT`` is a scratched runner where others of its race have a result; where none has,
    the race was abandoned or has no result yet: its runners are kept, ``won`` unknown. Rugs 9 and 10 are
    reserves, whose box is unknown.
    """
    file.require(COLUMNS, "a Betfair file")
    parsed = ParsedFile.of(file, KIND)
    at = [file.header.index(name) for name in COLUMNS]
    at_early_speed = file.header.index(EARLY_SPEED) if EARLY_SPEED in file.header else None
    races: dict[str, dict[str, Claim]] = {}
    whole_races = FileRaces(file, _TELL_THE_RACE)
    for line, row in file.rows():
        parsed.n_read += 1
        try:
            if len(row) != len(file.header):
                raise RowRefused(f"a row has {len(file.header)} fields, got {len(row)}")
            values = [row[i].strip() for i in at]
            if _is_placeholder(values[_DOG]):
                if values[_WON]:
                    raise RowRefused(f"a runner with a result has a name, got {values[_DOG]!r}")
                parsed.n_empty += 1
                continue
            claim = _claim(line, values, parsed)
            if at_early_speed is not None:
                claim["early_speed"] = _early_speed(line, row[at_early_speed].strip(), parsed)
            _enter(claim, races.setdefault(claim["race_key"], {}), parsed)
        except RowRefused as error:
            parsed.refuse(line, str(error))
            whole_races.refuse(line)
    for runners in races.values():
        has_result = any(claim["won"] is not None for claim in runners.values())
        for claim in runners.values():
            claim["is_scratched"] = has_result and claim["won"] is None
            claim["is_blank"] = claim["won"] is None and not has_result
            parsed.claims.append(claim)
    whole_races.settle(parsed, has_places=False)
    return parsed


def _enter(claim: Claim, runners: dict[str, Claim], parsed: ParsedFile) -> None:
    """Enter a runner into its race.

    137 markets of 60,860 stand under two successive days, with the same runners and prices: races of an
    evening that midnight in another time zone fell into. They were run on the first day.
    """
    first = next(iter(runners.values()), claim)
    if claim["bucket"] < first["bucket"]:
        for runner in runners.values():
            runner["bucket"] = claim["bucket"]
        first = claim
    same_distance = distance_of_bucket(claim["bucket"]) == distance_of_bucket(first["bucket"])
    if not same_distance or claim["track"] != first["track"]:
        raise RowRefused(f"a race has one track and distance, its MarketId {claim['race_key']} has two")
    is_other_day = claim["bucket"] != first["bucket"]
    claim["bucket"] = first["bucket"]
    before = runners.setdefault(claim["dog_key"], claim)
    if before is claim:
        return
    unknown = [name for name in FACTS if before[name] is None]
    differing = [
        name for name in FACTS if None not in (before[name], claim[name]) and before[name] != claim[name]
    ]
    if differing and not is_other_day:
        rule = f"a dog runs once in a race, got {claim['dog_name']!r} twice"
        raise RowRefused(f"{rule} (line {before['line']} has another {', '.join(differing)})")
    before |= {name: claim[name] for name in unknown}
    parsed.n_repeated += 1


def _claim(line: int, row: list[str], parsed: ParsedFile) -> Claim:
    (day, track, race_name, race_number, market, rug, dog, rated, won, bsp, placed, place_bsp) = row
    named = _RACE_NAME.match(race_name)
    if not named:
        raise RowRefused(f"a race name reads 'R1 450m Mdn', got {race_name!r}")
    key = _key_of(dog)
    if not key:
        raise RowRefused(f"a dog's name holds a letter or digit, got {dog!r}")
    if not market or not track:
        raise RowRefused("track and MarketId must not be blank")
    if won not in _RESULTS or placed not in _RESULTS:
        raise RowRefused(f"WIN_RESULT and PLACE_RESULT must be 0, 1 or blank, got {won!r} and {placed!r}")
    date, distance_m = date_of(day), distance_of(named[2])
    claim = blank_claim()
    claim["line"] = line
    claim["bucket"] = bucket_of(date, distance_m)
    claim["race_key"] = f"{KIND}:{market.removesuffix('.0')}"
    claim["dog_key"], claim["dog_name"], claim["sex"] = key, plain_name(dog), None
    claim["track"] = track_name(track, distance_m)
    claim["race_number"] = int(number(race_number) or named[1])
    claim["grade"] = grade_of(named[3])
    claim["rug"] = rug_number = _rug(rug)
    claim["box"] = rug_number if rug_number is not None and rug_number <= LAST_BOX else None
    claim["won"], claim["placed"] = _RESULTS[won], _RESULTS[placed]
    for name, words in (("rated_price", rated), ("bsp", bsp), ("place_bsp", place_bsp)):
        if words:
            value = number(words)
            limit = MAX_RATED_PRICE if name == "rated_price" else PRICE[1]
            if value is not None and PRICE[0] <= value <= limit:
                claim[name] = value
            else:
                parsed.drop(line, f"{name} must be {PRICE[0]}..{limit:.0f}, got {words!r} ({dog!r})")
    return claim


def _early_speed(line: int, words: str, parsed: ParsedFile) -> float | None:
    if words in ("", "Unknown"):
        return None
    value = number(words)
    low, high = EARLY_SPEEDS
    if value is not None and low <= value <= high:
        return value
    parsed.drop(line, f"early speed must be {low}..{high}, Unknown or blank, got {words!r}")
    return None


def _rug(words: str) -> int | None:
    value = number(words)
    if value is None or value not in range(1, 11):
        raise RowRefused(f"rug must be 1..10, got {words!r}")
    return int(value)
