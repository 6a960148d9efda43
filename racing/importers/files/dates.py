"""The race days of a file: how each is written, and in which order day and month stand in the whole file.

A date is written ``2025-07-31`` or ``31/07/2025`` (also with ``.`` or ``-``), ``20250731``, or with the
month's name (``31 Jul 2025``, ``Thursday, 31st July 2025``, ``July 31, 2025``, ``31-Jul-25``). A time may
follow where it is midnight: at another time the day of the race depends on the zone of the time, which a file
does not tell. Whether ``03/04/2026`` is in April or in March stands in no row: that is a matter of the whole
file.
"""

import datetime as dt
import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

from racing.domain.errors import FileRefused
from racing.domain.track_time import latest_day

FIRST_DAY = dt.date(1990, 1, 1)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[,.]?\s+)?"
_NAMED = re.compile(
    rf"{_WEEKDAY}(\d{{1,2}})(?:st|nd|rd|th)?[ -]([a-z]{{3}})[a-z]*[,.]?[ -](\d{{4}}|\d{{2}})", re.IGNORECASE
)
_NAMED_FIRST = re.compile(
    rf"{_WEEKDAY}([a-z]{{3}})[a-z]*\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})", re.IGNORECASE
)
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)(?:\.0)?")
_TIME = re.compile(
    r"[T ]\s*(\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?", re.IGNORECASE
)
_RULE = "a date is written YYYY-MM-DD or D/MM/YYYY"


class DateOrder(StrEnum):
    """In which order a file's dates such as ``03/04/2026`` are written.

    ``DEFAULT`` is day first, and the file is refused where one of its dates says otherwise; ``AUTO`` is what
    the dates of the file say; the other two are for those who know it.
    """

    DEFAULT = "default"
    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"
    AUTO = "auto"


class NotADate(ValueError):
    """A date breaks a rule; the message states rule and value."""


class FileDates:
    """The dates of one file, each read in the file's own order."""

    def __init__(
        self,
        order: DateOrder = DateOrder.DEFAULT,
        dates: Iterable[tuple[int, str]] = (),
        latest: dt.date | None = None,
    ) -> None:
        """``dates`` are all of the file with their lines: ``AUTO`` needs them before it reads the first.

        ``latest`` is the last day that is past, by default :func:`~racing.domain.track_time.latest_day`.
        """
        self._latest = latest or latest_day()
        self._order = order
        self._read: dict[str, dt.date] = {}
        self._month_first = order == DateOrder.MONTH_FIRST
        if order == DateOrder.AUTO:
            self._month_first = self._is_month_first(dates)

    def date(self, text: str, line: int) -> dt.date:
        """Return the past day that a row names.

        Raises
        ------
        NotADate
            If it is none.
        FileRefused
            If it shows that the dates of the file are not in the order in which they are read.
        """
        date = self._read.get(text)
        if date is None:
            iso = _iso_date(text)
            date = self._date(text, line) if iso is None else self._past(iso)
            if len(self._read) < 10_000:
                self._read[text] = date
        return date

    def _date(self, text: str, line: int) -> dt.date:
        plain = _without_midnight(text.strip())
        numbers = _YEAR_LAST.fullmatch(plain)
        if numbers is None:
            return self._past(_certain_date(plain, text))
        first, second, year = int(numbers[1]), int(numbers[3]), int(numbers[4])
        date, other = _day(year, second, first), _day(year, first, second)
        if self._month_first:
            date, other = other, date
        is_doubtful = date is None if self._order != DateOrder.DEFAULT else not self._is_past(date)
        if is_doubtful and other is not None and self._is_past(other):
            raise _wrong_order(text, line, self._month_first, self._order)
        if date is None:
            raise NotADate(f"{_RULE}, got {text!r}")
        return self._past(date)

    def _past(self, date: dt.date) -> dt.date:
        if not self._is_past(date):
            raise NotADate(f"a race that was run lies between {FIRST_DAY} and today, got {date}")
        return date

    def _is_past(self, date: dt.date | None) -> bool:
        return date is not None and FIRST_DAY <= date <= self._latest

    def _is_month_first(self, dates: Iterable[tuple[int, str]]) -> bool:
        """Return whether a file's dates are month-first, by those that can be read in one order only."""
        only: dict[bool, tuple[int, str]] = {}
        open_line: tuple[int, str] | None = None
        for line, text in dates:
            numbers = _YEAR_LAST.fullmatch(_without_midnight_or_as_it_is(text.strip()))
            if numbers is None:
                continue
            first, second, year = int(numbers[1]), int(numbers[3]), int(numbers[4])
            day_first, month_first = (
                self._is_past(_day(year, second, first)),
                self._is_past(_day(year, first, second)),
            )
            if day_first != month_first:
                only.setdefault(month_first, (line, text))
            elif day_first and first != second:
                open_line = open_line or (line, text)
        if len(only) == 2:
            day, month = only[False], only[True]
            reason = (
                f"its dates are in two orders: {day[1]!r} on line {day[0]}, {month[1]!r} on line {month[0]}"
            )
            raise FileRefused(reason, ((month[0], reason),))
        if not only and open_line:
            reason = f"no date of it tells their order ({open_line[1]!r} on line {open_line[0]})"
            raise FileRefused(
                f"{reason}; say --dates day-first or --dates month-first", ((open_line[0], reason),)
            )
        return True in only


def _wrong_order(text: str, line: int, is_month_first: bool, order: DateOrder) -> FileRefused:
    read, other = ("month-first", "day-first") if is_month_first else ("day-first", "month-first")
    reason = f"its dates are read {read}, and {text!r} on line {line} cannot be that"
    if order == DateOrder.DEFAULT:
        reason += ", so the order of all is doubtful; say --dates month-first if that is theirs"
    else:
        reason += f"; is this file {other}? Import it alone, with --dates {other}"
    return FileRefused(reason, ((line, reason),))


@lru_cache(maxsize=20_000)
def _iso_date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if len(text) == 10 and text[4] == "-" else None
    except ValueError:
        return None


def _certain_date(plain: str, text: str) -> dt.date:
    if numbers := _YEAR_FIRST.fullmatch(plain):
        date = _day(int(numbers[1]), int(numbers[3]), int(numbers[4]))
    elif compact := _COMPACT.fullmatch(plain):
        date = _day(int(compact[1]), int(compact[2]), int(compact[3]))
    elif (named := _NAMED.fullmatch(plain)) and named[2].lower() in _MONTHS:
        year = named[3] if len(named[3]) == 4 else f"20{named[3]}"  # 26-Feb-20, as Excel shows days
        date = _day(int(year), _MONTHS.index(named[2].lower()) + 1, int(named[1]))
    elif (named := _NAMED_FIRST.fullmatch(plain)) and named[1].lower() in _MONTHS:
        date = _day(int(named[3]), _MONTHS.index(named[1].lower()) + 1, int(named[2]))
    else:
        date = None
    if date is None:
        raise NotADate(f"{_RULE}, got {text!r}")
    return date


def _without_midnight(text: str) -> str:
    time = _TIME.search(text)
    if time is None or time.end() != len(text):
        return text
    if time[1].replace("0", "").strip(":."):
        rule = "a date may have midnight as its time; at another time its day depends on the zone"
        raise NotADate(f"{rule}: write the day of the race alone, got {text!r}")
    return text[: time.start()]


def _without_midnight_or_as_it_is(text: str) -> str:
    try:
        return _without_midnight(text)
    except NotADate:
        return text


def _day(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None
