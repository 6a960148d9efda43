"""The tracks of Britain and Ireland: GBGB's and GRI's names and codes, racecards' short forms, older names.

Beside the tracks that GBGB licenses and Greyhound Racing Ireland lists stand those that closed since about
2010 and the independent ones that still race.
"""

from racing.domain.track_list.known_track import KnownTrack

# Features know a track by its number: new ones go to LATER_TRACKS in racing/domain/tracks.py.
BRITAIN_AND_IRELAND = (
    KnownTrack("Belle Vue", "GB", ("BVUE", "Manchester")),
    KnownTrack("Central Park", "GB", ("CPARK", "Sittingbourne")),
    KnownTrack("Coventry", "GB"),
    KnownTrack("Crayford", "GB", ("CRAYF",)),
    KnownTrack("Doncaster", "GB", ("DONC", "Meadow Court")),
    KnownTrack("Dunstall Park", "GB"),
    KnownTrack("Hall Green", "GB", ("HGREN", "Hall Grn")),
    KnownTrack("Harlow", "GB", ("HARL",)),
    KnownTrack("Henlow", "GB", ("HENL",)),
    KnownTrack("Hove", "GB", ("Brighton", "Brighton & Hove", "Brighton and Hove")),
    KnownTrack("Kinsley", "GB", ("KINSL",)),
    KnownTrack("Monmore", "GB", ("MONM", "MONMR", "Monmore Green")),
    KnownTrack("Newcastle", "GB", ("NEWC", "Brough Park")),
    KnownTrack("Nottingham", "GB", ("NOTT", "NOTTM", "Colwick Park")),
    KnownTrack("Oxford", "GB", ("OXFRD", "Cowley")),
    KnownTrack("Pelaw Grange", "GB", ("PGRAN", "Pelaw", "Star Pelaw")),
    KnownTrack(
        "Perry Barr",
        "GB",
        (
            "PBARR",
            "Perry",
        ),
    ),
    KnownTrack("Peterborough", "GB", ("PBORO",)),
    KnownTrack("Poole", "GB"),
    KnownTrack("Portsmouth", "GB"),
    KnownTrack("Reading", "GB"),
    KnownTrack("Romford", "GB", ("ROMFD",)),
    KnownTrack("Rye House", "GB"),
    KnownTrack("Shawfield", "GB", ("Glasgow",)),
    KnownTrack("Sheffield", "GB", ("SHEFF", "Owlerton")),
    KnownTrack(
        "Suffolk Downs",
        "GB",
        (
            "Suffolk",
            "Mildenhall",
        ),
    ),
    KnownTrack("Sunderland", "GB", ("SUND",)),
    KnownTrack("Swindon", "GB", ("SWIN", "Abbey Stadium Swindon")),
    KnownTrack("Towcester", "GB", ("TOWC",)),
    KnownTrack("Valley", "GB", ("The Valley", "Ystrad Mynach")),
    KnownTrack("Walthamstow", "GB", ("WSTOW",)),
    KnownTrack("Wimbledon", "GB", ("WIMB", "Plough Lane")),
    KnownTrack("Yarmouth", "GB", ("YARM", "Great Yarmouth", "Gt Yarmouth")),
    # Independent tracks.
    KnownTrack("Askern", "GB"),
    KnownTrack("Bedwellty", "GB"),
    KnownTrack("Easington", "GB"),
    KnownTrack("Gretna", "GB", ("Halcrow",)),
    KnownTrack("Highgate", "GB"),
    KnownTrack("Thornton", "GB", ("Kirkcaldy",)),
    KnownTrack("Wheatley Hill", "GB"),
    # Northern Ireland's race under Irish rules, and lie in GB.
    KnownTrack("Derry", "GB", ("DRY", "Brandywell", "Londonderry")),
    KnownTrack("Drumbo Park", "GB", ("DBP", "Drumbo", "Ballyskeagh", "Lisburn")),
    KnownTrack("Dungannon", "GB", ("Oaks Dungannon",)),
    KnownTrack("Clonmel", "IE", ("CML", "Davis Road")),
    KnownTrack("Curraheen Park", "IE", ("CRK", "Cork", "Curraheen")),
    KnownTrack("Dundalk", "IE", ("DLK", "Dundalk Stadium")),
    KnownTrack("Enniscorthy", "IE", ("ECY",)),
    KnownTrack("Galway", "IE", ("GLY", "College Road")),
    KnownTrack("Harolds Cross", "IE", ("HRX", "Harold's X")),
    KnownTrack("Kilkenny", "IE", ("KKY", "St James Park")),
    KnownTrack("Lifford", "IE", ("LFD",)),
    KnownTrack("Limerick", "IE", ("LMK", "Greenpark", "Markets Field")),
    KnownTrack("Longford", "IE", ("LGD",)),
    KnownTrack("Mullingar", "IE", ("MGR",)),
    KnownTrack("Newbridge", "IE", ("NWB",)),
    KnownTrack("Shelbourne Park", "IE", ("SPK", "Shelbourne", "Shelbourne Pk")),
    KnownTrack("Thurles", "IE", ("THR", "Thurles Park")),
    KnownTrack("Tralee", "IE", ("TRL", "TRS", "Tralee Sat Evening")),
    KnownTrack("Waterford", "IE", ("WFD", "Kilcohan Park")),
    KnownTrack("Youghal", "IE", ("YGL",)),
)
