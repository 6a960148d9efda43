"""Which logged predictions a list, a score or a replay is about."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import ColumnElement, FromClause, Select, select

from racing.domain.names import name_key
from racing.domain.tracks import known_track
from racing.predictions.tables import LATEST


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionFilter:
    """Days of racing (both included), version and track; ``None`` leaves one open."""

    since: dt.date | None = None
    until: dt.date | None = None
    version: int | None = None
    track: str | None = None

    def conditions(self, table: FromClause) -> list[ColumnElement[bool]]:
        """Return what a row of a table with ``date``, ``model_version`` and ``track`` fulfils."""
        wanted: list[ColumnElement[bool]] = []
        if self.since is not None:
            wanted.append(table.c.date >= self.since)
        if self.until is not None:
            wanted.append(table.c.date <= self.until)
        if self.version is not None:
            wanted.append(table.c.model_version == self.version)
        if (key := self.track_key) is not None:
            wanted.append(table.c.track == key)
        return wanted

    @property
    def track_key(self) -> str | None:
        """The key under which the log has the track."""
        return None if self.track is None else name_key(known_track(self.track) or self.track)


def counted_cards(filters: PredictionFilter, *, with_late: bool) -> Select[tuple[int]]:
    """Return the query of the numbers of the cards that count: of each judged race the last.

    With a version it is the last of that version. Those that were answered after race day count only
    ``with_late``. Score, list and replay share this rule.
    """
    if filters.version is None:
        counts = LATEST.c.is_last if with_late else LATEST.c.is_last_ahead
    else:
        counts = LATEST.c.is_last_of_version if with_late else LATEST.c.is_ahead
    return select(LATEST.c.prediction_id).where(counts.is_(True), *filters.conditions(LATEST))


def what_counts(*, with_late: bool) -> str:
    """Return the rule by which predictions count, in a sentence for people."""
    late = (
        "those answered after race day too"
        if with_late
        else "only if it was answered before race day was over"
    )
    return f"A race counts once, by the last card that was answered for it, {late}."
