"""The tracks of Australia and New Zealand, and the names under which the sources know them.

Which form-guide code means which of Betfair's names was found by matching 37,500 runs on dog, date and
distance (form guides of June-July 2025, Betfair's files of 2025). Distances part three names that two
tracks share: ``WAR`` is Warragul or Warrnambool, and Betfair wrote both straight tracks (Richmond, Murray
Bridge) under the name of their neighbour until June 2025.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from racing.domain.names import name_key, plain_name


@dataclass(frozen=True, slots=True)
class KnownTrack:
    """A track under our name for it, its state, and the other names that sources give it."""

    name: str
    state: str
    aliases: tuple[str, ...] = ()


KNOWN_TRACKS = (
    KnownTrack("Addington", "NZ", ("ADDI", "Christchurch")),
    KnownTrack(
        "Albion Park", "QLD", ("AP", "APFR", "APMO", "APSA", "APSU", "APTH", "APTU", "APWE", "Albion Pk")
    ),
    KnownTrack("Angle Park", "SA", ("AP/K", "AP_K")),
    KnownTrack("Ascot Park", "NZ"),
    KnownTrack("Ballarat", "VIC", ("BAL",)),
    KnownTrack("Bendigo", "VIC", ("BEN",)),
    KnownTrack("Broken Hill", "NSW", ("BKHL", "BH")),
    KnownTrack("Bulli", "NSW", ("BUL", "BULL")),
    KnownTrack("Bundaberg", "QLD", ("BUND",)),
    KnownTrack("Cambridge", "NZ"),
    KnownTrack("Cannington", "WA", ("CANN",)),
    KnownTrack("Capalaba", "QLD", ("CAPA", "CAP")),
    KnownTrack("Casino", "NSW", ("CASO", "CAS")),
    KnownTrack("Coonamble", "NSW", ("CBLE",)),
    KnownTrack("Dapto", "NSW", ("DAPT", "DAP")),
    KnownTrack("Darwin", "NT", ("DARW", "DAR")),
    KnownTrack("Dubbo", "NSW", ("DUBO", "DUB")),
    KnownTrack("Gawler", "SA", ("GAWL", "GAW")),
    KnownTrack("Geelong", "VIC", ("GEE",)),
    KnownTrack("Gosford", "NSW", ("GOSF", "GOS")),
    KnownTrack("Goulburn", "NSW", ("GOUL",)),
    KnownTrack("Grafton", "NSW", ("GRAF",)),
    KnownTrack("Gunnedah", "NSW", ("GUNN", "GUN")),
    KnownTrack("Hatrick", "NZ", ("Wanganui", "Whanganui")),
    KnownTrack("Healesville", "VIC", ("HEA",)),
    KnownTrack("Hobart", "TAS", ("HOBT", "HOB")),
    KnownTrack("Horsham", "VIC", ("HOR",)),
    KnownTrack("Ipswich", "QLD", ("IPFR", "IPMO", "IPSA", "IPSU", "IPTH", "IPTU", "IPWE", "IPS")),
    KnownTrack("Launceston", "TAS", ("LCTN", "LAU")),
    KnownTrack("Maitland", "NSW", ("MAIT", "MAI")),
    KnownTrack("Manawatu", "NZ", ("Palmerston North",)),
    KnownTrack("Mandurah", "WA", ("MAND",)),
    KnownTrack("Mount Gambier", "SA", ("MT/G", "MT_G", "MOUNT", "Mt Gambier")),
    KnownTrack("Murray Bridge", "SA", ("MBR", "MURR")),
    KnownTrack("Murray Bridge Straight", "SA", ("MBS",)),
    KnownTrack("Muswellbrook", "NSW", ("MUSW", "MUS")),
    KnownTrack("Northam", "WA", ("NOR",)),
    KnownTrack("Nowra", "NSW", ("NOWR", "NOW")),
    KnownTrack("Potts Park", "NSW", ("PPK",)),
    KnownTrack("Q Straight", "QLD", ("QST",)),
    KnownTrack("Q1 Lakeside", "QLD", ("QOT", "Q1L", "Lakeside")),
    KnownTrack("Q2 Parklands", "QLD", ("QTT", "Q2P")),
    KnownTrack("Richmond", "NSW", ("RICH",)),
    KnownTrack("Richmond Straight", "NSW", ("RICS",)),
    KnownTrack("Rockhampton", "QLD", ("ROCK", "ROC")),
    KnownTrack("Sale", "VIC", ("SAL",)),
    KnownTrack("Sandown Park", "VIC", ("SAN", "SAND", "SAP", "SANDOWN")),
    KnownTrack("Shepparton", "VIC", ("SHE", "SHEP")),
    KnownTrack("Tamworth", "NSW", ("TAMW", "TAM")),
    KnownTrack("Taree", "NSW", ("TARE", "TAR")),
    KnownTrack("Temora", "NSW", ("TEMA", "TEM")),
    KnownTrack("The Gardens", "NSW", ("GRDN", "GARD", "Gardens")),
    KnownTrack("The Meadows", "VIC", ("MEA", "Meadows")),
    KnownTrack("Townsville", "QLD", ("TVLE", "TWN", "TOWN")),
    KnownTrack("Traralgon", "VIC", ("TRA", "TRAR")),
    KnownTrack("Wagga", "NSW", ("WAGA", "WAG", "Wagga Wagga")),
    KnownTrack("Warragul", "VIC", ("WRGL", "WARR")),
    KnownTrack("Warrnambool", "VIC", ("WAR", "WBL")),
    KnownTrack("Wentworth Park", "NSW", ("W/PK", "W_PK", "WPK")),
    # New ones go to the end: features know a track by its number in this list.
    KnownTrack("Manukau", "NZ", ("Auckland",)),
)


def by_alias(tracks: Iterable[KnownTrack]) -> dict[str, str]:
    """Return the name of the track that each alias, as a key, stands for.

    Raises
    ------
    ValueError
        If an alias stands for two tracks.
    """
    names: dict[str, str] = {}
    for track in tracks:
        for alias in (track.name, *track.aliases):
            other = names.setdefault(name_key(alias), track.name)
            if other != track.name:
                raise ValueError(f"an alias names one track, {alias!r} names {other} and {track.name}")
    return names


TRACK_OF_ALIAS = by_alias(KNOWN_TRACKS)

# Who gives a meeting its money may stand before the track's name, as in "Ladbrokes Q1 Lakeside".
_SPONSORS = re.compile(
    r"^(?:Ladbrokes|Bet\s?Deluxe|Bet\s?Nation|Sportsbet|TAB|Neds|bet365)\s+", re.IGNORECASE
)
_CODE = re.compile(r"^(.*\S)\s*[(\[]\s*([^()\[\]]*?)\s*[)\]]$")  # "Sandown (SAP)"

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
    sponsor before the name and a code behind it (``Sandown (SAP)``) do not matter; of a meeting that one
    club holds at another's track (``Dport @ HOB``) it is the latter.
    """
    found = _by_key(name, distance_m)
    if found is not None:
        return found
    plain = _SPONSORS.sub("", name.rpartition("@")[2].strip())
    found = _by_key(plain, distance_m)
    if found is None and (coded := _CODE.match(plain)):
        found, of_code = _by_key(coded[1], distance_m), _by_key(coded[2], distance_m)
        if of_code not in (None, found):
            return None  # "Richmond (SAL)": name and code disagree
    return found


@lru_cache(maxsize=10_000)
def track_name(name: str, distance_m: int | None = None) -> str:
    """Return our name for a track; of one that we do not know, its own without what a source hangs on it."""
    found = known_track(name, distance_m)
    if found is not None:
        return found
    at = name.rpartition("@")[2].strip() or name
    return plain_name(at) or at


def _by_key(name: str, distance_m: int | None) -> str | None:
    key = name_key(name)
    return _SHARED_NAMES.get((key, distance_m or 0)) or TRACK_OF_ALIAS.get(key)
