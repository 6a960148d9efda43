"""Betfair's market ids, which tools write in several ways: one market is one id."""

import re

_ID = re.compile(r"(1\.)?(\d{1,15})(?:\.0+)?")
_N_DIGITS = 9  # of all ids since 2012; a tool that took "1.261766790" for a number wrote 1.26176679


def market_id_of(text: str) -> str | None:
    """Return the digits of a market id (``261766796``, ``1.261766796``); ``None`` if it is none.

    A rounded id (``2.5E+08``) is none: it would make one race of many.
    """
    found = _ID.fullmatch(text.strip())
    if not found:
        return None
    digits = found[2]
    return digits.ljust(_N_DIGITS, "0") if found[1] and len(digits) in (7, 8) else digits
