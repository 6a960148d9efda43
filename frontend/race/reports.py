"""What a person reports of a race by a click: how it came out, or that a runner is scratched."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from frontend.race.card_form import is_reserve
from greyhound_client.models import StoredRaceOut

N_PLACES = 4
NAMES_OF_PLACES = ("First", "Second", "Third", "Fourth")


class ReportRefused(Exception):
    """A result that cannot be sent; the message says what is wrong with it."""


def finish_order(form: Mapping[str, str]) -> list[str]:
    """Return the names that were chosen for the first places, an empty text where none was."""
    return [form.get(f"place{place}", "").strip() for place in range(1, N_PLACES + 1)]


def dead_heats(form: Mapping[str, str]) -> list[bool]:
    """Return of each of the first places whether it is shared with the one before."""
    return [form.get(f"level{place}") == "true" for place in range(1, N_PLACES + 1)]


def result_of(race: StoredRaceOut, order: Sequence[str], levels: Sequence[bool] = ()) -> dict[str, Any]:
    """Return a result as ``POST /results`` takes it: every starter, those of the first places with theirs.

    The others ran, their places not known. ``levels`` says which came level with the one before, so that two
    share a place and the next one stays empty.

    Raises
    ------
    ReportRefused
        If it cannot be one: no winner, a runner twice, a gap, a runner that does not start, no race number.
    """
    if race.card is None or race.race_number is None:
        raise ReportRefused("A result takes a race whose number and runners are known.")
    starters = [one for one in race.card.runners if not one.is_scratched]
    chosen = [name for name in order if name]
    if not order or not order[0]:
        raise ReportRefused("Choose the winner.")
    if list(order[: len(chosen)]) != chosen:
        raise ReportRefused("A place before another is empty: choose from the first on.")
    if len(set(chosen)) < len(chosen):
        raise ReportRefused("A runner has one place, and one was chosen twice.")
    if unknown := set(chosen) - {one.name for one in starters}:
        raise ReportRefused(f"{min(unknown)} does not start in this race.")
    positions = _positions(chosen, levels)
    ran = [
        one
        for one in starters
        if one.name in positions or not is_reserve({"box": one.box, "is_reserve": one.is_reserve})
    ]
    return {
        "date": race.date,
        "track": race.track,
        "distance_m": race.distance_m,
        "race_number": race.race_number,
        "grade": race.grade,
        "runners": [
            {"name": one.name, "box": one.box, "finish_position": positions.get(one.name)} for one in ran
        ],
    }


def _positions(chosen: Sequence[str], levels: Sequence[bool]) -> dict[str, int | str]:
    places: list[int] = []
    for number, (_, is_level) in enumerate(zip_longest(chosen, levels[: len(chosen)]), start=1):
        places.append(places[-1] if is_level and places else number)
    return {
        name: f"={place}" if places.count(place) > 1 else place
        for name, place in zip(chosen, places, strict=True)
    }


def scratching_of(form: Mapping[str, str]) -> tuple[str, bool]:
    """Return the runner of a report, and whether it is scratched or taken back."""
    return form.get("name", "").strip(), form.get("is_scratched", "true") != "false"
