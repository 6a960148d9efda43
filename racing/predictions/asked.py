"""Which logged predictions are asked for."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select

from racing.names import name_key
from racing.predictions.tables import RACE
from racing.tracks import known_track


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Days of racing (both included), version and track; ``None`` leaves one open."""

    since: dt.date | None = None
    until: dt.date | None = None
    version: int | None = None
    track: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a row of the predicted races fulfils."""
        wanted: list[ColumnElement[bool]] = []
        if self.since is not None:
            wanted.append(RACE.c.date >= self.since)
        if self.until is not None:
            wanted.append(RACE.c.date <= self.until)
        if self.version is not None:
            wanted.append(RACE.c.model_version == self.version)
        if self.track is not None:
            wanted.append(RACE.c.track == name_key(known_track(self.track) or self.track))
        return wanted


def last_words(asked: Asked, *, with_late: bool, by_version: bool = False) -> Any:
    """Return the query of the predictions that count: of each judged race the last, or each version's last.

    Those that were answered after race day count only ``with_late``. Score, list and replay share this rule.
    """
    ahead = [] if with_late else [RACE.c.is_ahead.is_(True)]
    last = (
        select(func.max(RACE.c.prediction_id).label("prediction_id"))
        .where(RACE.c.loss.is_not(None), *asked.conditions(), *ahead)
        .group_by(RACE.c.race_id, *([RACE.c.model_version] if by_version else []))
    )
    return last.subquery()


def what_counts(*, with_late: bool) -> str:
    """Return the rule by which predictions count, in a sentence for people."""
    late = (
        "those answered after race day too"
        if with_late
        else "only if it was answered before race day was over"
    )
    return f"A race counts once, by the last card that was answered for it, {late}."
