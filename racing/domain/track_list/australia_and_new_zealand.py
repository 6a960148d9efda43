"""The tracks of Australia and New Zealand: the codes of form guides, Topaz's, Betfair's and the clubs' names.

Which form-guide code means which of Betfair's names was found by matching 37,500 runs on dog, date and
distance (form guides of June-July 2025, Betfair's files of 2025).
"""

from racing.domain.track_list.known_track import KnownTrack

AUSTRALIA_AND_NEW_ZEALAND = (
    KnownTrack(
        "Addington",
        "NZ",
        (
            "ADDI",
            "Christchurch",
            "Christchurch GRC",
            "Addington Raceway",
        ),
    ),
    KnownTrack(
        "Albion Park",
        "QLD",
        ("AP", "APFR", "APMO", "APSA", "APSU", "APTH", "APTU", "APWE", "Albion Pk"),
    ),
    KnownTrack(
        "Angle Park",
        "SA",
        (
            "AP/K",
            "AP_K",
            "Angle Pk",
        ),
    ),
    KnownTrack(
        "Ascot Park",
        "NZ",
        (
            "Southland",
            "Southland GRC",
            "Invercargill",
        ),
    ),
    KnownTrack("Ballarat", "VIC", ("BAL",)),
    KnownTrack("Bendigo", "VIC", ("BEN",)),
    KnownTrack("Broken Hill", "NSW", ("BKHL", "BH")),
    KnownTrack("Bulli", "NSW", ("BUL", "BULL")),
    KnownTrack("Bundaberg", "QLD", ("BUND",)),
    KnownTrack(
        "Cambridge",
        "NZ",
        (
            "Waikato",
            "Waikato GRC",
            "Cambridge Raceway",
        ),
    ),
    KnownTrack(
        "Cannington",
        "WA",
        (
            "CANN",
            "Cannington Central",
        ),
    ),
    KnownTrack(
        "Capalaba",
        "QLD",
        (
            "CAPA",
            "CAP",
        ),
    ),
    KnownTrack("Casino", "NSW", ("CASO", "CAS")),
    KnownTrack("Coonamble", "NSW", ("CBLE",)),
    KnownTrack("Dapto", "NSW", ("DAPT", "DAP")),
    KnownTrack(
        "Darwin",
        "NT",
        (
            "DARW",
            "DAR",
            "Winnellie Park",
        ),
    ),
    KnownTrack("Dubbo", "NSW", ("DUBO", "DUB")),
    KnownTrack("Gawler", "SA", ("GAWL", "GAW")),
    KnownTrack(
        "Geelong",
        "VIC",
        (
            "GEE",
            "GEL",
        ),
    ),
    KnownTrack("Gosford", "NSW", ("GOSF", "GOS")),
    KnownTrack("Goulburn", "NSW", ("GOUL",)),
    KnownTrack("Grafton", "NSW", ("GRAF",)),
    KnownTrack("Gunnedah", "NSW", ("GUNN", "GUN")),
    KnownTrack(
        "Hatrick",
        "NZ",
        (
            "Wanganui",
            "Whanganui",
            "Hatrick Raceway",
            "Wanganui GRC",
            "Whanganui GRC",
        ),
    ),
    KnownTrack(
        "Healesville",
        "VIC",
        (
            "HEA",
            "HVL",
        ),
    ),
    KnownTrack(
        "Hobart",
        "TAS",
        (
            "HOBT",
            "HOB",
            "Elwick",
        ),
    ),
    KnownTrack("Horsham", "VIC", ("HOR",)),
    KnownTrack("Ipswich", "QLD", ("IPFR", "IPMO", "IPSA", "IPSU", "IPTH", "IPTU", "IPWE", "IPS")),
    KnownTrack(
        "Launceston",
        "TAS",
        (
            "LCTN",
            "LAU",
            "Mowbray",
        ),
    ),
    KnownTrack("Maitland", "NSW", ("MAIT", "MAI")),
    KnownTrack(
        "Manawatu",
        "NZ",
        (
            "Palmerston North",
            "Manawatu Raceway",
            "Palmerston North GRC",
        ),
    ),
    KnownTrack("Mandurah", "WA", ("MAND",)),
    KnownTrack("Mount Gambier", "SA", ("MT/G", "MT_G", "MOUNT", "Mt Gambier")),
    KnownTrack("Murray Bridge", "SA", ("MBR", "MURR")),
    KnownTrack("Murray Bridge Straight", "SA", ("MBS",)),
    KnownTrack("Muswellbrook", "NSW", ("MUSW", "MUS")),
    KnownTrack("Northam", "WA", ("NOR",)),
    KnownTrack("Nowra", "NSW", ("NOWR", "NOW")),
    KnownTrack(
        "Potts Park",
        "NSW",
        (
            "PPK",
            "Yagoona",
        ),
    ),
    KnownTrack("Q Straight", "QLD", ("QST",)),
    KnownTrack("Q1 Lakeside", "QLD", ("QOT", "Q1L", "Lakeside")),
    KnownTrack(
        "Q2 Parklands",
        "QLD",
        (
            "QTT",
            "Q2P",
            "Parklands",
        ),
    ),
    KnownTrack("Richmond", "NSW", ("RICH",)),
    KnownTrack("Richmond Straight", "NSW", ("RICS",)),
    KnownTrack("Rockhampton", "QLD", ("ROCK", "ROC")),
    KnownTrack(
        "Sale",
        "VIC",
        (
            "SAL",
            "SLE",
        ),
    ),
    KnownTrack(
        "Sandown Park",
        "VIC",
        (
            "SAN",
            "SAND",
            "SAP",
            "SANDOWN",
            "Sandown Greyhounds",
        ),
    ),
    KnownTrack(
        "Shepparton",
        "VIC",
        (
            "SHE",
            "SHEP",
            "SHP",
        ),
    ),
    KnownTrack("Tamworth", "NSW", ("TAMW", "TAM")),
    KnownTrack("Taree", "NSW", ("TARE", "TAR")),
    KnownTrack("Temora", "NSW", ("TEMA", "TEM")),
    KnownTrack("The Gardens", "NSW", ("GRDN", "GARD", "Gardens")),
    KnownTrack(
        "The Meadows",
        "VIC",
        (
            "MEA",
            "Meadows",
            "MEP",
        ),
    ),
    KnownTrack("Townsville", "QLD", ("TVLE", "TWN", "TOWN")),
    KnownTrack("Traralgon", "VIC", ("TRA", "TRAR")),
    KnownTrack("Wagga", "NSW", ("WAGA", "WAG", "Wagga Wagga")),
    KnownTrack(
        "Warragul",
        "VIC",
        (
            "WRGL",
            "WARR",
            "WGL",
        ),
    ),
    KnownTrack("Warrnambool", "VIC", ("WAR", "WBL")),
    KnownTrack(
        "Wentworth Park",
        "NSW",
        (
            "W/PK",
            "W_PK",
            "WPK",
            "Wentworth Pk",
        ),
    ),
    # Features know a track by its number: new ones go to LATER_TRACKS in racing/domain/tracks.py.
    KnownTrack(
        "Manukau",
        "NZ",
        (
            "Auckland",
            "Manukau Stadium",
            "Auckland GRC",
        ),
    ),
    # Closed before 2025, raced rarely, or too young for the files by which the others were numbered.
    KnownTrack("Appin", "NSW"),
    KnownTrack("Armidale", "NSW"),
    KnownTrack("Barmera", "SA"),
    KnownTrack("Bathurst", "NSW", ("Kennerson Park",)),
    KnownTrack("Cairns", "QLD"),
    KnownTrack("Canberra", "ACT", ("CANB", "Symonston")),
    KnownTrack("Coonabarabran", "NSW"),
    KnownTrack("Cowra", "NSW"),
    KnownTrack("Cranbourne", "VIC", ("CRAN",)),
    KnownTrack("Devonport", "TAS", ("DPRT", "Dport")),
    KnownTrack("Forbury Park", "NZ", ("Otago", "Otago GRC", "Dunedin")),
    KnownTrack("Kempsey", "NSW", ("KEMP",)),
    KnownTrack("Lismore", "NSW", ("LISM",)),
    KnownTrack("Lithgow", "NSW"),
    KnownTrack("Mackay", "QLD"),
    KnownTrack("Moree", "NSW"),
    KnownTrack("Mudgee", "NSW"),
    KnownTrack("Port Augusta", "SA", ("Pt Augusta",)),
    KnownTrack("Port Pirie", "SA", ("Pt Pirie",)),
    KnownTrack("Singleton", "NSW"),
    KnownTrack("Strathalbyn", "SA"),
    KnownTrack("Tokoroa", "NZ"),
    KnownTrack("Toowoomba", "QLD"),
    KnownTrack("Tweed Heads", "NSW", ("Border Park",)),
    KnownTrack("Virginia", "SA"),
    KnownTrack("Wauchope", "NSW"),
    KnownTrack("Whyalla", "SA"),
    KnownTrack("Young", "NSW"),
)
