"""``POST /predict``: the probabilities of one card."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from racing.domain.bets import BETS, DEFAULT_TOP, MAX_TOP, bets_of
from service.dependencies import json_body, state_of
from service.observability.stages import StageTimer
from service.openapi.responses import json_content, problems
from service.prediction.bets import RequestedBets
from service.schemas.card import EXAMPLE_CARD, CardIn
from service.schemas.prediction import PredictionOut

router = APIRouter(tags=["prediction"])

Explain = Annotated[
    bool,
    Query(
        description="Also say why: what each topic (market rating, times, box ...) contributes to each "
        "runner's strength, exactly, against the field's mean. Takes some ten milliseconds more."
    ),
]

_ONE = f"({'|'.join(BETS)})"


def _known(names: list[str] | None) -> list[str] | None:
    try:
        return None if names is None else [bet.name for bet in bets_of(names)]
    except ValueError as error:
        raise PydanticCustomError("broken_rule", "{rule}", {"rule": str(error)}) from None


Bets = Annotated[
    list[str] | None,
    AfterValidator(_known),
    # With commas it is one text, as `kinds` of GET /events; a list, so that a repeated one loses nothing.
    WithJsonSchema({"type": "string", "pattern": f"^{_ONE}(,{_ONE})*$", "examples": ["exacta,quinella"]}),
    Query(
        description=f"Also answer these bets on the order of finish, in `bets`: {', '.join(BETS)}; with "
        "commas between, or the parameter several times.",
    ),
]
Top = Annotated[
    int,
    Query(ge=1, le=MAX_TOP, description="Of each of the `bets` at most so many combinations, the likeliest."),
]


@router.post(
    "/predict",
    summary="Win and place probabilities of a race",
    response_model=PredictionOut,
    response_description="Probabilities, in the order of the request's runners; they sum to 1.",
    responses=problems(400, 413, 415, 422, 503),
    openapi_extra=json_content(CardIn, EXAMPLE_CARD),
)
async def predict(
    request: Request, explain: Explain = False, bets: Bets = None, top: Top = DEFAULT_TOP
) -> Response:
    """Send a race that has not been run: 2 to 10 runners, each with its form or a name the database knows.

    Only runs before the card's date count. Prices are optional: the model never sees them, they only bring
    the market's and the combined probability along. All of an answer comes from one version of the model.
    `bets` adds exactas and their like, each from the same win probabilities.
    Card and answer are stored in the prediction log, unless the service is started without it.
    """
    timer = StageTimer.of(request.scope)
    # Called, not depended on: FastAPI takes 0.02 ms a dependency, the whole request less than 1 ms.
    state, body = state_of(request), await json_body(request)
    champion = state.slots.get()
    answer, version = await state.predictor.answer(
        champion,
        body,
        timer,
        request_id=request.scope["request_id"],
        is_explained=explain,
        bets=RequestedBets.of(bets, top) if bets else None,
        may_split=True,
    )
    request.scope["model_version"] = version  # for the log line
    return Response(answer, media_type="application/json")


route = next(route for route in router.routes if isinstance(route, APIRoute))
"""The route above, for :class:`service.server.direct_route.DirectRoute`."""
