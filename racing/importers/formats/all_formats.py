"""Every format, and which one a file is of."""

from racing.domain.errors import FileRefused
from racing.importers.files.input_file import InputFile
from racing.importers.formats.betfair import parse_betfair
from racing.importers.formats.betfair_official import is_official
from racing.importers.formats.form_guides import COLUMNS, parse_form_guide
from racing.importers.formats.format import Format, from_csv
from racing.importers.formats.gbgb import GBGB
from racing.importers.formats.results import parse_results
from racing.race_day.cards_file import has_cards, is_guide_of_race_to_come, is_json, read_cards, read_guide

BETFAIR_OFFICIAL = Format(
    name="betfair-official",
    title="an official monthly file of Betfair's",
    is_it=lambda file: file.is_csv and is_official(file.csv),
    read=from_csv(parse_betfair),
)
BETFAIR_MODEL = Format(
    name="betfair-model",
    title="a monthly file of Betfair's model results",
    is_it=lambda file: file.has(("MarketId", "WIN_RESULT")),
    read=from_csv(parse_betfair),
)
CARDS = Format(name="cards", title="cards of races to come", is_it=has_cards, read=read_cards)
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
)
RESULTS = Format(
    name="results",
    title="results in our columns",
    is_it=lambda file: file.has(("race_id", "runner", "distance_m")),
    read=from_csv(parse_results),
)
FORMATS = (
    BETFAIR_OFFICIAL,
    BETFAIR_MODEL,
    RESULTS,
    GBGB,
    CARDS,
    GUIDE_CARD,
    FORM_GUIDE,
)


def format_of(file: InputFile) -> Format:
    """Return the format of a file.

    A CSV file of none that we know is taken for a form guide, which says what it lacks.

    Raises
    ------
    FileRefused
        If it is no CSV file, and of no other format either.
    """
    found = next((one for one in FORMATS if one.is_it(file)), None)
    if found is None:
        _ = file.csv  # which refuses what is no CSV
    return found or FORM_GUIDE


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
    raise FileRefused(f"a format is one of {', '.join(one.name for one in FORMATS)}, got {name[:40]!r}")


def card_format_of(file: InputFile) -> Format:
    """Return the format of a file of races to come: a guide is a card, whatever day its name tells.

    Raises
    ------
    FileRefused
        If it is of no format.
    """
    if file.has(COLUMNS):
        return GUIDE_CARD
    return CARDS if is_json(file) else format_of(file)


ANY_CARDS = Format(
    name="any-cards",
    title="races to come",
    is_it=lambda file: False,
    read=lambda file: card_format_of(file).read(file),
)
"""What ``greyhound import cards`` takes files as."""
