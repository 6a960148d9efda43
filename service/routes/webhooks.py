"""``POST /webhooks/mlflow``: the registry notifies that an alias moved, ahead of the next poll."""

from typing import Annotated

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, Field

from service.dependencies import Challengers, Watcher, Webhooks
from service.openapi.responses import problems

router = APIRouter(prefix="/webhooks", tags=["model"])


class Taken(BaseModel):
    """The delivery is the registry's."""

    is_taken: bool = Field(default=True, description="Always true.", examples=[True])


@router.post(
    "/mlflow",
    status_code=202,
    summary="MLflow notifies that an alias moved",
    responses=problems(401, 403, 409, 413),
)
async def mlflow_webhook(
    request: Request,
    webhooks: Webhooks,
    watcher: Watcher,
    challengers: Challengers,
    signature: Annotated[
        str, Header(alias="X-MLflow-Signature", description="`v1,` and a base64 HMAC.")
    ] = "",
    delivery: Annotated[str, Header(alias="X-MLflow-Delivery-ID", description="Taken once.")] = "",
    sent_at: Annotated[str, Header(alias="X-MLflow-Timestamp", description="Seconds since 1970.")] = "",
) -> Taken:
    """Poll the registry now for the champion and its challengers.

    The delivery is proved by its HMAC (`GREYHOUND_WEBHOOK_SECRET`), by its time (five minutes) and by its id
    (taken once). What it says of versions is not even read: the registry is polled.
    """
    webhooks.take(signature=signature, delivery=delivery, sent_at=sent_at, body=await request.body())
    watcher.wake()
    challengers.wake()
    return Taken()
