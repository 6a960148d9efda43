"""The day is the track's own, wherever the machine stands."""

import datetime as dt
import time

import pytest

from racing.domain.track_list.known_track import ZONE_OF_STATE
from racing.domain.track_time import has_known_zone, is_over, latest_day, today_at
from racing.domain.tracks import KNOWN_TRACKS

NOON, AFTERNOON = (dt.datetime(2026, 3, 14, hour, 30, tzinfo=dt.UTC) for hour in (9, 13))
DAY, NEXT = dt.date(2026, 3, 14), dt.date(2026, 3, 15)


def test_every_known_track_has_its_time() -> None:
    assert {track.state for track in KNOWN_TRACKS} <= ZONE_OF_STATE.keys()
    assert [track.name for track in KNOWN_TRACKS if not has_known_zone(track.name)] == []


@pytest.mark.parametrize(
    ("track", "now", "today"),
    [
        ("Sandown Park", AFTERNOON, NEXT),  # UTC+11 in summer
        ("SAN", NOON, DAY),
        ("Albion Park", AFTERNOON, DAY),  # UTC+10 all the year
        ("Cannington", AFTERNOON, DAY),
        ("Addington", AFTERNOON, NEXT),
        ("Addington", NOON, DAY),
        ("Broken Hill", AFTERNOON, NEXT),
        ("Broken Hill", dt.datetime(2026, 3, 14, 13, 15, tzinfo=dt.UTC), DAY),  # half an hour behind Sydney
        ("Sim Park", NOON, DAY),
        ("Sim Park", dt.datetime(2026, 3, 14, 10, 0, tzinfo=dt.UTC), NEXT),
    ],
)
def test_today_is_the_day_at_the_track(track: str, now: dt.datetime, today: dt.date) -> None:
    assert today_at(track, now) == today


def test_a_race_day_is_over_when_it_is_at_the_track_or_everywhere() -> None:
    assert is_over(DAY, "Sandown Park", AFTERNOON)
    assert not is_over(DAY, "Cannington", AFTERNOON)
    midday_after = dt.datetime(2026, 3, 15, 11, 59, tzinfo=dt.UTC)
    assert not is_over(DAY, "Sim Park", midday_after)
    assert is_over(DAY, "Sim Park", midday_after + dt.timedelta(minutes=1))


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles"])
def test_the_zone_of_the_machine_does_not_matter(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert today_at("Sandown Park", AFTERNOON) == NEXT
        assert today_at("Cannington", AFTERNOON) == DAY
        assert latest_day(AFTERNOON) == NEXT
    finally:
        monkeypatch.undo()
        time.tzset()
