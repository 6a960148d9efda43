"""How many logged races have their results, and why the others have not."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import Connection, and_, case, cast, exists, func, select
from sqlalchemy.types import String

from racing.database.tables import Race, Run, TrackAlias
from racing.predictions.tables import RACE

Reason = Literal["no-results", "no-such-race", "not-whole"]
N_DAYS = 14
"""Race days looked back at."""
SETTLED_AFTER_DAYS = 2
"""Results are there by then: a race day of the west ends eight hours later than one of New Zealand, and
sources publish over night."""
N_EXAMPLES = 5
_DAYS_SHOWN = 60
_STORED, _RUN = Race.__table__, Run.__table__  # type: ignore[attr-defined]
_ALIAS = TrackAlias.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class NotJudged:
    """Races that are not judged, for one reason."""

    reason: Reason
    n_races: int
    text: str
    examples: tuple[str, ...]
    """Day and track, the latest first."""


@dataclass(frozen=True, slots=True)
class CoverageDay:
    """The races of one day."""

    date: dt.date
    n_races: int
    n_judged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Races that were logged ahead, those of them that are judged, and why the others are not.

    A race is what cards of one day, track and number are about; a card without a number is one by itself.
    """

    since: dt.date
    until: dt.date
    n_races: int = 0
    n_judged: int = 0
    n_with_market: int = 0
    not_judged: tuple[NotJudged, ...] = ()
    days: tuple[CoverageDay, ...] = field(default=())

    @property
    def share(self) -> float:
        """Return the share that is judged; NaN without races."""
        return self.n_judged / self.n_races if self.n_races else float("nan")


def coverage_of(connection: Connection, today: dt.date) -> Coverage:
    """Count the logged races of the latest :data:`N_DAYS` days whose results should be there."""
    until = today - dt.timedelta(days=SETTLED_AFTER_DAYS)
    since = until - dt.timedelta(days=N_DAYS - 1)
    number = func.coalesce(cast(RACE.c.race_number, String), "card " + cast(RACE.c.prediction_id, String))
    races = (
        select(
            RACE.c.date,
            RACE.c.track,
            func.max(case((RACE.c.loss.is_not(None), 1), else_=0)).label("is_judged"),
            func.max(case((RACE.c.market_loss.is_not(None), 1), else_=0)).label("has_market"),
            func.max(case((RACE.c.race_id.is_not(None), 1), else_=0)).label("is_found"),
        )
        .where(RACE.c.is_ahead.is_(True), RACE.c.date >= since, RACE.c.date <= until)
        .group_by(RACE.c.date, RACE.c.track, number)
        .subquery()
    )
    kinds = (races.c.is_judged, races.c.has_market, races.c.is_found)
    query = select(races.c.date, races.c.track, *kinds, func.count()).group_by(
        races.c.date, races.c.track, *kinds
    )
    rows = connection.execute(query.order_by(races.c.date.desc(), races.c.track)).all()
    n_of: dict[Reason, int] = defaultdict(int)
    where: dict[Reason, list[str]] = defaultdict(list)
    of_day: dict[dt.date, list[int]] = defaultdict(lambda: [0, 0])
    n_judged = n_with_market = 0
    meetings = {(day, track) for day, track, is_judged, _, is_found, _ in rows if not (is_judged or is_found)}
    with_results = _meetings_with_results(connection, meetings)
    for day, track, is_judged, has_market, is_found, n in rows:
        of_day[day][0] += n
        of_day[day][1] += n * is_judged
        n_judged += n * is_judged
        n_with_market += n * has_market
        if is_judged:
            continue
        reason: Reason = "not-whole" if is_found else "no-results"
        if reason == "no-results" and (day, track) in with_results:
            reason = "no-such-race"
        n_of[reason] += n
        if len(where[reason]) < N_EXAMPLES and f"{day} {track}" not in where[reason]:
            where[reason].append(f"{day} {track}")
    return Coverage(
        since=since,
        until=until,
        n_races=sum(n for n, _ in of_day.values()),
        n_judged=n_judged,
        n_with_market=n_with_market,
        not_judged=tuple(
            NotJudged(reason, n, _sentence(reason, n), tuple(where[reason]))
            for reason, n in sorted(n_of.items(), key=lambda one: -one[1])
        ),
        days=tuple(CoverageDay(day, *counts) for day, counts in sorted(of_day.items())[-_DAYS_SHOWN:]),
    )


def _meetings_with_results(
    connection: Connection, meetings: set[tuple[dt.date, str]]
) -> set[tuple[dt.date, str]]:
    """Return those of the days and tracks of which results are stored."""
    found = set()
    has_result = exists().where(and_(_RUN.c.race_id == _STORED.c.id, _RUN.c.won.is_not(None)))
    for day in {day for day, _ in meetings}:
        query = (
            select(_ALIAS.c.alias)
            .join(_STORED, _STORED.c.track_id == _ALIAS.c.track_id)
            .where(_STORED.c.date == day, has_result)
            .distinct()
        )
        found |= {(day, alias) for alias in connection.scalars(query)}
    return found


def _sentence(reason: Reason, n: int) -> str:
    races, have, are = ("1 race", "has", "is") if n == 1 else (f"{n:,} races", "have", "are")
    return {
        "no-results": f"{races} {have} no results of the day and track: import them.",
        "no-such-race": f"{races} {are} not among the results of the day and track: do the names agree?",
        "not-whole": f"{races} cannot be judged: a starter was not on the card, or not exactly one won.",
    }[reason]
