"""``POST /predict``: the probabilities of one card."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from service.answering import answer_to
from service.observability.stages import StageTimer
from service.openapi import REQUEST_ID, json_content, parameters, problems
from service.running import json_body, running
from service.schemas import EXAMPLE_CARD, CardIn, PredictionOut

router = APIRouter(tags=["prediction"])

_EXPLAIN: dict[str, Any] = {
    "name": "explain",
    "in": "query",
    "required": False,
    "description": "Also say why: what each topic (market rating, times, box ...) contributes to each "
    "runner's strength, exactly, against the field's mean. Takes some ten milliseconds more.",
    "schema": {"type": "boolean", "default": False},
}
_FLAG = TypeAdapter(bool)


@router.post(
    "/predict",
    summary="Win and place probabilities of a race",
    response_model=PredictionOut,
    response_description="Probabilities, in the order of the request's runners; they sum to 1.",
    responses=problems(400, 413, 415, 422, 503),
    openapi_extra=json_content(CardIn, EXAMPLE_CARD) | parameters(_EXPLAIN, REQUEST_ID),
)
async def predict(request: Request) -> Response:
    """Send a race that has not been run: 2 to 10 runners, each with its form or a name the database knows.

    Only runs before the card's date count. Prices are optional: the model never sees them, they only bring
    the market's and the combined probability along. All of an answer comes from one version of the model.
    Card and answer are kept in the prediction log, unless the service is started without it.
    """
    clock = StageTimer.of(request.scope)
    service, body = await running(request), await json_body(request)
    champion = service.slots.get()
    asked = {"request_id": request.scope["request_id"], "is_explained": is_explained(request)}
    answer = await answer_to(service, champion, body, clock, **asked)
    request.scope["model_version"] = champion.version  # for the log line
    return Response(answer, media_type="application/json")


def is_explained(request: Request) -> bool:
    """Return the parameter ``explain``; FastAPI would take a tenth of the request's time to find it."""
    said = request.query_params.get("explain", False) if request.scope["query_string"] else False
    try:
        return _FLAG.validate_python(said)
    except ValidationError as error:
        faults = [{**fault, "loc": ("query", "explain")} for fault in error.errors()]
        raise RequestValidationError(faults) from error
