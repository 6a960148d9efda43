"""A source record: the checked facts that one row of a file states of one run; no database needed."""

import datetime as dt
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from racing.database.tables import RunFacts, SourceRow
from racing.domain.cards import DISTANCE_M, PRICE
from racing.domain.errors import FileRefused
from racing.domain.names import name_key, plain_name
from racing.domain.regions import key_at
from racing.domain.tracks import track_name
from racing.importers.files.csv_file import CsvFile
from racing.importers.files.csv_line import BrokenRow
from racing.importers.files.dates import DateOrder, FileDates, NotADate
from racing.importers.records.prices import decimal_odds, is_missing
from racing.importers.report import MAX_LINES_A_FILE, Problem, Problems

FACTS = tuple(RunFacts.model_fields)
MAX_MARGIN_LENGTHS = 50.0
MAX_REFUSED_ROWS = 100_000  # of one file: each is remembered, as its race is not whole
_EPOCH = dt.date(1970, 1, 1)
_METRES = re.compile(r"(\d{1,5})(?:\.0*)?\s*(?:m|metres|meters)?", re.IGNORECASE)
_BLANK_FACTS: dict[str, Any] = {name: field_.default for name, field_ in RunFacts.model_fields.items()}

# All keys that a record ever has: one that grew key by key took twice the time.
_BLANK_RECORD: dict[str, Any] = {
    **dict.fromkeys((*SourceRow.model_fields, "dog_key", "track")),
    **_BLANK_FACTS,
    "is_race_whole": True,
    "is_blank": False,
}

_BLANK_FACTS_OF_WAITING: dict[str, Any] = {
    **dict.fromkeys(("race_number", "market_id", "dog_key", "dog_name", "sex", "sire", "dam", "reason")),
    "is_race_whole": True,
    "is_joined": False,
}

# A record is a dict, since a hundred thousand of them go straight into `executemany`: the columns of
# SourceRow without ids, and what becomes ids (dog_key, track, date, distance_m).
SourceRecord = dict[str, Any]


class RowRefused(Exception):
    """A row breaks a rule; the message states rule and value."""


@dataclass(slots=True)
class ParsedFile:
    """A file's records, each of another run, and the problems of its rows."""

    name: str
    kind: str
    sha256: str
    n_columns: int = 0
    dates: FileDates = field(default_factory=FileDates)
    notes: tuple[str, ...] = ()
    """How it was read where that is not plain: its encoding, its delimiter."""
    records: list[SourceRecord] = field(default_factory=list)
    n_empty: int = 0
    """Rows of empty boxes, such as ``VACANT``."""
    problems: Problems = field(default_factory=lambda: Problems(MAX_LINES_A_FILE))
    n_read: int = 0
    n_repeated: int = 0
    n_refused: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    """What is no race of ours, by what it is: a recording's markets of other kinds."""
    waiting: list[dict[str, Any]] = field(default_factory=list)
    """Rows that name no distance or no dog: the columns of :class:`~racing.database.tables.WaitingRow`."""
    prices: list[dict[str, Any]] = field(default_factory=list)
    """Prices before the off: the columns of :class:`~racing.database.tables.RunnerPrice` with ``dog_key``
    instead of ids; each of a dog that a record names."""

    @classmethod
    def of(cls, file: CsvFile, kind: str, *, date_column: str, latest: dt.date | None = None) -> "ParsedFile":
        """Return the beginning of a parsed file, whose dates stand in that column.

        ``latest`` is the last day that it may name, by default today.
        """
        dates: Iterable[tuple[int, str]] = ()
        if file.date_order == DateOrder.AUTO:
            at = file.header.index(date_column)
            dates = ((line, row[at]) for line, row in file.rows() if len(row) == len(file.header))
        return cls(
            name=file.name,
            kind=kind,
            sha256=file.sha256,
            notes=file.notes,
            n_columns=len(file.header),
            dates=FileDates(file.date_order, dates, latest),
        )

    def check(self, row: list[str]) -> None:
        """Raise :class:`RowRefused` unless a row could be read and has a field for each column."""
        if type(row) is BrokenRow:
            raise RowRefused(row.reason)
        if len(row) != self.n_columns:
            raise RowRefused(f"a row has {self.n_columns} fields, got {len(row)}")

    def record(self, line: int, *, dog: str, track: str, date: str, distance: str) -> SourceRecord:
        """Return a record that names a run, its facts still blank.

        Raises
        ------
        RowRefused
            If it does not say which run.
        """
        key, name = _names_of(dog)
        if not key:
            raise RowRefused(f"a dog's name holds a letter or digit, got {dog!r}")
        if not track:
            raise RowRefused("track must not be blank")
        day, distance_m = self.date_of(date, line), distance_of(distance)
        record = _BLANK_RECORD.copy()
        record["line"] = line
        record["bucket"] = date_distance_key(day, distance_m)
        record["dog_key"] = key_at(key, track)
        record["dog_name"] = name
        record["track"] = track_name(track, distance_m)
        return record

    @staticmethod
    def record_like(blank: SourceRecord, line: int, dog: str, track: str) -> SourceRecord:
        """Return a record of another run of a race, its other facts as they are in ``blank``.

        Raises
        ------
        RowRefused
            If it does not say which dog.
        """
        key, name = _names_of(dog)
        if not key:
            raise RowRefused(f"a dog's name holds a letter or digit, got {dog!r}")
        record = blank.copy()
        record["line"], record["dog_key"], record["dog_name"] = line, key_at(key, track), name
        return record

    def waiting_record(self, line: int, kind: str, date: dt.date, track: str) -> SourceRecord:
        """Return a row that waits for its race, its facts still blank.

        Raises
        ------
        RowRefused
            If it does not say which race.
        """
        if not track:
            raise RowRefused("track must not be blank")
        of_row = {"line": line, "kind": kind, "date": date, "track": track_name(track)}
        return {**_BLANK_FACTS, **of_row, **_BLANK_FACTS_OF_WAITING}

    def date_of(self, text: str, line: int) -> dt.date:
        """Return a past date, read in the order of the file's dates; see :class:`FileDates`."""
        try:
            return self.dates.date(text, line)
        except NotADate as error:
            raise RowRefused(str(error)) from None

    def refuse(self, line: int, reason: str) -> None:
        """Note a row that is not taken.

        Raises
        ------
        FileRefused
            If they are too many to be remembered.
        """
        self.n_refused += 1
        if self.n_refused > MAX_REFUSED_ROWS:
            raise FileRefused(
                f"a file has at most {MAX_REFUSED_ROWS} rows that are refused, the last: {reason}"
            )
        self.problems.add(Problem(self.name, line, "row", reason))

    def price(self, name: str, text: str, line: int, dog: str, highest: float = PRICE[1]) -> float | None:
        """Return decimal odds, ``None`` where unknown; an impossible price is dropped."""
        try:
            value = decimal_odds(text)
        except ValueError:
            value = math.nan
        if value is None or PRICE[0] <= value <= highest:
            return value
        self.drop(line, f"{name} must be {PRICE[0]}..{highest:.0f}, got {text!r} ({dog!r})")
        return None

    def drop(self, line: int, reason: str) -> None:
        """Note a fact that is not taken, of a row that is."""
        self.problems.add(Problem(self.name, line, "fact", reason))


@lru_cache(maxsize=200_000)
def _names_of(dog: str) -> tuple[str, str]:
    """Return the key of a dog's name, and the name without what a source hangs on it."""
    return name_key(dog), plain_name(dog)


@lru_cache(maxsize=100_000)
def date_distance_key(date: dt.date, distance_m: int) -> int:
    """Return the key of a date and distance: rows of two sources can be of one run only under one key."""
    return (date - _EPOCH).days * 1500 + distance_m


def day_of_key(key: int) -> dt.date:
    """Return the date of a key."""
    return _EPOCH + dt.timedelta(days=key // 1500)


def distance_of_key(key: int) -> int:
    """Return the distance of a key in metres."""
    return key % 1500


@lru_cache(maxsize=2_000)
def distance_of(text: str) -> int:
    """Return a distance in whole metres: ``450``, ``450.0``, ``450m`` and ``450 m`` are one."""
    found = _METRES.fullmatch(text.strip())
    low, high = DISTANCE_M
    if not found or not low <= int(found[1]) <= high:
        raise RowRefused(f"distance must be whole metres, {low}..{high}, got {text!r}")
    return int(found[1])


def number(text: str) -> float | None:
    """Return a number; ``None`` where blank or no finite number."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


@lru_cache(maxsize=20_000)
def known(text: str) -> str:
    """Return a field without blanks around it, ``""`` where it says that its value is missing."""
    return "" if is_missing(text) else text.strip()
