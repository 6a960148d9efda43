"""Units that people have, turned into ours: yards, pounds, minutes, prices, margins in seconds."""

import datetime as dt
import re
from collections.abc import Callable
from functools import lru_cache

from racing.importers.records.prices import decimal_odds, is_missing

Convert = Callable[[str], str]
METRES_A_YARD = 0.9144
KG_A_POUND = 0.45359237
# How results are made: 0.08 s a length under the rules of GBGB, some 0.07 s in Australia and New Zealand.
SECONDS_A_LENGTH = {"GB": 0.08, "IE": 0.08, "AU": 0.07, "NZ": 0.07}
_PRICES = (
    "starting_price",
    "bsp",
    "place_bsp",
    "rated_price",
    "morning_price",
    "average_price",
    "last_price",
)
UNITS: dict[str, tuple[str, ...]] = {
    "distance_m": ("metres", "yards"),
    "weight_kg": ("kg", "lb"),
    "time_s": ("seconds", "mm:ss.cc"),
    "first_split_s": ("seconds", "mm:ss.cc"),
    "margin_lengths": ("lengths", "seconds"),
    **dict.fromkeys(_PRICES, ("decimal", "fraction", "american", "percent")),
}
"""The units of each column; ours stands first."""
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)")
_MINUTES = re.compile(r"(\d{1,2}):(\d{1,2}(?:[.:]\d+)?)")


def converter(column: str, unit: str | None, country: str | None, date_format: str | None) -> Convert | None:
    """Return how the fields of a column become ours; ``None`` where they are.

    What is no number of its unit is returned with the unit behind it, which the rules of results refuse.
    """
    if column == "date":
        return None if date_format is None else lambda text: _date(text, date_format)
    factor = {"yards": METRES_A_YARD, "lb": KG_A_POUND}.get(unit or "")
    if unit == "yards":
        return lambda text: _or_refused(text, "yards", lambda number: f"{number * METRES_A_YARD:.0f}")
    if factor is not None:
        return lambda text: _or_refused(text, "lb", lambda number: f"{number * KG_A_POUND:.2f}")
    if unit == "seconds" and column == "margin_lengths":
        a_length_s = SECONDS_A_LENGTH.get(country or "", 0.08)
        return lambda text: _or_refused(text, "seconds", lambda number: f"{number / a_length_s:.2f}")
    if unit == "mm:ss.cc":
        return _seconds
    return {"american": _american, "percent": _percent, "fraction": _fraction}.get(unit or "")


def _or_refused(text: str, unit: str, convert: Callable[[float], str]) -> str:
    plain = text.lower().removesuffix("yds").removesuffix("yd").removesuffix("y").removesuffix("lbs")
    plain = plain.removesuffix("lb").removesuffix("s").strip()
    if is_missing(text):
        return ""
    return convert(float(plain)) if _NUMBER.fullmatch(plain) else f"{text} {unit}"


@lru_cache(maxsize=20_000)
def _date(text: str, date_format: str) -> str:
    try:
        return dt.datetime.strptime(text, date_format).date().isoformat()
    except ValueError:
        return f"{text} (not {date_format})"


def _seconds(text: str) -> str:
    if found := _MINUTES.fullmatch(text):
        return f"{60 * int(found[1]) + float(found[2].replace(':', '.')):.3f}"
    return text  # 25.43: below a minute many write seconds alone


def _american(text: str) -> str:
    """Return decimal odds: +150 pays one and a half times the stake, -200 half of it."""
    plain = text.replace(" ", "").removeprefix("$")
    if is_missing(text):
        return ""
    if plain.upper() in ("EVEN", "EVENS", "EV"):
        return "2"
    if not _NUMBER.fullmatch(plain) or abs(value := float(plain)) < 100:
        return f"{text} american"
    return f"{1 + (value / 100 if value > 0 else 100 / -value):.4f}"


def _percent(text: str) -> str:
    """Return decimal odds of a probability in percent."""
    plain = text.removesuffix("%").strip()
    if is_missing(text):
        return ""
    if not _NUMBER.fullmatch(plain) or not 0 < float(plain) <= 100:
        return f"{text} percent"
    return f"{100 / float(plain):.4f}"


def _fraction(text: str) -> str:
    """Return decimal odds; a whole number alone is ``4/1`` here, not 4.0."""
    plain = text.strip()
    if plain.isdecimal():
        return str(int(plain) + 1)
    try:
        odds = decimal_odds(plain)
    except ValueError:
        return f"{text} fraction"
    return "" if odds is None else f"{odds:.4f}"
