"""Betfair's official monthly files ``ANZ_Greyhounds_YYYY_MM.csv``: one row a runner.

Their market ids are those of the model results (:mod:`racing.importers.formats.betfair`): the same races. A
race none of whose runners has a result is upcoming, at most a week ahead.
"""

import datetime as dt
import re
from functools import lru_cache
from operator import itemgetter
from typing import Any

from racing.domain.cards import PRICE
from racing.domain.grades import grade_of
from racing.domain.track_time import latest_day
from racing.importers.files.csv_file import CsvFile
from racing.importers.formats.betfair_race import KIND, is_empty_box, name_race, parse_races
from racing.importers.records.off_times import off_of
from racing.importers.records.source_record import (
    ParsedFile,
    RowRefused,
    SourceRecord,
    date_distance_key,
    day_of_key,
    known,
    number,
)

NEEDED = (
    "LOCAL_MEETING_DATE",
    "TRACK",
    "RACE_NO",
    "WIN_MARKET_ID",
    "DISTANCE",
    "TAB_NUMBER",
    "SELECTION_NAME",
    "WIN_RESULT",
    "WIN_BSP",
)
OPTIONAL = (
    "RACE_TYPE",
    "RACING_TYPE",
    "PLACE_RESULT",
    "PLACE_BSP",
    "SCHEDULED_RACE_TIME",
    "WIN_PREPLAY_LAST_PRICE_TAKEN",
    "WIN_PREPLAY_WEIGHTED_AVERAGE_PRICE_TAKEN",
    "WIN_PREPLAY_VOLUME",
    "BEST_AVAIL_BACK_AT_SCHEDULED_OFF",
    "BEST_AVAIL_LAY_AT_SCHEDULED_OFF",
    "WIN_MARKET_NAME",
)
MAX_DAYS_AHEAD = 7
_OWN_COLUMNS = ("LOCAL_MEETING_DATE", "WIN_MARKET_ID", "SELECTION_NAME")
_RACE_COLUMNS = ("WIN_MARKET_ID", "LOCAL_MEETING_DATE", "TRACK", "DISTANCE", "RACE_NO")
_RESULTS = {"": None, "WINNER": True, "LOSER": False}
_PLACE_RESULTS = _RESULTS | {"PLACED": True}
_MARKET_NAME = re.compile(r"^R(\d{1,2})\s+(\d{3,4})m?\s*(.*)$")  # "R1 400m Mdn"
_REMOVED = re.compile(r"REMOVED(_VACANT)?")
_Market = tuple[str, float | None, float | None]
"""Of a row: the clock at which its race was due, and the best prices to back and to lay then."""


def is_official(file: CsvFile) -> bool:
    """Return whether the header is that of an official monthly file, not of the model results."""
    return file.has(_OWN_COLUMNS)


def parse_official(file: CsvFile) -> ParsedFile:
    """Return the records of the file, and the prices at the scheduled off.

    A runner that was ``REMOVED`` was scratched, as is one without a result in a race that has one. The tab
    number is the rug; 9 and 10 are reserves, whose box is unknown. The columns of what was matched in running
    are empty, as these races have no such market.
    """
    file = file.with_columns(NEEDED, "an official monthly file of Betfair's", OPTIONAL)
    latest = latest_day()
    parsed = ParsedFile.of(
        file, KIND, date_column="LOCAL_MEETING_DATE", latest=latest + dt.timedelta(days=MAX_DAYS_AHEAD)
    )
    reader = _RowReader(file, parsed, latest)
    parse_races(file, parsed, _RACE_COLUMNS, reader.record_of)
    _add_offs_and_prices(parsed, reader.markets)
    return parsed


class _RowReader:
    """Reads the rows of a file by where its columns stand."""

    def __init__(self, file: CsvFile, parsed: ParsedFile, latest: dt.date) -> None:
        at = {name: file.header.index(name) for name in (*NEEDED, *OPTIONAL) if name in file.header}
        # What is absent is read from behind the row, where record_of puts a blank field.
        self._fields_of = itemgetter(*(at.get(name, -1) for name in (*NEEDED, *OPTIONAL)))
        self._parsed = parsed
        self._first_ahead = date_distance_key(latest + dt.timedelta(days=1), 0)
        self.markets: dict[int, _Market] = {}
        """What the market was at the scheduled off, by the line of a runner."""

    def record_of(self, line: int, row: list[str]) -> SourceRecord | None:
        """Return the record of a row, ``None`` of an empty box."""
        (
            day, track, race_number, market, distance, tab, dog, won, bsp,
            grade, racing_type, placed, place_bsp, clock, last, average, volume, back, lay,
            market_name,
        ) = map(str.strip, self._fields_of([*row, ""]))  # fmt: skip
        parsed = self._parsed
        won, placed = known(won).upper(), known(placed).upper()
        is_removed = won not in _RESULTS and bool(_REMOVED.fullmatch(won))
        if is_empty_box(dog, "" if is_removed else won, parsed):
            return None
        if racing_type and not racing_type.upper().startswith("GREYHOUND"):
            raise RowRefused(f"RACING_TYPE must be Greyhounds, got {racing_type!r}")
        if (won not in _RESULTS and not is_removed) or (
            placed not in _PLACE_RESULTS and not _REMOVED.fullmatch(placed)
        ):
            rule = "WIN_RESULT and PLACE_RESULT must be WINNER, LOSER, REMOVED or blank"
            raise RowRefused(f"{rule}, got {won!r} and {placed!r}")
        if not distance and (named := _MARKET_NAME.match(market_name)):
            distance, grade = named[2], grade or named[3]
            race_number = race_number or named[1]
        record = parsed.record(line, dog=dog, track=track, date=day, distance=distance)
        if record["bucket"] >= self._first_ahead and _RESULTS.get(won) is not None:
            raise RowRefused(f"a race that was run is not ahead of today, got {day}")
        name_race(record, market, tab, "WIN_MARKET_ID")
        record["race_number"] = _race_number(race_number)
        record["grade"] = grade_of(grade)
        record["won"], record["placed"] = _RESULTS.get(won), _PLACE_RESULTS.get(placed)
        record["is_scratched"] = is_removed
        price = self._price
        record["bsp"] = price("bsp", bsp, line, dog)
        record["place_bsp"] = price("place_bsp", place_bsp, line, dog)
        record["last_price"] = price("last price", last, line, dog)
        record["average_price"] = price("average price", average, line, dog)
        record["volume"] = _matched(volume)
        if clock:
            best_back = price("best price to back", back, line, dog)
            self.markets[line] = clock, best_back, price("best price to lay", lay, line, dog)
        return record

    def _price(self, name: str, text: str, line: int, dog: str) -> float | None:
        """Return decimal odds; plain numbers, nearly all there are, are read without more ado."""
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            return self._parsed.price(name, text, line, dog)
        return value if PRICE[0] <= value <= PRICE[1] else self._parsed.price(name, text, line, dog)


def _add_offs_and_prices(parsed: ParsedFile, markets: dict[int, _Market]) -> None:
    """Set when each race was due, on the day that its market is of, and what stood in the market then."""
    for record in parsed.records:
        if record["line"] not in markets:
            continue
        clock, back, lay = markets[record["line"]]
        day = day_of_key(record["bucket"])
        record["off_at"] = off = off_of(day, clock, record["track"])
        last, volume = record["last_price"], record["volume"]
        if off is not None and not (back is None and lay is None and last is None):
            price: dict[str, Any] = {
                "date": day,
                "dog_key": record["dog_key"],
                "race_key": record["race_key"],
                "minutes": 0,
                "at": off,
                "back": back,
                "lay": lay,
                "last": last,
                "volume": volume,
            }
            parsed.prices.append(price)


def _matched(text: str) -> float | None:
    """Return what was matched, in Australian dollars."""
    value = number(text)
    return value if value is not None and value >= 0 else None


@lru_cache(maxsize=1_000)
def _race_number(text: str) -> int:
    plain = text.removesuffix(".0")
    if not plain.isdecimal() or not 1 <= int(plain) <= 20:
        raise RowRefused(f"RACE_NO must be 1..20, got {text!r}")
    return int(plain)
