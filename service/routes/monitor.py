"""``GET /monitor``: what serves, is it well, and what somebody should look at."""

from fastapi import APIRouter, Response
from pydantic import ValidationError
from sqlalchemy import Engine

from racing.monitor.shown import monitor_now
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
    try:
        answer = MonitorOut.model_validate(monitor_now(engine, serving_version=version))
    except ValidationError:  # made by a program of another release; the next report replaces it
        without = monitor_now(engine, serving_version=version, with_report=False)
        answer = MonitorOut.model_validate(without)
    return answer.model_dump_json()
