"""When a race was due to start, from a clock at its track or in Britain: in UTC, as it is stored."""

import datetime as dt
import re
from functools import lru_cache
from zoneinfo import ZoneInfo

from racing.domain.regions import local_off, zone_of

_DAY_BEFORE = re.compile(r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}[/-]\d{1,2}[/-]\d{4})[T ]")
_LONDON = ZoneInfo("Europe/London")
_WRITTEN = ("%d-%m-%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")
_FIRST_HOUR = 5  # a race at 00:10 ends the meeting of the day before


@lru_cache(maxsize=20_000)
def off_of(day: dt.date, clock: str, track: str, zone: ZoneInfo | None = None) -> dt.datetime | None:
    """Return the off of a race whose meeting is of a day, by the clock at its track.

    ``zone`` is that of a track that nobody knows. A day before the time does not matter. ``None`` without a
    time, or where nobody knows the track's zone.
    """
    off = local_off(day, _DAY_BEFORE.sub("", clock), track, zone)
    return None if off is None else off.replace(tzinfo=None)


@lru_cache(maxsize=20_000)
def off_in_london(text: str) -> dt.datetime | None:
    """Return a time of Betfair's British files, ``04-12-2022 08:46``, in UTC; ``None`` if it is none."""
    for written in _WRITTEN:
        try:
            local = dt.datetime.strptime(text, written).replace(tzinfo=_LONDON)
        except ValueError:
            continue
        return local.astimezone(dt.UTC).replace(tzinfo=None)
    return None


@lru_cache(maxsize=20_000)
def day_at(off: dt.datetime, track: str) -> dt.date | None:
    """Return the day of the meeting whose race starts then; ``None`` where nobody knows the track's zone."""
    zone = zone_of(track)
    if zone is None:
        return None
    local = off.replace(tzinfo=dt.UTC).astimezone(zone)
    return local.date() - dt.timedelta(days=local.hour < _FIRST_HOUR)
