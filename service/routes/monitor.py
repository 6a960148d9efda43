"""``GET /monitor``: what serves, is it well, and what somebody should look at."""

import datetime as dt
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Response
from pydantic import ValidationError
from sqlalchemy import Engine

from racing.monitor.alarms import Alarm, active_alarms, without_nan
from racing.monitor.status import status_of
from racing.monitor.store import StoredReport, last_decisions, stored_report
from service.dependencies import LogReads, Slots
from service.openapi.responses import problems
from service.schemas.monitor import MonitorOut

router = APIRouter(tags=["monitor"])


@router.get(
    "/monitor",
    summary="What serves, and is it well",
    response_model=MonitorOut,
    responses=problems(503),
)
async def get_monitor(reads: LogReads, slots: Slots) -> Response:
    """Show the newest report of the monitor, with the alarms and decisions of now.

    A report is made every ten minutes by one process of all replicas, and shown by all.
    """
    champion = slots.peek()
    version = None if champion is None else champion.version
    return Response(await reads.run(lambda engine: _monitor(engine, version)), media_type="application/json")


def _monitor(engine: Engine, version: int | None) -> str:
    """Return the answer as JSON: it may have 200 KB, which the event loop should not encode."""
    with engine.connect() as connection:
        stored, alarms = stored_report(connection), active_alarms(connection)
        decisions = last_decisions(connection)
    now = {"alarms": [asdict(alarm) for alarm in alarms], "decisions": decisions, "serving_version": version}
    try:
        answer = _validated(stored, alarms, now)
    except ValidationError:  # made by a program of another release; the next report replaces it
        answer = _validated(None, alarms, now)
    return answer.model_dump_json()


def _validated(stored: StoredReport | None, alarms: list[Alarm], now: dict[str, Any]) -> MonitorOut:
    report = None if stored is None else stored.report
    age_s = None if stored is None else (dt.datetime.now(dt.UTC) - stored.made_at).total_seconds()
    status, line = status_of(report, alarms, age_s=age_s)
    made_at = None if stored is None else stored.made_at
    shown = {"status": status, "line": line, "made_at": made_at, "age_s": age_s and max(0.0, round(age_s, 1))}
    return MonitorOut.model_validate({**(report or {}), **without_nan(now), **shown})
