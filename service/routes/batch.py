"""``POST /predict/batch``: the probabilities of many cards, streamed."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from racing.domain.bets import DEFAULT_TOP
from service.dependencies import Batches, Slots
from service.openapi.responses import content, problems, reference
from service.prediction.bets import RequestedBets
from service.request_bodies import CSV, JSON, NDJSON, media_type_of
from service.routes.cards import GuideFactsQuery
from service.routes.predict import Bets, Top
from service.schemas.card import EXAMPLE_CARD, EXAMPLE_LINES, CardIn
from service.schemas.form_guide import EXAMPLE_GUIDE
from service.schemas.prediction import PredictionOut
from service.schemas.problem import Problem
from service.server.admission import WHOLE_BODY

router = APIRouter(tags=["prediction"])
_CARDS = {"type": "array", "items": reference(CardIn)}
_LINES = {"type": "string", "description": "A card a line."}
_GUIDE = {"type": "string", "description": "A form guide: one card."}
_ANSWERS: dict[str, Any] = {
    "description": "A line a card, in the order of the request: its answer as that of `POST /predict`, or a "
    "problem document.",
    "content": {NDJSON: {"schema": {"oneOf": [reference(PredictionOut), reference(Problem)]}}},
}


@router.post(
    "/predict/batch",
    summary="Win and place probabilities of many races",
    response_class=StreamingResponse,
    responses=problems(400, 413, 415, 422, 503) | {200: _ANSWERS},
    openapi_extra=content(
        {JSON: (_CARDS, [EXAMPLE_CARD]), NDJSON: (_LINES, EXAMPLE_LINES), CSV: (_GUIDE, EXAMPLE_GUIDE)}
    ),
)
async def predict_batch(
    request: Request,
    batches: Batches,
    slots: Slots,
    facts: GuideFactsQuery,
    bets: Bets = None,
    top: Top = DEFAULT_TOP,
) -> StreamingResponse:
    """Send many cards as a JSON array or as lines of JSON, or one as a form guide; answers are streamed.

    All answers come from one version of the model. A card that is refused stops no other. `bets` adds exactas
    and their like to each answer, as to that of `POST /predict`.
    """
    media_type, body = media_type_of(request, default=JSON), request.scope[WHOLE_BODY]
    cards = await batches.cards_of(media_type, body, facts)
    champion = slots.get()
    request.scope["model_version"] = champion.version  # for the log line
    answers = batches.answers(
        champion, cards, request_id=request.scope["request_id"], bets=RequestedBets.of(bets, top)
    )
    return StreamingResponse(answers, media_type=NDJSON)
