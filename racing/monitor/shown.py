"""The monitor as it is shown: the stored report, with the alarms and decisions of now."""

import datetime as dt
from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine

from racing.database.one_state import reading_one_state
from racing.monitor.alarms import active_alarms, without_nan
from racing.monitor.status import status_of
from racing.monitor.store import last_decisions, stored_report


def monitor_now(
    engine: Engine, *, serving_version: int | None = None, with_report: bool = True
) -> dict[str, Any]:
    """Return what ``GET /monitor`` and ``greyhound monitor --json`` show, as JSON takes it.

    Report and alarms are of one look, even while the next is stored. ``with_report=False`` leaves the report
    out, as if none had been made.
    """
    with reading_one_state(engine) as connection:
        stored = stored_report(connection) if with_report else None
        alarms, decisions = active_alarms(connection), last_decisions(connection)
    report, age_s = None, None
    if stored is not None:
        report = stored.report
        age_s = max(0.0, round((dt.datetime.now(dt.UTC) - stored.made_at).total_seconds(), 1))
    status, line = status_of(report, alarms, age_s=age_s)
    shown: dict[str, Any] = without_nan(
        {
            **(report or {}),
            "status": status,
            "line": line,
            "age_s": age_s,
            "serving_version": serving_version,
            "alarms": [asdict(alarm) for alarm in alarms],
            "decisions": decisions,
        }
    )
    return shown
