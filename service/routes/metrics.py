"""``GET /metrics``: for Prometheus."""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from service.dependencies import Collector
from service.observability.exposition import CONTENT_TYPE
from service.openapi.responses import problems

router = APIRouter(tags=["watching"])
_DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/plain": {"example": 'greyhound_requests_total{route="/predict",status="200"} 90210.0'}
        }
    }
}


@router.get(
    "/metrics",
    summary="Everything that is counted",
    response_class=PlainTextResponse,
    response_description="Prometheus' text format, version 0.0.4.",
    responses=problems(503) | _DOCUMENTED,
)
async def get_metrics(collector: Collector) -> Response:
    """Return every metric, in Prometheus' text format; with several workers those of all of them."""
    return Response(await collector.text(), media_type=CONTENT_TYPE)
