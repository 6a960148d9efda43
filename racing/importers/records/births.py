"""When a dog was born, as sources write it: a day, or a month."""

import datetime as dt
import re

_BORN = re.compile(r"([A-Z]{3})[A-Z]*[-\s./](\d{4})", re.IGNORECASE)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def born_of(text: str) -> str | None:
    """Return a day or month of birth as ``2022-10-14`` or ``2022-10``; ``None`` where it is unreadable."""
    plain = text.strip()
    if (found := _BORN.fullmatch(plain)) and found[1].upper() in _MONTHS:
        return f"{found[2]}-{_MONTHS.index(found[1].upper()) + 1:02}"
    try:
        return dt.date.fromisoformat(plain[:10]).isoformat()
    except ValueError:
        pass
    if found := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", plain):
        try:
            return dt.date(int(found[3]), int(found[2]), int(found[1])).isoformat()
        except ValueError:
            return None
    return None
