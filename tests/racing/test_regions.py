"""Time, colours, places paid and the keys of dogs are those of the country that a track lies in."""

import datetime as dt

import pytest

from racing.domain.names import name_key
from racing.domain.regions import (
    country_of,
    dog_key,
    dog_keys,
    dog_keys_at,
    local_off,
    places_paid,
    plain_key,
    trap_colours,
    zone_of,
)
from racing.probabilities import n_places

UTC = dt.UTC


@pytest.mark.parametrize(
    ("track", "country", "zone"),
    [
        ("W/PK", "AU", "Australia/Sydney"),
        ("Broken Hill", "AU", "Australia/Broken_Hill"),
        ("NZL / Addington (NZL) 5th Dec", "NZ", "Pacific/Auckland"),
        ("RPGTV / Central Park 4th Dec", "GB", "Europe/London"),
        ("Drumbo Park", "GB", "Europe/London"),
        ("Shelbourne Park", "IE", "Europe/Dublin"),
    ],
)
def test_a_track_lies_in_a_country_and_a_zone(track: str, country: str, zone: str) -> None:
    found = zone_of(track)
    assert found is not None
    assert (country_of(track), found.key) == (country, zone)


def test_of_a_track_that_nobody_knows_there_is_neither() -> None:
    assert (country_of("Sim Park"), zone_of("Sim Park")) == (None, None)
    assert local_off(dt.date(2026, 3, 14), "19:42", "Sim Park") is None


@pytest.mark.parametrize(
    ("date", "clock", "track", "utc"),
    [
        # Sydney leaves summer time on 5 April 2026, London enters it on 29 March.
        (dt.date(2026, 4, 4), "19:42", "Richmond", dt.datetime(2026, 4, 4, 8, 42, tzinfo=UTC)),
        (dt.date(2026, 4, 6), "7:42 PM", "Richmond", dt.datetime(2026, 4, 6, 9, 42, tzinfo=UTC)),
        (dt.date(2026, 4, 4), "19:42", "Albion Park", dt.datetime(2026, 4, 4, 9, 42, tzinfo=UTC)),
        (dt.date(2026, 3, 28), "18:38:00", "Romford", dt.datetime(2026, 3, 28, 18, 38, tzinfo=UTC)),
        (dt.date(2026, 3, 29), "18:38:00", "Romford", dt.datetime(2026, 3, 29, 17, 38, tzinfo=UTC)),
        (dt.date(2026, 3, 29), "6.38pm", "Shelbourne Park", dt.datetime(2026, 3, 29, 17, 38, tzinfo=UTC)),
        (dt.date(2026, 9, 1), "15:11:00.000", "Bulli", dt.datetime(2026, 9, 1, 5, 11, tzinfo=UTC)),
        (dt.date(2026, 1, 5), "12:30", "Addington", dt.datetime(2026, 1, 4, 23, 30, tzinfo=UTC)),
        (dt.date(2026, 6, 5), "12.05 a.m.", "Cannington", dt.datetime(2026, 6, 5, 16, 5, tzinfo=UTC)),
    ],
)
def test_a_clock_at_the_track_is_the_right_utc_in_summer_and_winter(
    date: dt.date, clock: str, track: str, utc: dt.datetime
) -> None:
    assert local_off(date, clock, track) == utc


@pytest.mark.parametrize("clock", ["", "25:00", "19", "13:05 PM", "0:30 am", "19:61", "soon"])
def test_what_is_no_time_of_day_is_no_off_time(clock: str) -> None:
    assert local_off(dt.date(2026, 4, 4), clock, "Richmond") is None


def test_trap_2_is_blue_in_britain_and_box_2_striped_in_australia() -> None:
    british = [colour.name for colour in trap_colours("GB")]
    assert british == ["red", "blue", "white", "black", "orange", "black and white stripes"]
    assert trap_colours("IE") == trap_colours("GB")
    assert [colour.name for colour in trap_colours("NZ")][:3] == ["red", "black and white stripes", "white"]
    assert len(trap_colours(None)) == 10


def test_a_british_field_of_five_to_seven_pays_two_places_and_fewer_none() -> None:
    paid = {n: places_paid("GB", n) for n in range(2, 9)}
    assert paid == {2: 0, 3: 0, 4: 0, 5: 2, 6: 2, 7: 2, 8: 3}
    for country in ("AU", "NZ", None):
        assert [places_paid(country, n) for n in range(2, 11)] == [n_places(n) for n in range(2, 11)]


def test_dogs_of_one_name_in_two_hemispheres_have_two_keys() -> None:
    assert dog_key("Sir Tick", "Sandown Park") == dog_key("SIR TICK", "Addington") == name_key("Sir Tick")
    assert dog_key("Sir Tick", "Nobody's Track") == name_key("Sir Tick")
    british = dog_key("Sir Tick", "Romford")
    assert british == dog_key("3. Sir Tick (W)", "Shelbourne Park") != name_key("Sir Tick")
    assert plain_key(british) == name_key("Sir Tick")
    assert name_key(british) != british, "no name has such a key"
    assert dog_key("(-)", "Romford") == ""
    assert dog_keys("Sir Tick") == (name_key("Sir Tick"), british)
    assert dog_keys("(-)") == ()
    names = ["Sir Tick", "3. Sir Tick (W)", "(-)"]
    for track in ("Romford", "Sandown Park", "Nobody's Track"):
        assert dog_keys_at(names, track) == [dog_key(name, track) for name in names]
