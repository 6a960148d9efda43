"""``POST /cards``: a form guide's CSV in, the card out."""

from typing import Any

from fastapi import APIRouter, Response

from service.card_json import answer_with_card
from service.examples import EXAMPLE_GUIDE
from service.form_guide import CSV, AboutGuide, CsvBody, GuideCardOut, guide_card_out
from service.openapi import problems
from service.running import Service

router = APIRouter(tags=["races"])
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            CSV: {
                "schema": {
                    "type": "string",
                    "description": "A form guide, the `expert form` CSV that several sites offer: a row a "
                    "past run, the first of a dog with its number and name.",
                },
                "example": EXAMPLE_GUIDE,
            }
        },
    }
}


@router.post(
    "/cards",
    summary="A form guide as a card",
    response_model=GuideCardOut,
    responses=problems(413, 415, 422, 503),
    openapi_extra=_BODY,
)
async def card(service: Service, told: AboutGuide, body: CsvBody) -> Response:
    """Send a form guide's CSV; nothing of it is stored. The answer's `card` can be sent to `POST /predict`.

    What the file's name does not tell (date and track) is given beside it. A file that is refused is told
    with its lines and reasons; rows that are left out of a good file are told beside the card.
    """
    return answer_with_card(await service.threads.form_guides.call(lambda: guide_card_out(body, told)))
