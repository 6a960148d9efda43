"""The monitor's report: what serves, how good its answers were, and what somebody should look at.

:func:`look` makes it, raises and clears alarms and stores it, in a process of its own
(``service/automation/monitor_task.py``, ``greyhound monitor --fresh``); ``GET /monitor`` shows the stored
one.
"""

import datetime as dt
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Engine

from racing.database.one_state import reading_one_state
from racing.monitor import inputs
from racing.monitor.ageing import RETRAIN_AFTER_WEEKS, Ageing, ageing_of
from racing.monitor.alarms import active_alarms, clear_alarms, raise_alarms
from racing.monitor.champion import ChampionFacts
from racing.monitor.coverage import Coverage, coverage_of
from racing.monitor.findings import KINDS, OF_CHAMPION, Look, look_at_champion, look_at_coverage
from racing.monitor.judged import JudgedRaces, judged_races, newest_judged
from racing.monitor.live_days import LiveDay, live_days
from racing.monitor.quality import (
    CalibrationBin,
    GapPoint,
    Quality,
    by_day,
    by_field_size,
    by_state,
    by_track,
    by_version,
    by_week,
    calibration_bins,
    gap_path,
    quality_of,
)
from racing.monitor.store import store_report
from racing.predictions.latest import begin_writing

N_DAYS = 400
"""Race days looked back at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorReport:
    """All that a look at the log found; alarms and decisions stand in tables of their own."""

    made_at: dt.datetime
    took_s: float
    champion: ChampionFacts | None
    since: dt.date
    until: dt.date
    quality: Quality | None
    """The champion's answers, all together."""
    total: Quality
    """Each race by the last card answered ahead, by whichever version; and the same in groups."""
    days: list[Quality]
    weeks: list[Quality]
    versions: list[Quality]
    tracks: list[Quality]
    states: list[Quality]
    field_sizes: list[Quality]
    gap_path: list[GapPoint]
    """The champion's."""
    calibration_bins: list[CalibrationBin]
    """The champion's."""
    coverage: Coverage
    ageing: Ageing | None
    inputs: dict[str, Any] | None
    """How what goes into the model moved, by ``racing.monitor.inputs.summary``."""
    live_days: list[LiveDay]
    """The champion's days that are settled, for its MLflow run; not stored."""

    def as_json(self) -> dict[str, Any]:
        """Return the same as JSON takes it; what is not finite becomes null when it is stored."""
        values = asdict(self)
        values.pop("live_days")
        champion = self.champion
        if champion is not None:
            values["champion"]["weeks_since_learning"] = champion.weeks_since_learning(self.made_at.date())
        values["coverage"]["share"] = self.coverage.share
        if self.ageing is None:
            values.pop("ageing")
        return values


def look(
    engine: Engine,
    champion: ChampionFacts | None,
    *,
    now: dt.datetime | None = None,
    retrain_after_weeks: float = RETRAIN_AFTER_WEEKS,
) -> MonitorReport:
    """Make a report, raise and clear the alarms that follow from it, and store it."""
    at = now or dt.datetime.now(dt.UTC)
    report, found = _report_and_findings(engine, champion, at, retrain_after_weeks)
    kinds = tuple(kind for kind in KINDS if champion is not None or kind not in OF_CHAMPION)
    with engine.begin() as connection:
        begin_writing(connection)
        raise_alarms(connection, found.findings)
        clear_alarms(connection, kinds, standing=found.standing)
        store_report(connection, report.as_json(), made_at=report.made_at)
    return report


def make_report(
    engine: Engine,
    champion: ChampionFacts | None,
    *,
    now: dt.datetime | None = None,
    retrain_after_weeks: float = RETRAIN_AFTER_WEEKS,
) -> MonitorReport:
    """Return a report on the log as it is; nothing is stored."""
    at = now or dt.datetime.now(dt.UTC)
    return _report_and_findings(engine, champion, at, retrain_after_weeks)[0]


def _report_and_findings(
    engine: Engine, champion: ChampionFacts | None, now: dt.datetime, retrain_after_weeks: float
) -> tuple[MonitorReport, Look]:
    started, today = time.monotonic(), now.date()
    since = today - dt.timedelta(days=N_DAYS)
    with reading_one_state(engine) as connection:
        newest = max(today, newest_judged(connection, now) or today)
        races = judged_races(connection, since, max(newest, today + dt.timedelta(days=1)))
        day = max(today, newest - dt.timedelta(days=1))  # New Zealand is a day ahead anyway
        coverage = coverage_of(connection, day)
        active = {alarm.key for alarm in active_alarms(connection)}
    found = look_at_coverage(coverage, active=active)
    served = races.of(races.is_served)
    own = races.of(races.version == (champion.version if champion else 0))
    ageing = None
    if champion is not None:
        ageing = ageing_of(own, champion, today, retrain_after_weeks=retrain_after_weeks)
        of_champion = look_at_champion(own, champion, ageing, day, active=active)
        found.findings += of_champion.findings
        found.unsettled |= of_champion.unsettled
    report = MonitorReport(
        made_at=now,
        took_s=0.0,
        champion=champion,
        since=since,
        until=newest,
        quality=quality_of(own, "champion", f"version {champion.version}") if champion else None,
        **_groups(served, races),
        gap_path=gap_path(own),
        calibration_bins=calibration_bins(own),
        coverage=coverage,
        ageing=ageing,
        inputs=inputs.summary(engine, champion, today=today),
        live_days=live_days(own, champion, day),
    )
    return replace(report, took_s=round(time.monotonic() - started, 3)), found


def _groups(served: JudgedRaces, races: JudgedRaces) -> dict[str, Any]:
    return {
        "total": quality_of(served, "all", "all answers"),
        "days": by_day(served),
        "weeks": by_week(served),
        "versions": by_version(races),
        "tracks": by_track(served),
        "states": by_state(served),
        "field_sizes": by_field_size(served),
    }
