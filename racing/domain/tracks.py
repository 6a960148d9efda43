"""The tracks that we know, and which of them a source means by a name.

Distances part three names that two tracks share: ``WAR`` is Warragul or Warrnambool, and Betfair wrote both
straight tracks (Richmond, Murray Bridge) under the name of their neighbour until June 2025.
"""

import re
from functools import lru_cache

from racing.domain.names import name_key, plain_name
from racing.domain.track_list.australia_and_new_zealand import AUSTRALIA_AND_NEW_ZEALAND
from racing.domain.track_list.britain_and_ireland import BRITAIN_AND_IRELAND
from racing.domain.track_list.known_track import KnownTrack, by_alias

LATER_TRACKS: tuple[KnownTrack, ...] = ()
"""New tracks go here, at the end and of whichever country: no number before them changes."""
KNOWN_TRACKS: tuple[KnownTrack, ...] = (*AUSTRALIA_AND_NEW_ZEALAND, *BRITAIN_AND_IRELAND, *LATER_TRACKS)
"""Features know a track by its number here, from 1."""
TRACK_OF_ALIAS = by_alias(KNOWN_TRACKS)

# Who gives a meeting its money may stand before the track's name or behind it: "Ladbrokes Q1 Lakeside".
_SPONSOR = (
    r"(?:Ladbrokes|Bet\s?Deluxe|Bet\s?Nation|Bet\s?Right|Sportsbet|TAB(?:\s?touch)?|Neds|bet365|Pointsbet"
    r"|Picklebet|Palmerbet|Dabble|Coral|William Hill|Betfred|Star Sports|Boylesports)(?:\s+Park)?"
)
_SPONSORS = re.compile(rf"^{_SPONSOR}\s+|\s+{_SPONSOR}$", re.IGNORECASE)
_CODE = re.compile(r"^(.*\S)\s*[(\[]\s*([^()\[\]]*?)\s*[)\]]$")  # "Sandown (SAP)"
# Before a track's name in Betfair's menus: "RPGTV / Central Park 4th Dec", and its day behind it, as in
# results written by hand, "Grafton25/11/25".
_MENU = re.compile(r"^.*\S\s/\s+")
_DAY = re.compile(
    r"\s+\d{1,2}(?:st|nd|rd|th)\s+[A-Z]{3,9}(?:\s+\d{4})?$|\s*\d{1,2}/\d{1,2}/\d{2,4}$", re.IGNORECASE
)
_KIND = re.compile(
    r"\s+(?:greyhound\s+)?(?:raceway|racecourse|stadium|greyhounds?|GRC|race ?track)$", re.IGNORECASE
)

# (name key, distance) -> the other track that a source means by that name when the race is so long.
_SHARED_NAMES = {
    ("WAR", 400): "Warragul",
    ("WAR", 460): "Warragul",
    ("WAR", 680): "Warragul",
    ("RICHMOND", 324): "Richmond Straight",
    ("RICH", 324): "Richmond Straight",
    ("MURRAYBRIDGE", 300): "Murray Bridge Straight",
    ("MURRAYBRIDGE", 350): "Murray Bridge Straight",
    ("MBR", 300): "Murray Bridge Straight",
    ("MBR", 350): "Murray Bridge Straight",
    ("MURR", 300): "Murray Bridge Straight",
    ("MURR", 350): "Murray Bridge Straight",
}


def known_track(name: str, distance_m: int | None = None) -> str | None:
    """Return our name for the track that a source calls ``name``; ``None`` if we do not know it.

    ``distance_m`` tells apart the tracks that share a name; without it the name's main track is meant. A
    sponsor, a menu before the name and a code or a day behind it (``Sandown (SAP)``) do not matter; of a
    meeting that one club holds at another's track (``Dport @ HOB``) it is the latter.
    """
    found = _by_key(name, distance_m)
    if found is not None:
        return found
    plain = _DAY.sub("", _MENU.sub("", name.rpartition("@")[2].strip()))
    plain = _SPONSORS.sub("", plain)
    found = _by_key(plain, distance_m)
    if found is None and (coded := _CODE.match(plain)):
        found, of_code = _by_key(coded[1], distance_m), _by_key(coded[2], distance_m)
        if of_code not in (None, found):
            return None  # "Richmond (SAL)": name and code disagree
    return found or _by_key(_KIND.sub("", plain), distance_m)


@lru_cache(maxsize=10_000)
def track_name(name: str, distance_m: int | None = None) -> str:
    """Return our name for a track; of one that we do not know, its own without what a source hangs on it."""
    found = known_track(name, distance_m)
    if found is not None:
        return found
    at = name.rpartition("@")[2].strip() or name
    return plain_name(at) or at


@lru_cache(4096)  # used for every card
def track_key(name: str, distance_m: int | None = None) -> str:
    """Return the key of our name for a track, whatever a source calls it."""
    return name_key(track_name(name, distance_m))


def _by_key(name: str, distance_m: int | None) -> str | None:
    key = name_key(name)
    return _SHARED_NAMES.get((key, distance_m or 0)) or TRACK_OF_ALIAS.get(key)
