"""``GET /models/{version}/evidence`` and ``/report``: what is on record of a version."""

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse

from greyhound.charts import script_policy
from service.dependencies import Registry
from service.openapi.responses import problems
from service.routes.models import version_number
from service.schemas.evidence import EvidenceOut

router = APIRouter(prefix="/models/{version}", tags=["model"])

# The page has its own style and the scripts that draw its charts; nothing else, and nothing from anywhere.
POLICY = "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@router.get(
    "/evidence", summary="What a version learnt from and how good it is", responses=problems(404, 503)
)
async def get_evidence(
    registry: Registry, version: str = Path(description="Number of the version.", examples=["1"])
) -> EvidenceOut:
    """Return what a version was trained on and how it did on races that it never saw, beside the baselines.

    The version that serves is answered from what is loaded, even while the registry is away.
    """
    return await registry.evidence(version_number(version))


@router.get(
    "/report",
    summary="The report of a version's training",
    response_class=HTMLResponse,
    responses=problems(404, 503)
    | {200: {"description": "One HTML page that needs no network; its only scripts draw its charts."}},
)
async def get_report(
    registry: Registry, version: str = Path(description="Number of the version.", examples=["1"])
) -> HTMLResponse:
    """Show the page that a training writes for a person who doubts, with every figure and plot."""
    page = await registry.report(version_number(version))
    return HTMLResponse(page, headers={"Content-Security-Policy": f"{script_policy()}; {POLICY}"})
