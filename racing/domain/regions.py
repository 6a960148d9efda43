"""What differs between countries: the time, colours of boxes, places paid, and whose names dogs bear."""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from racing.domain.names import name_key
from racing.domain.tracks import KNOWN_TRACKS, known_track

COUNTRY_NAMES = {"AU": "Australia", "NZ": "New Zealand", "GB": "Britain", "IE": "Ireland"}
BRITISH = frozenset(("GB", "IE"))
"""Where six traps are the rule, and dogs are registered in studbooks of their own."""
LAST_TRAP = 6
_BRITISH_KEY = "/GB"  # no key of a name holds a slash or ends so
_TRACKS = {track.name: track for track in KNOWN_TRACKS}
_CLOCK = re.compile(
    r"\s*(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:\.\d+)?)?\s*(?:([AP])\.?M\.?)?\s*", re.IGNORECASE
)
_ZONES = {"NZ": "Pacific/Auckland", "GB": "Europe/London", "IE": "Europe/Dublin"}
_AUSTRALIAN_ZONES = {
    "NSW": "Australia/Sydney",
    "ACT": "Australia/Sydney",
    "VIC": "Australia/Melbourne",
    "QLD": "Australia/Brisbane",
    "SA": "Australia/Adelaide",
    "WA": "Australia/Perth",
    "TAS": "Australia/Hobart",
    "NT": "Australia/Darwin",
}
_FIRST_HOUR = 5  # a race at 00:10 ends the meeting of the day before


@dataclass(frozen=True, slots=True)
class Colour:
    """The jacket of a box or trap: what people call it, and how to paint it."""

    name: str
    fills: tuple[str, ...]
    """CSS colours: one, or the stripes from left to right."""
    text: str
    """The CSS colour of the number on it."""


_RED, _WHITE, _BLACK, _BLUE, _GREEN = "#cf2027", "#ffffff", "#16181b", "#1b4fb3", "#12803c"
_AUSTRALIAN = (
    Colour("red", (_RED,), _WHITE),
    Colour("black and white stripes", (_BLACK, _WHITE), _RED),
    Colour("white", (_WHITE,), _BLACK),
    Colour("blue", (_BLUE,), _WHITE),
    Colour("yellow", ("#f6c915",), _BLACK),
    Colour("green", (_GREEN,), _WHITE),
    Colour("black", (_BLACK,), "#ffe14d"),
    Colour("pink", ("#f08fb4",), _BLACK),
    Colour("green and white stripes", (_GREEN, _WHITE), _BLACK),
    Colour("red, white and blue stripes", (_RED, _WHITE, _BLUE), _BLACK),
)
_OF_TRAPS = (
    Colour("red", (_RED,), _WHITE),
    Colour("blue", (_BLUE,), _WHITE),
    Colour("white", (_WHITE,), _BLACK),
    Colour("black", (_BLACK,), _WHITE),
    Colour("orange", ("#f08019",), _BLACK),
    Colour("black and white stripes", (_BLACK, _WHITE), _RED),
)


@lru_cache(4096)  # used for every card
def country_of(track: str) -> str | None:
    """Return ``AU``, ``NZ``, ``GB`` or ``IE``; ``None`` of a track that is not known.

    ``track`` may be any of its names. Northern Ireland is GB.
    """
    known = _TRACKS.get(known_track(track) or "")
    return None if known is None else known.country


@lru_cache(4096)  # used for every card
def state_of(track: str) -> str:
    """Return the state of a track, outside Australia the country; blank of one that is not known.

    ``track`` may be any of its names.
    """
    known = _TRACKS.get(known_track(track) or "")
    return "" if known is None else known.state


@lru_cache(4096)  # used for every card
def zone_of(track: str) -> ZoneInfo | None:
    """Return the time zone of a track, under any of its names; ``None`` of one that is not known."""
    known = _TRACKS.get(known_track(track) or "")
    return None if known is None else ZoneInfo(known.zone)


def trap_colours(country: str | None) -> tuple[Colour, ...]:
    """Return the colours of traps 1 to 6 in Britain and Ireland, elsewhere of boxes 1 to 10."""
    return _OF_TRAPS if country in BRITISH else _AUSTRALIAN


def zone_in(country: str, state: str = "") -> ZoneInfo | None:
    """Return the time zone of a country that has one, or of an Australian state; else ``None``.

    >>> zone_in("IE"), zone_in("AU"), zone_in("AU", "qld")
    (zoneinfo.ZoneInfo(key='Europe/Dublin'), None, zoneinfo.ZoneInfo(key='Australia/Brisbane'))
    """
    country, state = country.strip().upper(), state.strip().upper()
    name = _ZONES.get(country) or (_AUSTRALIAN_ZONES.get(state) if country in ("AU", "") else None)
    return ZoneInfo(name) if name else None


def local_off(date: dt.date, clock_text: str, track: str, zone: ZoneInfo | None = None) -> dt.datetime | None:
    """Return when a race starts, with the zone UTC, from the meeting's day and the clock at the track.

    ``clock_text`` is as sources write it: ``19:42``, ``15:11:00.000``, ``7:42 PM``, ``7.42pm``. Until five in
    the morning it is the night after the meeting's day. Of an hour that summer time repeats, the first is
    meant; one that it leaves out is that much later. ``zone`` is that of a track that nobody knows. ``None``
    where the text is no time of day, or nobody knows the track's zone.
    """
    zone, clock = zone_of(track) or zone, _clock_of(clock_text)
    if zone is None or clock is None:
        return None
    day = date + dt.timedelta(days=clock.hour < _FIRST_HOUR)
    return dt.datetime.combine(day, clock, zone).astimezone(dt.UTC)


def places_paid(country: str | None, n_starters: int) -> int:
    """Return how many places a bet to be placed pays, 0 where there is none such.

    Three from 8 runners on and two from 5 everywhere: Betfair's place markets on the exchange, Australian
    totalisators and British bookmakers alike. Below 5, Britain and Ireland have no place bet (an each-way bet
    is one to win); elsewhere the winner alone is paid, as :func:`racing.probabilities.n_places` counts.
    """
    if n_starters < 5:
        return 0 if country in BRITISH else 1
    return 3 if n_starters >= 8 else 2


def dog_key(name: str, track: str) -> str:
    """Return the key under which a dog of that name is known who runs at that track.

    Names are unique in Australia and New Zealand, and in Britain and Ireland, not between. Blank where
    :func:`~racing.domain.names.name_key` is blank.

    >>> dog_key("Sir Tick", "Sandown Park"), dog_key("Sir Tick", "Romford")
    ('SIRTICK', 'SIRTICK/GB')
    """
    return key_at(name_key(name), track)


def dog_keys_at(names: Iterable[str], track: str) -> list[str]:
    """Return :func:`dog_key` of each name: the track is looked up once."""
    if country_of(track) in BRITISH:
        return [key and key + _BRITISH_KEY for key in map(name_key, names)]
    return list(map(name_key, names))


def key_at(key: str, track: str) -> str:
    """Return the key of a dog that runs at a track, from its name's key."""
    return key + _BRITISH_KEY if key and country_of(track) in BRITISH else key


def dog_keys(name: str) -> tuple[str, ...]:
    """Return every key under which a dog of that name may be known, wherever it runs: none if it is blank."""
    key = name_key(name)
    return (key, key + _BRITISH_KEY) if key else ()


def plain_key(key: str) -> str:
    """Return the key of the name alone, of a dog's key.

    >>> plain_key("SIRTICK/GB"), plain_key("SIRTICK")
    ('SIRTICK', 'SIRTICK')
    """
    return key.removesuffix(_BRITISH_KEY)


def _clock_of(text: str) -> dt.time | None:
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    hour, half = int(found[1]), (found[4] or "").upper()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "P" else 0)
    try:
        return dt.time(hour, int(found[2]), int(found[3] or 0))
    except ValueError:
        return None
