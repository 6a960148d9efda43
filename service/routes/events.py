"""``GET /events``: what happens on race day, as it happens."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from racing.race_day.events import KINDS
from service.dependencies import State
from service.events.stream import EventStream, Follower, nothing_but_the_end
from service.methods import IS_HEAD
from service.openapi.responses import problems
from service.schemas.events import STREAM

router = APIRouter(tags=["race day"])
_ONE = f"({'|'.join(KINDS)})"
_NUMBER = r"^[0-9]{1,18}$"

Kinds = Annotated[
    str | None,
    Query(
        pattern=f"^{_ONE}(,{_ONE})*$",
        description=f"Only these kinds, with commas between: {', '.join(KINDS)}. Left out, all.",
        examples=["card,scratching"],
    ),
]
After = Annotated[
    str | None,
    Query(
        pattern=_NUMBER,
        description="The `id` of the last event that you have, for those who cannot send `Last-Event-ID`.",
        examples=["4200"],
    ),
]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=_NUMBER,
        description="The `id` of the last event that you have; what happened since comes first.",
        examples=["4200"],
    ),
]


@router.get(
    "/events",
    summary="Follow what happens on race day",
    response_class=StreamingResponse,
    responses={**STREAM, **problems(422, 503)},
)
async def get_events(
    request: Request,
    state: State,
    kinds: Kinds = None,
    after: After = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Follow cards, scratchings, prices, promotions and results as they come, as server-sent events.

    The stream has no end; a comment comes every 15 s. Where it breaks, come again with the last `id` that you
    saw, in `Last-Event-ID` as browsers do: nothing is lost for two days, and an event `missed` says where
    something was. A follower that reads too slowly is let go and comes again likewise. At most
    `GREYHOUND_MAX_FOLLOWERS` follow at once; one more is answered with 503.
    """
    if request.scope.get(IS_HEAD):
        return Response(media_type=EventStream.media_type)
    if state.events.is_ending:
        return StreamingResponse(nothing_but_the_end(), media_type=EventStream.media_type)
    position = last_event_id or after
    state.events.enter()
    needs_key = state.settings.protect == "everything"
    follower = Follower(
        state.events,
        state.metrics,
        kinds=kinds and frozenset(kinds.split(",")),
        after=None if position is None else int(position),
        check=partial(state.api_key_auth.authorize, request.scope, "read") if needs_key else lambda: None,
    )
    return EventStream(state.events, follower.parts())
