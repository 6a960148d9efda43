"""When a race is due to start, as a card may say it: a time with its zone, ``2026-03-14T19:42:00+11:00``."""

import datetime as dt
import re

OFF_AT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})$"
_PATTERN = re.compile(OFF_AT.removesuffix("$") + r"\Z")
_NEAR = dt.timedelta(days=1)  # a meeting may end after midnight, and its day differ from that of UTC


def off_time(text: str, date: dt.date) -> dt.datetime | None:
    """Return when a race is due to start, in UTC, as its card says; None if that is not about its day."""
    if not _PATTERN.match(text):
        return None
    try:
        off = dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return off if abs(off.date() - date) <= _NEAR else None
