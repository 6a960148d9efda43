"""``GET /tracks``: tracks by any of their names and codes."""

from typing import Annotated

from fastapi import APIRouter, Query

from racing.dogs.search import MAX_QUERY
from racing.dogs.tracks import find_tracks
from service.dependencies import RaceReads
from service.openapi.responses import problems
from service.schemas.fields import PlainText
from service.schemas.tracks import TracksOut

router = APIRouter(tags=["races"])

Name = Annotated[
    PlainText | None,
    Query(
        max_length=MAX_QUERY,
        description="Any part of a track's name or of a source's name for it, or its code.",
        examples=["w/pk"],
    ),
]


@router.get("/tracks", summary="Tracks", responses=problems(422, 503))
async def get_tracks(reads: RaceReads, q: Name = None) -> TracksOut:
    """List the tracks, or find some by name; where there is none, names that were probably meant."""
    return TracksOut.model_validate(await reads.run(lambda engine: find_tracks(engine, q)))
