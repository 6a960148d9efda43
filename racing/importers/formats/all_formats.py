"""Every format, and which one a file is of."""

from difflib import get_close_matches

from racing.domain.errors import FileRefused
from racing.importers.files.csv_file import CsvFile, column_key
from racing.importers.files.input_file import InputFile
from racing.importers.formats.betfair import parse_betfair
from racing.importers.formats.betfair_official import NEEDED, is_official
from racing.importers.formats.betfair_sp import NEEDED as SP_COLUMNS
from racing.importers.formats.betfair_sp import is_place_file, is_win_file, parse_place_sp, parse_sp
from racing.importers.formats.betfair_stream import BETFAIR_STREAM
from racing.importers.formats.box_order import BOX_ORDER
from racing.importers.formats.form_guides import COLUMNS, parse_form_guide
from racing.importers.formats.format import Format, from_csv
from racing.importers.formats.gbgb import GBGB
from racing.importers.formats.nz_results import NZ_RESULTS
from racing.importers.formats.recorder import GREYHOUND_RECORDER
from racing.importers.formats.results import NEEDED as RESULTS_COLUMNS
from racing.importers.formats.results import parse_results
from racing.importers.formats.topaz import TOPAZ
from racing.importers.stream.messages import is_stream
from racing.race_day.cards_file import has_cards, is_guide_of_race_to_come, is_json, read_cards, read_guide

BETFAIR_OFFICIAL = Format(
    name="betfair-official",
    title="an official monthly file of Betfair's",
    is_it=lambda file: file.is_csv and is_official(file.csv),
    read=from_csv(parse_betfair),
    columns=NEEDED,
)
BETFAIR_MODEL = Format(
    name="betfair-model",
    title="a monthly file of Betfair's model results",
    is_it=lambda file: file.has(("MarketId", "WIN_RESULT")),
    read=from_csv(parse_betfair),
    columns=("Date", "Track", "Race Name", "MarketId", "Rug", "Dog", "WIN_RESULT", "WIN_BSP"),
)
BETFAIR_SP = Format(
    name="betfair-sp",
    title="Betfair's starting prices of a day",
    is_it=is_win_file,
    read=from_csv(parse_sp),
    columns=SP_COLUMNS,
)
BETFAIR_PLACE_SP = Format(
    name="betfair-sp-place",
    title="Betfair's place starting prices of a day",
    is_it=is_place_file,
    read=from_csv(parse_place_sp),
)
CARDS = Format(
    name="cards",
    title="cards of races to come",
    is_it=lambda file: has_cards(file) and not is_stream(file.head),
    read=read_cards,
)
GUIDE_CARD = Format(
    name="guide-card",
    title="a form guide with the race to come that its name tells",
    is_it=is_guide_of_race_to_come,
    read=read_guide,
)
FORM_GUIDE = Format(
    name="form-guide",
    title="a form guide",
    is_it=lambda file: file.has(COLUMNS) and not is_guide_of_race_to_come(file),
    read=from_csv(parse_form_guide),
    columns=COLUMNS,
)
RESULTS = Format(
    name="results",
    title="results in our columns",
    is_it=lambda file: file.has(("race_id", "runner", "distance_m")),
    read=from_csv(parse_results),
    columns=RESULTS_COLUMNS,
)
FORMATS: tuple[Format, ...] = (
    BETFAIR_STREAM,
    BETFAIR_OFFICIAL,
    BETFAIR_MODEL,
    BETFAIR_SP,
    BETFAIR_PLACE_SP,
    RESULTS,
    CARDS,
    GUIDE_CARD,
    GBGB,
    GREYHOUND_RECORDER,
    BOX_ORDER,
    NZ_RESULTS,
    TOPAZ,
    FORM_GUIDE,
)
"""The strictest first. No two claim the same file, which a test shows for every sample."""
_N_LACKING_SHOWN = 6


def format_of(file: InputFile) -> Format:
    """Return the format of a file.

    Raises
    ------
    FileRefused
        If it is of none; a CSV file is compared with the nearest one.
    """
    found = next((one for one in FORMATS if one.is_it(file)), None)
    if found is None:
        raise FileRefused(_why_none(file.csv))  # what is no CSV is refused for that
    return found


def format_named(name: str) -> Format:
    """Return the format of a name.

    Raises
    ------
    FileRefused
        If there is none.
    """
    for one in FORMATS:
        if one.name == name:
            return one
    near = get_close_matches(name, [one.name for one in FORMATS], 1)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    raise FileRefused(
        f"a format is one of {', '.join(one.name for one in FORMATS)}, got {name[:40]!r}{meant}"
    )


def _why_none(file: CsvFile) -> str:
    """Return why a CSV file is of no format: what its header lacks to be the one that it shares most with."""
    has = set(map(column_key, file.header))
    shares = [
        (len(has & keys) / len(keys), one) for one in FORMATS if (keys := set(map(column_key, one.columns)))
    ]
    share, nearest = max(shares, key=lambda pair: pair[0])
    names = ", ".join(name for name in file.header if name)[:120] or "none"
    lacking = [name for name in nearest.columns if column_key(name) not in has]
    if share < 0.5 or not lacking:  # it has less than half of the columns of any, or one too many
        return (
            f"it is of no format that is known: its columns are {names}; "
            "--columns says what they mean, --as which format it is"
        )
    more = f" and {len(lacking) - _N_LACKING_SHOWN} more" if len(lacking) > _N_LACKING_SHOWN else ""
    missing = ", ".join(lacking[:_N_LACKING_SHOWN]) + more
    return f"it looks like {nearest.title}, but columns are missing here: {missing}; it has {names}"


def card_format_of(file: InputFile) -> Format:
    """Return the format of a file of races to come: a guide is a card, whatever day its name tells.

    Raises
    ------
    FileRefused
        If it is of no format.
    """
    if file.has(COLUMNS):
        return GUIDE_CARD
    return CARDS if is_json(file) and not is_stream(file.head) else format_of(file)


ANY_CARDS = Format(
    name="any-cards",
    title="races to come",
    is_it=lambda file: False,
    read=lambda file: card_format_of(file).read(file),
)
"""What ``greyhound import cards`` takes files as."""
