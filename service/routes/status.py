"""``GET /model_status``: what serves, how good it is, and what the service sees of the registry."""

from fastapi import APIRouter

from service.observability.service_status import service_out
from service.running import Service
from service.status import ModelStatus, model_status

router = APIRouter(tags=["model"])


@router.get(
    "/api/model_status", summary="The same, for pages that ask here", operation_id="model_status_for_pages"
)
@router.get("/model_status", summary="The champion and how it got here")
async def get_model_status(service: Service) -> ModelStatus:
    """Tell which version serves.

    The first eleven keys are those of earlier services, in their order; while nothing is served `success` is
    false and the other ten are null.
    """
    return model_status(
        service.slots,
        service.watcher.state,
        service.watcher.cache_state,
        started_at=service.started_at,
        database_error=service.form.error,
        service=service_out(service.metrics, service.lookout, started_s=service.began_s),
        log_state=service.kept.state,
    )
