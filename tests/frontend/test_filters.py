"""How figures are written on pages."""

import datetime as dt
import math

import pytest

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
