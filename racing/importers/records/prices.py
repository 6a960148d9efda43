"""Decimal odds from prices as sources write them: ``$2.40``, ``2.40F``, ``5/2F``, ``EvensF``, ``11/10JF``."""

import math
import re
from functools import lru_cache

_MISSING = frozenset(
    ("", "-", "--", "–", "—", "N/A", "#N/A", "NA", "NAN", "<NA>", "NULL", "NONE", "NAT", "\\N")
)
# Of a favourite (F), of one of two (JF) or more (CF) of the same price, or of equals (EF).
_FAVOURITE = re.compile(r"\s*(?:[JCE]?F(?:AV)?|FAVOURITE|[JC])$")
_FRACTION = re.compile(r"(\d{1,4}(?:\.\d+)?)\s*/\s*(\d{1,4})")
_DECIMAL = re.compile(r"\d+(?:\.\d*)?|\.\d+")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+\.\d+")
_EVENS = frozenset(("EVENS", "EVEN", "EVS", "EVNS", "EV"))


def is_missing(text: str) -> bool:
    """Return whether a field says that its value is unknown: blank, ``-``, ``nan``, ``N/A``, ``NULL``, ..."""
    return text.strip().upper() in _MISSING


@lru_cache(maxsize=20_000)
def decimal_odds(text: str) -> float | None:
    """Return decimal odds; ``None`` where the price is unknown: missing, or 0, for nothing pays that.

    Raises
    ------
    ValueError
        If it is no price. Whether a price is possible is for the caller to say.
    """
    plain = text.strip().upper()
    if plain in _MISSING:
        return None
    plain = _FAVOURITE.sub("", plain).strip("$£€ ")
    if plain in _EVENS:
        return 2.0
    if fraction := _FRACTION.fullmatch(plain):
        if not int(fraction[2]):
            raise ValueError(text)
        return 1.0 + float(fraction[1]) / int(fraction[2])
    if _THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", "")
    if not _DECIMAL.fullmatch(plain) or not math.isfinite(value := float(plain)):
        raise ValueError(text)
    return value or None
