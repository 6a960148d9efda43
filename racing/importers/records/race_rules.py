"""Whether runs can be those of one race: its starters, boxes, winners and places."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

MAX_STARTERS = 10
MAX_WINNERS = 3


def why_impossible(
    runs: Iterable[Mapping[str, Any]], *, has_places: bool, dead_heats: Iterable[int] = ()
) -> str | None:
    """Return which rule the runs of a race break, ``None`` if none.

    Parameters
    ----------
    has_places
        Whether the places of all that have one are known, as in results; without, winners are counted alone.
    dead_heats
        The places that the source itself calls dead heats: more than one runner has each.
    """
    starters = [run for run in runs if not run["is_scratched"]]
    if len(starters) > MAX_STARTERS:
        return f"a race has at most {MAX_STARTERS} starters, got {len(starters)}"
    for what in ("box", "rug"):
        numbers = [run[what] for run in starters if run[what] is not None]
        if len(set(numbers)) < len(numbers):
            shared = min(number for number in numbers if numbers.count(number) > 1)
            return f"a {what} is one runner's, got {what} {shared} for {numbers.count(shared)}"
    won = [run["won"] for run in starters]
    n_winners = won.count(True)
    if n_winners == 0:
        return "a race with a result has a winner, got none" if False in won else None
    if n_winners > MAX_WINNERS:
        return f"a race has one winner, or up to {MAX_WINNERS} in a dead heat, got {n_winners}"
    return _why_not_places(starters, dead_heats) if has_places else None


def _why_not_places(starters: list[Mapping[str, Any]], dead_heats: Iterable[int]) -> str | None:
    places = Counter(run["finish_position"] for run in starters if run["finish_position"] is not None)
    alone = sorted(place for place in dead_heats if places[place] == 1)
    if alone:
        return f"a dead heat has two runners or more, got one for place {alone[0]}"
    expected = 1
    for place in sorted(places):
        if place != expected:
            got = ", ".join(str(place) for place in sorted(places.elements()))
            return f"places follow each other (after two at 2 comes 4), got {got}"
        expected += places[place]
    return None
