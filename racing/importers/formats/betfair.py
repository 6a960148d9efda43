"""Betfair's monthly model results ``Iggy_Model_V2_Results_YYYY_MM.csv``: whole fields with prices."""

import re

from racing.domain.cards import EARLY_SPEED as EARLY_SPEEDS
from racing.domain.grades import grade_of
from racing.importers.files.csv_file import CsvFile
from racing.importers.formats.betfair_official import is_official, parse_official
from racing.importers.formats.betfair_race import KIND, is_empty_box, name_race, parse_races, place_of
from racing.importers.records.source_record import (
    ParsedFile,
    RowRefused,
    SourceRecord,
    known,
    number,
)

COLUMNS = (
    "Date",
    "Track",
    "Race Name",
    "Race",
    "MarketId",
    "Rug",
    "Dog",
    "Rated Price",
    "WIN_RESULT",
    "WIN_BSP",
    "PLACE_RESULT",
    "PLACE_BSP",
)
_DOG, _WON = COLUMNS.index("Dog"), COLUMNS.index("WIN_RESULT")
_RACE_COLUMNS = ("MarketId", "Date", "Track", "Race Name", "Race")
EARLY_SPEED = "Early Speed"  # a column that the oldest files lack
MAX_RATED_PRICE = 10_000.0  # a model, no market: 142 prices of 442,136 lie above 1000, the highest is 4,788
_RACE_NAME = re.compile(
    r"^R(\d+)\s+(\d{3,4})(?:m\s*|\s+)(.*)$"
)  # "R1 450m Mdn", "R12 352mHeat", "R10 457 M5"
_RESULTS = {"": None, "0": False, "0.0": False, "1": True, "1.0": True}  # blank: see parse_betfair


def parse_betfair(file: CsvFile) -> ParsedFile:
    """Return the records of the file; its header tells an official monthly file from one of model results.

    A blank ``WIN_RESULT`` is a scratched runner where others of its race have a result; where none has,
    the race was abandoned or has no result yet: its runners are imported, ``won`` unknown. Rugs 9 and 10 are
    reserves, whose box is unknown.
    """
    if is_official(file):
        return parse_official(file)
    file = file.with_columns(COLUMNS, "a monthly file of Betfair's", (EARLY_SPEED,))
    parsed = ParsedFile.of(file, KIND, date_column="Date")
    at = [file.header.index(name) for name in COLUMNS]
    races = _Races(parsed)
    at_early_speed = file.header.index(EARLY_SPEED) if EARLY_SPEED in file.header else None

    def record_of(line: int, row: list[str]) -> SourceRecord | None:
        values = [row[i].strip() for i in at]
        if is_empty_box(values[_DOG], values[_WON], parsed):
            return None
        record = races.record(line, values)
        if at_early_speed is not None:
            record["early_speed"] = _early_speed(line, row[at_early_speed].strip(), parsed)
        return record

    return parse_races(file, parsed, _RACE_COLUMNS, record_of)


class _Races:
    """The records of a file: what a race's rows have in common is worked out at the first of them."""

    def __init__(self, parsed: ParsedFile) -> None:
        self._parsed = parsed
        self._of_race: tuple[str, ...] = ()
        self._blank: SourceRecord = {}

    def record(self, line: int, row: list[str]) -> SourceRecord:
        """Return the record of a row.

        Raises
        ------
        RowRefused
            If it does not say which run.
        """
        (day, track, race_name, race_number, market, rug, dog, rated, won, bsp, placed, place_bsp) = row
        parsed, of_race = self._parsed, (day, track, race_name, race_number, market)
        named = _RACE_NAME.match(race_name) if of_race != self._of_race else None
        if named is None and of_race != self._of_race:
            raise RowRefused(f"a race name reads 'R1 450m Mdn', got {race_name!r}")
        won, placed = known(won), known(placed)
        if won not in _RESULTS or placed not in _RESULTS:
            raise RowRefused(f"WIN_RESULT and PLACE_RESULT must be 0, 1 or blank, got {won!r} and {placed!r}")
        if named is None:
            record = parsed.record_like(self._blank, line, dog, track)
            record["rug"], record["box"] = place_of(rug)
        else:
            record = parsed.record(line, dog=dog, track=track, date=day, distance=named[2])
            name_race(record, market, rug, "MarketId")
            record["race_number"] = int(number(race_number) or named[1])
            record["grade"] = grade_of(named[3])
            self._of_race, self._blank = of_race, record.copy()
        record["won"], record["placed"] = _RESULTS[won], _RESULTS[placed]
        for name, text in (("rated_price", rated), ("bsp", bsp), ("place_bsp", place_bsp)):
            limits = (MAX_RATED_PRICE,) if name == "rated_price" else ()
            record[name] = parsed.price(name, text, line, dog, *limits)
        return record


def _early_speed(line: int, text: str, parsed: ParsedFile) -> float | None:
    if text == "Unknown" or not known(text):
        return None
    value = number(text)
    low, high = EARLY_SPEEDS
    if value is not None and low <= value <= high:
        return value
    parsed.drop(line, f"early speed must be {low}..{high}, Unknown or blank, got {text!r}")
    return None
