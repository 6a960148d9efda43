"""``POST /models/{version}/promote``, ``POST /rollback``, ``GET /promotions``: changes of the champion."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from model_registry.history import PromotionRecord
from racing.experiments.policy import Policy
from service.dependencies import Challengers, JsonBody, Registry, Slots, State, Threads, Watcher
from service.errors import NoAnswerInTime, OutcomeUnknown
from service.openapi.responses import json_content, problems
from service.routes.models import version_number
from service.schemas.promotions import PromotionIn, PromotionOut, RecordOut, RecordsOut, RollbackIn
from service.schemas.validation import validated
from service.security.api_key_auth import KEY_PROBLEMS, require_scope
from service.security.api_keys import Key
from service.serving.challengers import ChallengerWatcher
from service.serving.slots import ModelSlots
from service.serving.watcher import AliasWatcher
from service.thread_pools import ThreadPools

if TYPE_CHECKING:  # it brings MLflow along, which takes a second
    from model_registry.registry import ModelRegistry

router = APIRouter(tags=["promotion"])

Promoter = Annotated[Key, require_scope("promote")]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]


class ChampionChange:
    """Changes the champion, one change at a time, and loads the new one at once."""

    def __init__(
        self, slots: ModelSlots, watcher: AliasWatcher, challengers: ChallengerWatcher, threads: ThreadPools
    ) -> None:
        self._slots = slots
        self._watcher = watcher
        self._challengers = challengers
        self._threads = threads

    async def change(self, make: "Callable[[ModelRegistry], PromotionRecord]") -> PromotionOut:
        """Make a change in the registry and return its record.

        Raises
        ------
        service.errors.OutcomeUnknown
            If the registry does not answer in time: the change goes on by itself, and may yet be made.
        service.errors.NoAnswerInTime
            If an earlier change still waits for the registry: this one was not begun.
        """
        try:
            record = await self._threads.promotion.call(lambda: make(self._watcher.registry()))
        except NoAnswerInTime as error:
            if not error.is_begun:
                raise
            todo = "the change may yet be made; look at GET /promotions first"
            raise OutcomeUnknown(f"{error}: {todo}") from None
        await self._watcher.poll()
        self._challengers.wake()
        serving = self._slots.peek()
        values: dict[str, Any] = {name: getattr(record, name) for name in RecordOut.model_fields}
        return PromotionOut(**values, serving_version=serving.version if serving else None)


async def champion_change(
    slots: Slots, watcher: Watcher, challengers: Challengers, threads: Threads
) -> ChampionChange:
    """Return what changes the champion of the service that answers; a plain class would cost a thread."""
    return ChampionChange(slots, watcher, challengers, threads)


Change = Annotated[ChampionChange, Depends(champion_change)]


@router.post(
    "/models/{version}/promote",
    summary="Make a version the champion",
    responses=problems(400, 404, 409, 413, 415, 422, *KEY_PROBLEMS),
    openapi_extra=json_content(PromotionIn, {"reason": "better on July"}),
)
async def promote(
    champion: Change,
    by: Promoter,
    body: JsonBody,
    state: State,
    version: str = Path(description="Number of the version.", examples=["1"]),
) -> PromotionOut:
    """Make a registered version the champion; this service serves it at once, others within their poll.

    Its files are proved against their digest and tried first. A version that failed its gates takes `force`.
    A 503 of the type `outcome-unknown` says that the registry did not answer in time: the promotion may have
    been made, or may yet be; look at `GET /promotions` before you ask again. Takes a key with the scope
    `promote`.
    """
    number, why, settings = version_number(version), validated(PromotionIn, body), state.settings
    is_on_probation = settings.probation if why.probation is None else why.probation
    policy = Policy(action="roll-back", probation_races=settings.probation_races) if is_on_probation else None
    return await champion.change(
        lambda registry: registry.promote(
            number, reason=why.reason, by=by.name, forced=why.force, probation=policy
        )
    )


@router.post(
    "/rollback",
    summary="Go back to the champion before",
    responses=problems(400, 409, 413, 415, 422, *KEY_PROBLEMS),
    openapi_extra=json_content(RollbackIn, {"reason": "prices were late since Monday"}),
)
async def rollback(champion: Change, by: Promoter, body: JsonBody) -> PromotionOut:
    """Give the role back to the champion before this one; twice goes further back.

    Of a 503 of the type `outcome-unknown` holds the same as of a promotion: look before you ask again.
    Takes a key with the scope `promote`.
    """
    why = validated(RollbackIn, body)
    return await champion.change(lambda registry: registry.rollback(reason=why.reason, by=by.name))


@router.get("/promotions", summary="The record of promotions", responses=problems(422, 503))
async def get_promotions(registry: Registry, limit: Limit = 100) -> RecordsOut:
    """List who made which version the champion, when and why, newest first: rollbacks as well.

    It is the registry's own record, so changes made by command or by other services are in it.
    """
    history, rollback_to = await registry.changes()
    newest = history[-1 : -limit - 1 : -1]
    return RecordsOut(
        promotions=[RecordOut.model_validate(record) for record in newest],
        n_promotions=len(history),
        rollback_to=rollback_to,
    )
