"""Whether an answer came before the off, by the best that is known of its race.

Cards and results have a race day and no time. So there are three answers, from strong to weak, and a fourth:

``off``
    The card gives the time of the off (``off_at``), and the answer came before it. Races do not start before
    the time they are due.
``day``
    The answer came before race day began at the track: before every off of that day. Of a track whose zone
    is not known, before that day began anywhere.
``same-day``
    The answer came on race day, and the card gives no time: it may have come before the off or after it, by
    less than a day.
None
    The answer came at the off or later, or after race day, or the card cannot be read.
"""

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ValidationError

from racing.domain.off_time import off_time
from racing.domain.track_time import is_over, today_at

Basis = Literal["off", "day", "same-day"]
CERTAIN: tuple[Basis, ...] = ("off", "day")
"""What is known to have come before the off."""


class _Card(BaseModel):
    date: dt.date
    track: str
    off_at: str | None = None


def before_off(card: str, at: dt.datetime) -> Basis | None:
    """Return why an answer to a logged card counts as given before the off; None if it does not.

    Parameters
    ----------
    card
        JSON, as it came in.
    at
        When it was answered, UTC.
    """
    try:
        race = _Card.model_validate_json(card)
    except ValidationError:
        return None
    now = at.replace(tzinfo=dt.UTC)
    off = off_time(race.off_at, race.date) if race.off_at else None
    if off is not None:
        return "off" if now < off else None
    if today_at(race.track, now) < race.date:
        return "day"
    return None if is_over(race.date, race.track, now) else "same-day"
