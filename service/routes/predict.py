"""``POST /predict``: the probabilities of one card."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.answers import prediction_out
from service.openapi import REQUEST_ID_PARAMETER, json_body, problems
from service.running import JsonBody, Service
from service.schemas import EXAMPLE_CARD, CardIn, PredictionOut

router = APIRouter(tags=["prediction"])

Explain = Annotated[
    bool,
    Query(
        description="Also say why: what each topic (market rating, times, box ...) contributes to each "
        "runner's strength, exactly, against the field's mean. Takes some ten milliseconds more."
    ),
]


@router.post(
    "/predict",
    summary="Win and place probabilities of a race",
    response_model=PredictionOut,
    response_description="Probabilities, in the order of the request's runners; they sum to 1.",
    responses=problems(400, 413, 415, 422, 503),
    openapi_extra=json_body(CardIn, EXAMPLE_CARD) | REQUEST_ID_PARAMETER,
)
async def predict(request: Request, service: Service, body: JsonBody, explain: Explain = False) -> Response:
    """Send a race that has not been run: 2 to 10 runners, each with its form or a name the database knows.

    Only runs before the card's date count. Prices are optional: the model never sees them, they only bring
    the market's and the combined probability along. All of an answer comes from one version of the model.
    """
    card = CardIn.model_validate_json(body).to_card()
    champion = service.slots.take()
    prediction = await service.predict(champion, card, is_explained=explain)
    request_id = request.scope["request_id"]
    answer = prediction_out(prediction, champion, request_id=request_id).model_dump_json().encode()
    service.kept.put(request_id=request_id, snapshot=champion, card=body, answer=answer)
    return Response(answer, media_type="application/json")
