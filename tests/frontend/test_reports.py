"""A result by a click, as the service takes it: places, dead heats, places that nobody chose."""

from typing import Any

import pytest

from frontend.race.reports import ReportRefused, dead_heats, finish_order, result_of
from greyhound_client.models import StoredRaceOut

NAMES = ("Anna", "Bela", "Cora", "Dora", "Edda")


def race() -> StoredRaceOut:
    """A race of five, the fourth scratched."""
    runners = [
        {"name": name, "box": box, "is_scratched": name == "Dora"} for box, name in enumerate(NAMES, start=1)
    ]
    about = {"date": "2026-03-14", "track": "Ballarat", "distance_m": 400}
    values = about | {
        "id": 1, "race_number": 4, "grade": None, "is_whole": True, "is_simulated": False,
        "card": about | {"runners": runners}, "why_no_card": None, "outcome": None,
    }  # fmt: skip
    return StoredRaceOut.model_validate(values)


def places(**form: str) -> dict[str, Any]:
    """Each starter's place in what is sent of a form."""
    sent = result_of(race(), finish_order(form), dead_heats(form))
    return {runner["name"]: runner["finish_position"] for runner in sent["runners"]}


def test_a_winner_alone_leaves_the_places_of_the_others_unknown() -> None:
    assert places(place1="Cora") == {"Anna": None, "Bela": None, "Cora": 1, "Edda": None}


def test_two_that_are_level_share_a_place_and_the_next_one_stays_empty() -> None:
    first_two = places(place1="Cora", place2="Anna", place3="Edda", level2="true")
    assert first_two == {"Cora": "=1", "Anna": "=1", "Edda": 3, "Bela": None}
    three = places(place1="Cora", place2="Anna", place3="Edda", place4="Bela", level3="true", level4="true")
    assert three == {"Cora": 1, "Anna": "=2", "Edda": "=2", "Bela": "=2"}


def test_a_tick_beside_a_place_that_is_empty_changes_nothing() -> None:
    assert places(place1="Cora", level2="true", level1="true")["Cora"] == 1


def test_a_runner_that_does_not_start_has_no_place() -> None:
    with pytest.raises(ReportRefused, match="Dora does not start"):
        places(place1="Dora")
