"""Which clocks and zones the tests are run under."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Clock:
    """What the clock shows at the start of the tests, and in which zone the machine stands."""

    name: str
    begins: Callable[[dt.datetime], dt.datetime]
    """From the true time to the time that is shown, both in UTC."""
    zone: str = "UTC"

    def offset_s(self, now: dt.datetime) -> int:
        """Return how many seconds the clock is off."""
        return round((self.begins(now) - now).total_seconds())


def at(hour: int, minute: int, day: Callable[[dt.datetime], dt.datetime]) -> Callable[..., dt.datetime]:
    """Return the moment of that hour on a day."""
    return lambda now: day(now).replace(hour=hour, minute=minute, second=0, microsecond=0)


def first_of_month(now: dt.datetime) -> dt.datetime:
    """Return the first day of the next month."""
    return (now.replace(day=28) + 4 * DAY).replace(day=1)


def leap_day(_: dt.datetime) -> dt.datetime:
    """Return the next 29 February but for those that are past."""
    return dt.datetime(2028, 2, 29, tzinfo=dt.UTC)


AUCKLAND, LOS_ANGELES = "Pacific/Auckland", "America/Los_Angeles"

#: The first two unite several dangers: midnight passes in UTC, the zone is in another day, month and season.
ALL = (
    Clock("leap-day-ends-in-auckland", at(23, 59, leap_day), AUCKLAND),
    Clock("in-400-days-in-los-angeles", at(0, 1, lambda now: now + 400 * DAY), LOS_ANGELES),
    Clock("month-ends", at(23, 59, lambda now: first_of_month(now) - DAY)),
    Clock("tomorrow", lambda now: now + DAY),
    Clock("last-of-month", at(12, 0, lambda now: first_of_month(now) - DAY)),
    Clock("first-of-month", at(0, 1, first_of_month)),
    Clock("leap-day", at(12, 0, leap_day)),
    Clock("in-400-days", lambda now: now + 400 * DAY),
    Clock("midnight", at(23, 59, lambda now: now)),
    Clock("auckland", lambda now: now, AUCKLAND),
    Clock("los-angeles", lambda now: now, LOS_ANGELES),
)
