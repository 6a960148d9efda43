"""Races of Betfair's markets, from the rows of their runners: market id, day, track, who was scratched."""

import re
from functools import lru_cache

from racing.domain.names import is_placeholder
from racing.importers.records.source_record import (
    FACTS,
    ParsedFile,
    RowRefused,
    SourceRecord,
    distance_of_key,
    number,
)
from racing.importers.records.whole_races import FileRaces

KIND = "betfair"
LAST_BOX = 8  # rugs 9 and 10 are reserves, whose box is unknown

_MARKET_ID = re.compile(r"(1\.)?(\d{1,15})(?:\.0+)?")
_N_DIGITS = 9  # of all ids since 2012; a tool that took "1.261766790" for a number wrote 1.26176679

_is_placeholder = lru_cache(maxsize=200_000)(is_placeholder)


def enter(record: SourceRecord, runners: dict[str, SourceRecord], parsed: ParsedFile) -> None:
    """Enter a runner into its race.

    137 markets of 60,860 stand under two successive days, with the same runners and prices: races of an
    evening that midnight in another time zone fell into. They were run on the first day.
    """
    first = next(iter(runners.values()), record)
    if record["bucket"] < first["bucket"]:
        for runner in runners.values():
            runner["bucket"] = record["bucket"]
        first = record
    same_distance = distance_of_key(record["bucket"]) == distance_of_key(first["bucket"])
    if not same_distance or record["track"] != first["track"]:
        raise RowRefused(f"a race has one track and distance, its MarketId {record['race_key']} has two")
    is_other_day = record["bucket"] != first["bucket"]
    record["bucket"] = first["bucket"]
    before = runners.setdefault(record["dog_key"], record)
    if before is record:
        return
    unknown = [name for name in FACTS if before[name] is None]
    differing = [
        name for name in FACTS if None not in (before[name], record[name]) and before[name] != record[name]
    ]
    if differing and not is_other_day:
        rule = f"a dog runs once in a race, got {record['dog_name']!r} twice"
        raise RowRefused(f"{rule} (line {before['line']} has another {', '.join(differing)})")
    before |= {name: record[name] for name in unknown}
    parsed.n_repeated += 1


def add_races(races: dict[str, dict[str, SourceRecord]], parsed: ParsedFile, whole_races: FileRaces) -> None:
    """Add the races' runners to the file; one without a result, in a race that has one, was scratched."""
    for runners in races.values():
        has_result = any(record["won"] is not None for record in runners.values())
        for record in runners.values():
            record["is_scratched"] |= has_result and record["won"] is None
            record["is_blank"] = record["won"] is None and not has_result
            parsed.records.append(record)
    whole_races.mark_whole(parsed, has_places=False)


def is_empty_box(dog: str, result: str, parsed: ParsedFile) -> bool:
    """Return whether a row is that of an empty box, which is counted.

    Raises
    ------
    RowRefused
        If it has a result all the same.
    """
    if not _is_placeholder(dog):
        return False
    if result:
        raise RowRefused(f"a runner with a result has a name, got {dog!r}")
    parsed.n_empty += 1
    return True


def rug_of(text: str) -> int:
    """Return the number on a runner's rug."""
    value = number(text)
    if value is None or value not in range(1, 11):
        raise RowRefused(f"rug must be 1..10, got {text!r}")
    return int(value)


def market_id_of(text: str) -> str | None:
    """Return the digits of a market id, which tools write in several ways (``1.261766796``); else ``None``.

    A rounded id (``2.5E+08``) is none: it would make one race of many.
    """
    found = _MARKET_ID.fullmatch(text.strip())
    if not found:
        return None
    digits = found[2]
    return digits.ljust(_N_DIGITS, "0") if found[1] and len(digits) in (7, 8) else digits
