"""``/health``: for what starts, stops and routes to the service."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from service.dependencies import State
from service.errors import NotReady, Stopping
from service.openapi.responses import problems
from service.state import AppState

Caveat = Literal["log-not-kept", "champion-not-kept"]
router = APIRouter(prefix="/health", tags=["health"])


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"] = Field(default="live", description="Always `live`.", examples=["live"])


class Ready(BaseModel):
    """A champion is loaded."""

    status: Literal["ready"] = Field(default="ready", description="Always `ready`.", examples=["ready"])
    version: int = Field(description="Version that serves.", examples=[7])
    warnings: list[Caveat] | None = Field(
        default=None,
        description="What a person should attend to though it predicts; absent if there is nothing. "
        "`log-not-kept`: neither database nor disk takes the prediction log, so answers wait in memory. "
        "`champion-not-kept`: the disk does not take the champion for a start without the registry. "
        "`/model_status` has the errors.",
        examples=[["log-not-kept"]],
    )


@router.get("/live", summary="Is the process there?")
async def live() -> Live:
    """Answer 200 as long as the process answers at all; if it does not, restart it."""
    return Live()


@router.get("/ready", summary="Can it predict?", responses=problems(503), response_model_exclude_none=True)
async def ready(state: State) -> Ready:
    """Answer 200 once a champion is loaded, and 503 before and when about to stop: send none here then.

    The problem's `reason` says why none is loaded, and `detail` what to do.
    """
    if state.draining.has_begun:
        raise Stopping("the service is about to stop: send no more requests here")
    absence = state.slots.absence
    if state.settings.protect == "everything" and state.slots.peek() is None:
        # This route needs no key, so the cause, which may hold paths and addresses, is left out.
        raise NotReady(f"{absence.detail}; /model_status has more", absence.reason)
    return Ready(version=state.slots.get().version, warnings=_caveats(state) or None)


def _caveats(state: AppState) -> list[Caveat]:
    found: list[Caveat] = []
    if not state.prediction_log.is_saving:
        found.append("log-not-kept")
    if state.watcher.cache_state.error is not None:
        found.append("champion-not-kept")
    return found
