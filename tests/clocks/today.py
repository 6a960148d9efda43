"""Today, for tests that must know it."""

import datetime as dt
import time
from functools import cache

LASTS_S = 30


@cache
def today() -> dt.date:
    """Return the day that it is in UTC, the same one throughout a test, once it lasts long enough for one."""
    while (now := dt.datetime.now(dt.UTC)).date() != (now + dt.timedelta(seconds=LASTS_S)).date():
        time.sleep(1)
    return now.date()
