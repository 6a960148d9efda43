"""Races of Betfair's markets, from the rows of their runners: market id, day, track, who was scratched."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from racing.domain.names import is_placeholder
from racing.importers.files.csv_file import CsvFile
from racing.importers.records.source_record import (
    FACTS,
    ParsedFile,
    RowRefused,
    SourceRecord,
    distance_of_key,
    number,
)
from racing.importers.records.whole_races import FileRaces, race_of

KIND, PLACE_KIND = "betfair", "betfair-place"
# What two rows of a runner may have differently: the model was run twice, or there were two place markets.
_DOUBTFUL = {"rated_price", "early_speed", "placed", "place_bsp"}
LAST_BOX = 8  # rugs 9 and 10 are reserves, whose box is unknown

_MARKET_ID = re.compile(r"(1\.)?(\d{1,15})(?:\.0+)?")
_N_OF_A_RACE = 3  # of fewer runners whom a file names the winner's row may be missing
_N_DIGITS = 9  # of all ids since 2012; a tool that took "1.261766790" for a number wrote 1.26176679

_is_placeholder = lru_cache(maxsize=200_000)(is_placeholder)


def parse_races(
    file: CsvFile,
    parsed: ParsedFile,
    race_columns: tuple[str, ...],
    record_of: Callable[[int, list[str]], SourceRecord | None],
) -> ParsedFile:
    """Return the file with the records of its rows; ``record_of`` returns ``None`` for an empty box.

    ``race_columns`` are those that say which race a row is of, the market id first.
    """
    races: dict[str, dict[str, SourceRecord]] = {}
    whole_races = FileRaces(file, race_columns)
    for line, row in file.rows():
        parsed.n_read += 1
        try:
            parsed.check(row)
            if record := record_of(line, row):
                _enter(record, races.setdefault(record["race_key"], {}), parsed)
        except RowRefused as error:
            parsed.refuse(line, str(error))
            whole_races.refuse(line)
    n_void = 0
    # Of a place market the outcome is whether a runner was placed.
    outcome = "placed" if parsed.kind == PLACE_KIND else "won"
    incomplete = whole_races.races_of_refused([one for runners in races.values() for one in runners.values()])
    for runners in races.values():
        if _is_void(runners.values(), outcome) and incomplete.isdisjoint(map(race_of, runners.values())):
            n_void += 1
            for record in runners.values():
                record["won"] = record["placed"] = None
        has_result = any(record[outcome] is not None for record in runners.values())
        for record in runners.values():  # one without a result, in a race that has one, was scratched
            record["is_scratched"] |= has_result and record[outcome] is None
            record["is_blank"] = record[outcome] is None and not has_result
            parsed.records.append(record)
    if n_void:
        parsed.notes += (f"{n_void:,} races in which nobody won: taken for void, nobody lost them",)
    whole_races.mark_whole(parsed, has_places=False)
    return parsed


def _is_void(runners: Iterable[SourceRecord], outcome: str) -> bool:
    """Return whether all of several runners lost: a race that was declared void, or run again."""
    ran = [record for record in runners if record[outcome] is not None]
    return len(ran) >= _N_OF_A_RACE and not any(record["won"] or record["placed"] for record in ran)


def name_race(record: SourceRecord, market_id: str, rug: str, column: str, kind: str = KIND) -> None:
    """Write a runner's race and place in it into its record."""
    digits = market_id_of(market_id)
    if digits is None:
        raise RowRefused(f"{column} is a whole number, perhaps with 1. before it, got {market_id!r}")
    record["race_key"] = f"{kind}:{digits}"
    record["rug"], record["box"] = place_of(rug)


def place_of(rug: str) -> tuple[int, int | None]:
    """Return the number on a runner's rug, and the box that it tells."""
    number_on_rug = _rug_of(rug)
    return number_on_rug, number_on_rug if number_on_rug <= LAST_BOX else None


def _enter(record: SourceRecord, runners: dict[str, SourceRecord], parsed: ParsedFile) -> None:
    """Enter a runner into its race.

    137 markets of 60,860 stand under two successive days, with the same runners and prices: races of an
    evening that midnight in another time zone fell into. They were run on the first day. Of 73 runners that
    stand twice on a day the rows differ in what the model or a place market says: that is unknown then.
    """
    first = next(iter(runners.values()), record)
    if record["bucket"] < first["bucket"]:
        for runner in runners.values():
            runner["bucket"] = record["bucket"]
        first = record
    is_other_day = record["bucket"] != first["bucket"]
    is_other_distance = is_other_day and distance_of_key(record["bucket"]) != distance_of_key(first["bucket"])
    if is_other_distance or record["track"] != first["track"]:
        raise RowRefused(f"a race has one track and distance, its MarketId {record['race_key']} has two")
    record["bucket"] = first["bucket"]
    before = runners.setdefault(record["dog_key"], record)
    if before is record:
        return
    unknown = [name for name in FACTS if before[name] is None]
    differing = [
        name for name in FACTS if None not in (before[name], record[name]) and before[name] != record[name]
    ]
    if not is_other_day and set(differing) <= _DOUBTFUL:
        before |= dict.fromkeys(differing)
        for name in differing:
            parsed.drop(record["line"], f"{name} stands twice, got two values ({record['dog_name']!r})")
    elif differing and not is_other_day:
        rule = f"a dog runs once in a race, got {record['dog_name']!r} twice"
        raise RowRefused(f"{rule} (line {before['line']} has another {', '.join(differing)})")
    before |= {name: record[name] for name in unknown}
    parsed.n_repeated += 1


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


@lru_cache(maxsize=1_000)
def _rug_of(text: str) -> int:
    """Return the number on a runner's rug."""
    value = number(text)
    if value is None or value not in range(1, 11):
        raise RowRefused(f"rug must be 1..10, got {text!r}")
    return int(value)


@lru_cache(maxsize=1_000)  # the runners of a market stand together
def market_id_of(text: str) -> str | None:
    """Return the digits of a market id, which tools write in several ways (``1.261766796``); else ``None``.

    A rounded id (``2.5E+08``) is none: it would make one race of many.
    """
    found = _MARKET_ID.fullmatch(text.strip())
    if not found:
        return None
    digits = found[2]
    return digits.ljust(_N_DIGITS, "0") if found[1] and len(digits) in (7, 8) else digits
