"""The day at a track: race days are local days, wherever the machine stands and whatever its zone is."""

import datetime as dt

from racing.domain.regions import zone_of

_FIRST, _LAST = dt.timezone(dt.timedelta(hours=14)), dt.timezone(dt.timedelta(hours=-12))


def today_at(track: str, now: dt.datetime | None = None) -> dt.date:
    """Return the day at a track; of a track that is not known the latest day anywhere.

    ``track`` may be any of its names; ``now``, if not the present, knows its zone.
    """
    return _now(now).astimezone(zone_of(track) or _FIRST).date()


def is_over(day: dt.date, track: str, now: dt.datetime | None = None) -> bool:
    """Return whether a day is over at a track; of one that is not known, whether it is over everywhere."""
    return day < _now(now).astimezone(zone_of(track) or _LAST).date()


def latest_day(now: dt.datetime | None = None) -> dt.date:
    """Return the latest day that it is anywhere."""
    return _now(now).astimezone(_FIRST).date()


def zone_name_of(track: str) -> str | None:
    """Return the name of a track's zone, ``Australia/Melbourne``; None where it is not known."""
    zone = zone_of(track)
    return None if zone is None else zone.key


def has_known_zone(track: str) -> bool:
    """Return whether the time at a track is known."""
    return zone_of(track) is not None


def _now(now: dt.datetime | None) -> dt.datetime:
    return dt.datetime.now(dt.UTC) if now is None else now
