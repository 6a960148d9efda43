"""``POST /models/{version}/promote`` and ``POST /rollback``: change the version that serves."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path

from model_registry.history import PromotionRecord
from service.door.keys import KEY_PROBLEMS, Key, needs
from service.openapi import REQUEST_ID, json_content, parameters, problems
from service.promotion import PromotionIn, PromotionOut, RollbackIn
from service.routes.models import version_number
from service.running import JsonBody, Running, Service

router = APIRouter(tags=["promotion"])

Promoter = Annotated[Key, needs("promote")]


@router.post(
    "/models/{version}/promote",
    summary="Make a version the champion",
    responses=problems(400, 404, 409, 413, 415, 422, *KEY_PROBLEMS),
    openapi_extra=json_content(PromotionIn, {"reason": "better on July"}) | parameters(REQUEST_ID),
)
async def promote(
    service: Service,
    by: Promoter,
    body: JsonBody,
    version: str = Path(description="Number of the version.", examples=["1"]),
) -> PromotionOut:
    """Make a registered version the champion; this service serves it at once, others within their poll.

    Its files are proved against their digest and tried first. A version that failed its gates takes `force`.
    Takes a key with the scope `promote`.
    """
    number, why = version_number(version), PromotionIn.model_validate_json(body)
    registry = await asyncio.to_thread(service.watcher.registry)
    record = await asyncio.to_thread(
        registry.promote, number, reason=why.reason, by=by.name, forced=why.force
    )
    return await _served(service, record)


@router.post(
    "/rollback",
    summary="Go back to the champion before",
    responses=problems(400, 409, 413, 415, 422, *KEY_PROBLEMS),
    openapi_extra=json_content(RollbackIn, {"reason": "prices were late since Monday"})
    | parameters(REQUEST_ID),
)
async def rollback(service: Service, by: Promoter, body: JsonBody) -> PromotionOut:
    """Give the role back to the champion before this one; twice goes further back.

    Takes a key with the scope `promote`.
    """
    why = RollbackIn.model_validate_json(body)
    registry = await asyncio.to_thread(service.watcher.registry)
    record = await asyncio.to_thread(registry.rollback, reason=why.reason, by=by.name)
    return await _served(service, record)


async def _served(service: Running, record: PromotionRecord) -> PromotionOut:
    """Take up a promotion now, not at the next look, and return it."""
    await service.watcher.look()
    serving = service.slots.find()
    told: dict[str, Any] = {name: getattr(record, name) for name in PromotionRecord.__dataclass_fields__}
    return PromotionOut(**told, serving_version=serving.version if serving else None)
