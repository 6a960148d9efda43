"""Today, for tests that must know it."""

import datetime as dt
import time
from functools import cache

from racing.domain.track_time import today_at

LASTS_S = 30


@cache
def today(track: str | None = None) -> dt.date:
    """Return the day that it is at a track (without one: in UTC), once it lasts long enough for a test."""
    while _day(track, 0) != _day(track, LASTS_S):
        time.sleep(1)
    return _day(track, 0)


def _day(track: str | None, seconds_ahead: float) -> dt.date:
    now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds_ahead)
    return now.date() if track is None else today_at(track, now)
