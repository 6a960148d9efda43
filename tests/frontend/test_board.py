"""The day as a board: which race stands where, and the time at its track."""

import datetime as dt
from typing import Any

from frontend.race_day.board import Board, board_of
from frontend.race_day.clock import clock_of
from greyhound_client.models import UpcomingOut, UpcomingRaceOut

NOW = dt.datetime(2026, 3, 31, 8, 0, tzinfo=dt.UTC)


def race(number: int, off: str | None, track: str = "Sale", **changes: Any) -> UpcomingRaceOut:
    """A race of the day, due at a time of that day in UTC."""
    values = {
        "id": number, "date": "2026-03-31", "track": track, "country": "AU", "zone": "Australia/Melbourne",
        "race_number": number, "distance_m": 440, "grade": None, "off_at": off and f"2026-03-31T{off}:00Z",
        "n_runners": 8, "scratched": [], "is_outcome_known": False, "winners": [], "n_without_form": 0,
    }  # fmt: skip
    return UpcomingRaceOut.model_validate(values | changes)


def board(*races: UpcomingRaceOut) -> Board:
    """A board at NOW."""
    return board_of(UpcomingOut(now=NOW, races=list(races)))


def says(name: str) -> dict[str, Any]:
    """A prediction with a first choice."""
    pick = {"name": name, "box": 1, "win_probability": 0.5, "fair_price": 2.0}
    return {"version": 1, "at": NOW, "top_pick": pick, "disagrees": None, "problem": None}


def test_the_next_race_stands_first_and_what_was_run_last() -> None:
    shown = board(
        race(1, "07:30"), race(2, "09:00"), race(3, "09:30"), race(1, "08:20", "Angle Park"),
        race(2, "07:50", "Angle Park"), race(1, "06:00", "Perth"), race(4, None),
    )  # fmt: skip
    rows = {row.track: [cell.race.race_number for cell in row.cells] for row in shown.meetings}
    assert list(rows) == ["Angle Park", "Sale", "Perth"]
    assert rows == {"Angle Park": [1, 2], "Sale": [2, 3, 4, 1], "Perth": [1]}
    first = shown.cells[0]
    assert (first.is_next, first.race.track, shown.next) == (True, "Angle Park", first)
    assert [cell.is_next for cell in shown.cells[1:]] == [False] * 6
    assert shown.n_to_come == 4


def test_a_race_that_is_known_early_is_not_to_come() -> None:
    shown = board(race(1, "08:01", is_outcome_known=True, winners=["Anna"]), race(2, "08:10"))
    assert [cell.race.race_number for cell in shown.cells] == [2, 1]


def test_a_race_that_was_due_awaits_its_result() -> None:
    (cell,) = board(race(1, "07:59")).cells
    assert (cell.is_to_come, cell.is_awaited) == (False, True)


def test_the_board_counts_the_first_choices_that_won() -> None:
    known = {"is_outcome_known": True, "winners": ["Anna"]}
    shown = board(
        race(1, "07:00", prediction=says("Anna"), **known),
        race(2, "07:10", prediction=says("Bela"), **known),
        race(3, "07:20", **known), race(4, "09:00", prediction=says("Anna")),
    )  # fmt: skip
    assert shown.top_picks == (1, 2)
    assert [cell.has_top_pick_won for cell in shown.cells] == [None, True, False, None]


def test_the_time_of_a_race_is_the_track_s_and_utc_where_no_zone_is_known() -> None:
    clock = clock_of(race(1, "08:42"))
    assert clock is not None
    assert (clock.text, clock.offset_minutes, clock.iso) == ("19:42", 660, "2026-03-31T08:42:00+00:00")
    for zone in (None, "Mars/Olympus", "../etc", ""):
        unknown = clock_of(race(1, "08:42", zone=zone))
        assert unknown is not None
        assert (unknown.text, unknown.offset_minutes, unknown.is_track_time) == ("08:42", 0, False)
    assert clock_of(race(1, None)) is None
