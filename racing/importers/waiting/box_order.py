"""What box order says of the runners of a known race: who won, who was placed, and that the others lost."""

from typing import Any

from racing.domain.cards import FIRST_RESERVE
from racing.importers.records.source_record import FACTS
from racing.importers.waiting.known_race import (
    Contradiction,
    KnownRace,
    WaitingRecord,
    another_winner,
    number_of,
)


def facts_in_box_order(group: list[WaitingRecord], known: KnownRace) -> dict[int, dict[str, Any]]:
    """Return the facts of each runner of which the rows of one race say something, by dog.

    Raises
    ------
    Contradiction
        If the other sources exclude it.
    """
    placed = _placed(group, known)
    winners = {dog_id for dog_id, place in placed.items() if place == 1}
    # Of several winners box order names one first and the others behind it.
    is_dead_heat = len(known.winners) > len(winners)
    _check_places(placed, known, is_dead_heat=is_dead_heat, where=_where(group[0]))
    found: dict[int, dict[str, Any]] = {}
    for dog_id, run in known.runs.items():
        facts: dict[str, Any] = dict.fromkeys(FACTS) | {"is_scratched": False}
        place = placed.get(dog_id)
        if place == 1 or (dog_id in known.winners and place is not None):
            facts |= {"won": True, "finish_position": 1}
        elif place is not None:
            facts |= {"won": False, "finish_position": None if is_dead_heat else place}
        elif run["is_scratched"] or run["won"] is not None:
            continue
        elif (number_of(run) or 0) >= FIRST_RESERVE:
            facts["is_scratched"] = True
        else:
            facts["won"] = False
        found[dog_id] = facts
    return found


def _placed(group: list[WaitingRecord], known: KnownRace) -> dict[int, int]:
    """Return the place of each dog whose box is named."""
    placed: dict[int, int] = {}
    for row in group:
        dog_id = known.dog_of_number(row["rug"])
        if dog_id is None:
            raise Contradiction(f"{_where(row)} is known without a starter in box {row['rug']}")
        placed[dog_id] = row["finish_position"]
    winners = {dog_id for dog_id, place in placed.items() if place == 1}
    has_lost = any(known.runs[dog_id]["won"] is False for dog_id in winners)
    if has_lost or (known.winners and not winners <= known.winners):
        raise Contradiction(another_winner(group[0]))
    return placed


def _check_places(placed: dict[int, int], known: KnownRace, *, is_dead_heat: bool, where: str) -> None:
    if is_dead_heat:
        return
    n_at = list(placed.values())
    taken = {run["finish_position"]: dog_id for dog_id, run in known.runs.items()}
    for dog_id, place in placed.items():
        own = known.runs[dog_id]["finish_position"]
        is_shared = n_at.count(place) > 1
        if own not in (None, place) or (own is None and not is_shared and place in taken):
            raise Contradiction(f"{where} is known with other places")


def _where(row: WaitingRecord) -> str:
    return f"race {row['race_number']} at {row['track']}"
