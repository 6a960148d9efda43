"""How figures are written on pages, and the axes of charts."""

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend.charts.axis import Axis, axis_over
from frontend.filters import count, figure, percent, price, signed, size, when

THIN = "\u202f"


def test_figures_are_written_as_people_in_racing_read_them() -> None:
    assert percent(0.3127) == f"31.3{THIN}%"
    assert [price(value) for value in (1.5, 9.994, 14.46, 210.4)] == ["1.50", "9.99", "14.5", "210"]
    assert count(57_839) == f"57{THIN}839"
    assert size(918_000) == f"0.9{THIN}MB"
    assert signed(-0.0349) == "\u22120.0349"
    assert figure(-0.0) in ("0.0000", "\u22120.0000")


@pytest.mark.parametrize("write", [percent, figure, signed, price, count, size])
def test_what_is_not_known_is_a_dash_that_says_so(write) -> None:
    for unknown in (None, math.nan):
        assert "not known" in str(write(unknown))


def test_a_time_says_its_zone_and_a_day_has_none() -> None:
    at = dt.datetime(2026, 3, 14, 8, 0, 2, tzinfo=dt.UTC)
    assert "14 Mar 2026 08:00 UTC" in when(at)
    assert when(at.isoformat()) == when(at)
    assert when(at.astimezone(dt.timezone(dt.timedelta(hours=10)))) == when(at)
    assert "data-ago" not in when(dt.date(2026, 3, 14))
    assert "Sat 14 Mar 2026" in when(dt.date(2026, 3, 14))


LEVELS = st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-6)


@given(LEVELS, st.floats(1e-4, 1e6), st.integers(2, 8))
def test_ticks_are_round_rising_and_within_their_axis(low: float, width: float, n: int) -> None:
    axis = Axis(low, low + width, 10, 210)
    if axis.high - axis.low < 1e-9 * max(abs(low), 1):
        return
    ticks = axis.ticks(n)
    assert 1 <= len(ticks) <= 2 * n + 2
    places = [tick.at for tick in ticks]
    assert places == sorted(places)
    assert all(10 <= place <= 210 for place in places)
    assert len({tick.text for tick in ticks}) == len(ticks)


@given(st.lists(st.floats(-1e3, 1e3).map(lambda value: round(value, 6)), min_size=1))
def test_an_axis_has_room_for_every_value(values: list[float]) -> None:
    axis = axis_over([*values, None, math.nan], 0, 100)
    assert axis.low < min(values) <= max(values) < axis.high


def test_an_axis_turned_round_rises_upwards() -> None:
    axis = Axis(0, 1, 200, 0)
    assert (axis.at(0), axis.at(1), axis.at(0.25), axis.at(7)) == (200, 0, 150, 0)
    assert [tick.text for tick in axis.ticks(4, as_percent=True)] == [
        f"{value}{THIN}%" for value in (0, 25, 50, 75, 100)
    ]
