"""When a race was due to start, from a clock at its track or in Britain: in UTC, without a zone, as stored."""

import datetime as dt
import re
from functools import lru_cache
from zoneinfo import ZoneInfo

from racing.domain.track_time import _zone_of as zone_at

_CLOCK = re.compile(r"(?:\d{4}-\d{2}-\d{2}[T ])?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*([AaPp][Mm])?")
_LONDON = ZoneInfo("Europe/London")
# A meeting that began in the evening has its last races after midnight: of its day, hours before any other.
_NIGHT_ENDS = dt.time(5)


@lru_cache(maxsize=20_000)
def off_of(day: dt.date, clock: str, track: str) -> dt.datetime | None:
    """Return the off of a race whose meeting is of ``day``; ``None`` without a time, or a zone of the track.

    ``clock`` is a time at the track: ``18:42``, ``18:42:00.000`` or ``6:42 pm``; a day before it does not
    matter. Before five in the morning it is the night after the day.
    """
    zone, time = zone_at(track), _time_of(clock)
    if zone is None or time is None:
        return None
    if time < _NIGHT_ENDS:
        day += dt.timedelta(days=1)
    return _utc(dt.datetime.combine(day, time, zone))


@lru_cache(maxsize=20_000)
def london_off(text: str) -> dt.datetime | None:
    """Return a time of Betfair's British files, ``04-12-2022 08:46``, in UTC; ``None`` if it is none."""
    for written in (
        "%d-%m-%Y %H:%M",
        "%d-%m-%Y %H:%M:%S",
        "%d/%m/%Y %H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
    ):
        try:
            return _utc(dt.datetime.strptime(text, written).replace(tzinfo=_LONDON))
        except ValueError:
            continue
    return None


def _time_of(clock: str) -> dt.time | None:
    found = _CLOCK.fullmatch(clock.strip())
    if found is None:
        return None
    hour, half = int(found[1]), (found[4] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        return dt.time(hour, int(found[2]), int(found[3] or 0))
    except ValueError:
        return None


def _utc(time: dt.datetime) -> dt.datetime:
    return time.astimezone(dt.UTC).replace(tzinfo=None)
