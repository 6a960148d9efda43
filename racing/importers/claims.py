"""A claim: what one row of a file says of one run, checked, before the database is asked."""

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from racing.cards import DISTANCE_M, FIRST_DAY, PRICE, WEIGHT_KG
from racing.database.tables import RunFacts
from racing.importers.reading import CsvFile
from racing.importers.report import Problem
from racing.track_time import latest_day

FACTS = tuple(RunFacts.model_fields)
MAX_MARGIN_LENGTHS = 50.0
_EPOCH = dt.date(1970, 1, 1)
_BLANK_FACTS: dict[str, Any] = {name: field_.default for name, field_ in RunFacts.model_fields.items()}

# A claim is a dict, since a hundred thousand of them go straight into `executemany`: the columns of
# SourceRow without ids, and what becomes ids (dog_key, track, date, distance_m).
Claim = dict[str, Any]


class RowRefused(Exception):
    """A row breaks a rule; the message states rule and value."""


@dataclass(slots=True)
class ParsedFile:
    """A file's claims, each of another run, and what was not believed."""

    name: str
    kind: str
    sha256: str
    claims: list[Claim] = field(default_factory=list)
    n_empty: int = 0
    """Rows of empty boxes, such as ``VACANT``."""
    problems: list[Problem] = field(default_factory=list)
    n_read: int = 0
    n_repeated: int = 0
    n_refused: int = 0

    @classmethod
    def of(cls, file: CsvFile, kind: str) -> "ParsedFile":
        """Return the beginning of a parsed file."""
        return cls(name=file.name, kind=kind, sha256=file.sha256)

    def refuse(self, line: int, reason: str) -> None:
        """Note a row that is not taken."""
        self.n_refused += 1
        self.problems.append(Problem(self.name, line, "row", reason))

    def drop(self, line: int, reason: str) -> None:
        """Note a fact that is not taken, of a row that is."""
        self.problems.append(Problem(self.name, line, "fact", reason))


def blank_claim() -> Claim:
    """Return a claim that says nothing yet."""
    return dict(_BLANK_FACTS)


@lru_cache(maxsize=100_000)
def bucket_of(date: dt.date, distance_m: int) -> int:
    """Return the number of (date, distance): sources can only mean the same run within one."""
    return (date - _EPOCH).days * 1500 + distance_m


def day_of_bucket(bucket: int) -> dt.date:
    """Return the date of a bucket."""
    return _EPOCH + dt.timedelta(days=bucket // 1500)


def distance_of_bucket(bucket: int) -> int:
    """Return the distance of a bucket in metres."""
    return bucket % 1500


@lru_cache(maxsize=10_000)
def date_of(words: str) -> dt.date:
    """Return a past date, written ``2025-07-31`` or ``31/07/2025``."""
    text = words.strip()
    try:
        if "/" in text:
            day, month, year = text.split("/")
            date = dt.date(int(year), int(month), int(day))
        elif len(text) == 10:
            date = dt.date.fromisoformat(text)
        else:
            raise ValueError(text)
    except ValueError:
        raise RowRefused(f"a date is written YYYY-MM-DD or D/MM/YYYY, got {words!r}") from None
    if not FIRST_DAY <= date <= latest_day():
        raise RowRefused(f"a race that was run lies between {FIRST_DAY} and today, got {date}")
    return date


def distance_of(words: str) -> int:
    """Return a distance in whole metres."""
    value = number(words)
    low, high = DISTANCE_M
    if value is None or not (low <= value <= high and value == int(value)):
        raise RowRefused(f"distance must be whole metres, {low}..{high}, got {words!r}")
    return int(value)


def number(words: str) -> float | None:
    """Return a number; ``None`` where blank or no finite number."""
    try:
        value = float(words)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def within(low: float, high: float) -> Callable[[float], bool]:
    """Return the test whether a number lies between two, both included."""
    return lambda value: low <= value <= high


is_price = within(*PRICE)
is_weight = within(*WEIGHT_KG)
is_margin = within(0.0, MAX_MARGIN_LENGTHS)
