"""The tracks of Australia and New Zealand, and the names under which the sources know them.

Which form-guide code means which of Betfair's names was found by matching 37,500 runs on dog, date and
distance (form guides of June-July 2025, Betfair's files of 2025). Distances part three names that two
tracks share: ``WAR`` is Warragul or Warrnambool, and Betfair wrote both straight tracks (Richmond, Murray
Bridge) under the name of their neighbour until June 2025.
"""

from dataclasses import dataclass

from racing.names import name_key


@dataclass(frozen=True, slots=True)
class KnownTrack:
    """A track under our name for it, its state, and the other names that sources give it."""

    name: str
    state: str
    aliases: tuple[str, ...] = ()


KNOWN_TRACKS = (
    KnownTrack("Addington", "NZ", ("ADDI",)),
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
    KnownTrack("Manawatu", "NZ", ("Manukau",)),
    KnownTrack("Mandurah", "WA", ("MAND",)),
    KnownTrack("Mount Gambier", "SA", ("MT/G", "MT_G", "MOUNT", "Mt Gambier")),
    KnownTrack("Murray Bridge", "SA", ("MBR", "MURR")),
    KnownTrack("Murray Bridge Straight", "SA", ("MBS",)),
    KnownTrack("Muswellbrook", "NSW", ("MUSW", "MUS")),
    KnownTrack("Northam", "WA", ("NOR",)),
    KnownTrack("Nowra", "NSW", ("NOWR", "NOW")),
    KnownTrack("Potts Park", "NSW", ("PPK",)),
    KnownTrack("Q Straight", "QLD", ("QST", "Ladbrokes Q Straight")),
    KnownTrack("Q1 Lakeside", "QLD", ("QOT", "Q1L", "Ladbrokes Q1 Lakeside")),
    KnownTrack("Q2 Parklands", "QLD", ("QTT", "Q2P", "Ladbrokes Q2 Parklands")),
    KnownTrack("Richmond", "NSW", ("RICH",)),
    KnownTrack("Richmond Straight", "NSW", ("RICS",)),
    KnownTrack("Rockhampton", "QLD", ("ROCK", "ROC")),
    KnownTrack("Sale", "VIC", ("SAL",)),
    KnownTrack("Sandown Park", "VIC", ("SAN", "SAND", "SANDOWN")),
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
)

TRACK_OF_ALIAS = {
    name_key(alias): track.name for track in KNOWN_TRACKS for alias in (track.name, *track.aliases)
}

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

    ``distance_m`` tells apart the tracks that share a name; without it the name's main track is meant.
    """
    key = name_key(name)
    return _SHARED_NAMES.get((key, distance_m or 0)) or TRACK_OF_ALIAS.get(key)
