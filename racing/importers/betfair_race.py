"""Races of Betfair's markets, from the rows of their runners: one day, one track, who was scratched."""

from functools import lru_cache

from racing.domain.names import is_placeholder
from racing.importers.source_records import (
    FACTS,
    ParsedFile,
    RowRefused,
    SourceRecord,
    distance_of_bucket,
    number,
)
from racing.importers.whole_races import FileRaces

KIND = "betfair"
LAST_BOX = 8  # rugs 9 and 10 are reserves, whose box is unknown

_is_placeholder = lru_cache(maxsize=200_000)(is_placeholder)


def enter(claim: SourceRecord, runners: dict[str, SourceRecord], parsed: ParsedFile) -> None:
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


def settle(races: dict[str, dict[str, SourceRecord]], parsed: ParsedFile, whole_races: FileRaces) -> None:
    """Add the races' runners to the file; one without a result, in a race that has one, was scratched."""
    for runners in races.values():
        has_result = any(claim["won"] is not None for claim in runners.values())
        for claim in runners.values():
            claim["is_scratched"] |= has_result and claim["won"] is None
            claim["is_blank"] = claim["won"] is None and not has_result
            parsed.claims.append(claim)
    whole_races.settle(parsed, has_places=False)


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
