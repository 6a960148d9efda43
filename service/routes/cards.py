"""``POST /cards``: a form guide's CSV in, the card out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from racing.domain.cards import DISTANCE_M
from racing.importers.files.dates import DateOrder
from service.dependencies import CsvBody, Threads
from service.openapi.responses import content, problems
from service.prediction.form_guide import GuideFacts, guide_card_out
from service.request_bodies import CSV
from service.schemas.fields import Day, PlainText
from service.schemas.form_guide import EXAMPLE_GUIDE, GuideCardOut

router = APIRouter(tags=["races"])
_SCHEMA = {
    "type": "string",
    "description": "A form guide, the `expert form` CSV that several sites offer: a row a past run, the "
    "first of a dog with its number and name.",
}


async def guide_facts(
    name: Annotated[
        PlainText,
        Query(
            description="Of a form guide: its file's name, which may contain date and track.",
            examples=["Race 6 - SAN - 14 March 2026.csv"],
        ),
    ] = "",
    date: Annotated[
        Day | None, Query(description="Of a form guide: race day.", examples=["2026-03-14"])
    ] = None,
    track: Annotated[
        PlainText | None,
        Query(description="Of a form guide: the track.", max_length=60, examples=["Sandown Park"]),
    ] = None,
    distance_m: Annotated[
        int | None,
        Query(
            description="Of a form guide: the distance, in metres.",
            ge=DISTANCE_M[0],
            le=DISTANCE_M[1],
            examples=[515],
        ),
    ] = None,
    dates: Annotated[
        DateOrder,
        Query(
            description="Of a form guide: how dates such as 03/04/2026 are written. `default` is day first, "
            "and a guide with a date that cannot be that is refused; `auto` is as its other dates show.",
        ),
    ] = DateOrder.DEFAULT,
) -> GuideFacts:
    """Return what the query says of a form guide."""
    return GuideFacts(name=name, date=date, track=track, distance_m=distance_m, dates=dates)


GuideFactsQuery = Annotated[GuideFacts, Depends(guide_facts)]


@router.post(
    "/cards",
    summary="A form guide as a card",
    responses=problems(413, 415, 422, 503),
    openapi_extra=content({CSV: (_SCHEMA, EXAMPLE_GUIDE)}),
)
async def card(threads: Threads, facts: GuideFactsQuery, body: CsvBody) -> GuideCardOut:
    """Send a form guide's CSV; nothing of it is stored. The answer's `card` can be sent to `POST /predict`.

    What the file's name does not contain (date and track) is given beside it. A file that is refused is
    answered with lines and reasons; rows that are left out of a good file are listed beside the card.
    """
    return await threads.form_guides.call(lambda: guide_card_out(body, facts))
