"""``POST /predict/batch``: the probabilities of many cards, streamed."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from service.batch import JSON, NDJSON, answers_to, card_of_form_guide, cards_of, checked
from service.examples import EXAMPLE_GUIDE, EXAMPLE_LINES
from service.form_guide import CSV, AboutGuide
from service.openapi import REQUEST_ID, parameters, problems
from service.running import Service
from service.schemas import EXAMPLE_CARD
from service.server.admission import WHOLE_BODY

router = APIRouter(tags=["prediction"])
_CARD = {"$ref": "#/components/schemas/CardIn"}
_BODIES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": {"type": "array", "items": _CARD}, "example": [EXAMPLE_CARD]},
            NDJSON: {"schema": {"type": "string", "description": "A card a line."}, "example": EXAMPLE_LINES},
            CSV: {
                "schema": {"type": "string", "description": "A form guide: one card."},
                "example": EXAMPLE_GUIDE,
            },
        },
    }
}
_LINES: dict[str, Any] = {
    "description": "A line a card, in the order of the request: its answer as that of `POST /predict`, or a "
    "problem document.",
    "content": {
        NDJSON: {
            "schema": {
                "oneOf": [
                    {"$ref": "#/components/schemas/PredictionOut"},
                    {"$ref": "#/components/schemas/Problem"},
                ]
            }
        }
    },
}


@router.post(
    "/predict/batch",
    summary="Win and place probabilities of many races",
    response_class=StreamingResponse,
    responses=problems(400, 413, 415, 422, 503) | {200: _LINES},
    openapi_extra=_BODIES | parameters(REQUEST_ID),
)
async def predict_batch(
    request: Request,
    service: Service,
    told: AboutGuide,
) -> StreamingResponse:
    """Send many cards as a JSON array or as lines of JSON, or one as a form guide; answers are streamed.

    All answers come from one version of the model. A card that is refused stops no other.
    """
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    body, settings = request.scope[WHOLE_BODY], service.settings
    if kind == CSV:
        guide = checked(body, settings.max_body_bytes)
        card = await service.threads.form_guides.call(lambda: card_of_form_guide(guide, told))
        cards: Sequence[bytes | memoryview] = [card]
    else:
        cards = await cards_of(kind, body, at_most=settings.max_batch_cards)
    champion = service.slots.get()
    request.scope["model_version"] = champion.version
    lines = answers_to(service, champion, cards, request_id=request.scope["request_id"])
    return StreamingResponse(lines, media_type=NDJSON)
