"""``GET /record/seals``: the seals of the days of predictions, for all who want to check the record."""

from typing import Annotated

from fastapi import APIRouter, Query

from racing.predictions.seals import list_seals
from service.dependencies import LogReads
from service.openapi.responses import problems
from service.schemas.fields import Day
from service.schemas.record import SealOut, SealsOut

router = APIRouter(prefix="/record", tags=["prediction log"])
Limit = Annotated[int, Query(ge=1, le=400, description="Days a page.")]
Before = Annotated[Day | None, Query(description="Days before this one.", examples=["2026-03-14"])]


@router.get("/seals", summary="Seals of the days of predictions", responses=problems(422, 503))
async def get_seals(reads: LogReads, limit: Limit = 50, before: Before = None) -> SealsOut:
    """List the seals of days, the newest first, page by page: each is chained to the day before.

    What a seal proves, and how to check one without our code: docs/explanation/track-record.md.
    """
    seals = await reads.run(lambda engine: list_seals(engine, limit=limit, before=before))
    return SealsOut(
        seals=[SealOut.model_validate(seal) for seal in seals],
        next_before=seals[-1].date if len(seals) == limit else None,
    )
