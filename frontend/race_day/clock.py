"""When a race is due: at its track, and on the visitor's own clock, which the page's script adds."""

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo


class HasOff(Protocol):
    """What a listed race and a stored one have in common."""

    off_at: dt.datetime | None
    zone: str | None


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of a race."""

    off_at: dt.datetime
    """UTC."""
    at_track: dt.datetime
    is_track_time: bool
    """False where the track's zone is not known, and the time stands in UTC."""

    @property
    def text(self) -> str:
        """Return it as it is read: 19:42."""
        return f"{self.at_track:%H:%M}"

    @property
    def iso(self) -> str:
        """Return it as the page's script reads it."""
        return self.off_at.isoformat(timespec="seconds")

    @property
    def offset_minutes(self) -> int:
        """Return how far the shown time is ahead of UTC; a visitor whose own is the same needs no second."""
        offset = self.at_track.utcoffset() or dt.timedelta()
        return round(offset.total_seconds() / 60)

    def is_past(self, now: dt.datetime) -> bool:
        """Return whether the race was due before now."""
        return self.off_at <= now


def clock_of(race: HasOff) -> Clock | None:
    """Return when a race is due; None if that is not known."""
    if race.off_at is None:
        return None
    off_at = race.off_at if race.off_at.tzinfo else race.off_at.replace(tzinfo=dt.UTC)
    off_at = off_at.astimezone(dt.UTC)
    zone = zone_named(race.zone)
    return Clock(off_at, off_at.astimezone(zone) if zone else off_at, zone is not None)


@lru_cache(maxsize=64)
def zone_named(name: str | None) -> ZoneInfo | None:
    """Return a time zone; None if this machine knows none of that name."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError
        return None
