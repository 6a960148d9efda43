"""Betfair's monthly files ``ANZ_Greyhounds_YYYY_MM.csv[.gz]``: whole fields with prices."""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Engine

from racing.grades import grade_of
from racing.importers.claims import (
    Claim,
    ParsedFile,
    RowRefused,
    blank_claim,
    bucket_of,
    date_of,
    distance_of,
    is_price,
    number,
)
from racing.importers.reading import CsvFile
from racing.importers.report import ImportReport
from racing.importers.store import OnProgress, import_files
from racing.names import name_key, without_number
from racing.tracks import known_track

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
LAST_BOX = 8
_RACE_NAME = re.compile(
    r"^R(\d+)\s+(\d{3,4})(?:m\s*|\s+)(.*)$"
)  # "R1 450m Mdn", "R12 352mHeat", "R10 457 M5"
_RESULTS = {"": None, "0": False, "0.0": False, "1": True, "1.0": True}

_key_of = lru_cache(maxsize=200_000)(name_key)


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
    races: dict[str, dict[str, Claim]] = {}
    for line, row in file.rows():
        parsed.n_read += 1
        try:
            if len(row) != len(file.header):
                raise RowRefused(f"a row has {len(file.header)} fields, got {len(row)}")
            claim = _claim(line, [row[i].strip() for i in at], parsed)
            runners = races.setdefault(claim["race_key"], {})
            if claim["dog_key"] in runners:
                raise RowRefused(f"a dog runs once in a race, got {claim['dog_name']!r} twice")
            runners[claim["dog_key"]] = claim
        except RowRefused as error:
            parsed.refuse(line, str(error))
    for runners in races.values():
        has_result = any(claim["won"] is not None for claim in runners.values())
        for claim in runners.values():
            claim["is_scratched"] = has_result and claim["won"] is None
            parsed.claims.append(claim)
    return parsed


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
    claim["dog_key"], claim["dog_name"], claim["sex"] = key, without_number(dog), None
    claim["track"] = known_track(track, distance_m) or track
    claim["race_number"] = int(number(race_number) or named[1])
    claim["grade"] = grade_of(named[3])
    claim["rug"] = rug_number = _rug(rug)
    claim["box"] = rug_number if rug_number is not None and rug_number <= LAST_BOX else None
    claim["won"], claim["placed"] = _RESULTS[won], _RESULTS[placed]
    for name, words in (("rated_price", rated), ("bsp", bsp), ("place_bsp", place_bsp)):
        if words:
            value = number(words)
            if value is not None and is_price(value):
                claim[name] = value
            else:
                parsed.drop(line, f"{name} must be 1.001..1000, got {words!r} ({dog!r})")
    return claim


def _rug(words: str) -> int | None:
    value = number(words)
    if value is None or value not in range(1, 11):
        raise RowRefused(f"rug must be 1..10, got {words!r}")
    return int(value)
