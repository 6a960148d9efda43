"""``GET /models``: the versions that the registry has, and the aliases of each."""

import datetime as dt

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from model_registry.errors import NoSuchVersion
from model_registry.versions import ModelVersion
from service.dependencies import Registry
from service.openapi.responses import problems

router = APIRouter(tags=["model"])


class VersionOut(BaseModel):
    """One registered version."""

    version: int = Field(description="Its number.", examples=[7])
    aliases: list[str] = Field(description="`champion` serves, `challenger` would.", examples=[["champion"]])
    kind: str = Field(description="Model family, or `ensemble`.", examples=["ensemble"])
    created_at: dt.datetime = Field(
        description="When it was registered, UTC.", examples=["2026-03-01T08:05:30Z"]
    )
    feature_version: str = Field(description="Its set of features.", examples=["1"])
    digest: str = Field(description="sha256 over its artifact.", examples=["1f6c0a..."])
    data_hash: str = Field(description="Hash of the data that it was trained on.", examples=["9be1..."])
    git_commit: str = Field(description="Code that trained it.", examples=["60dbb74"])
    gates: str | None = Field(
        description="`passed`, `failed`, or null where nobody judged.", examples=["passed"]
    )
    gate_failures: str = Field(description="Why it failed its gates.", examples=[""])
    description: str = Field(description="In a sentence.", examples=["Five families, 30 trials each"])
    metrics: dict[str, float] = Field(
        description="Figures on races later than anything that it saw.", examples=[{"race_log_loss": 1.573}]
    )


class VersionsOut(BaseModel):
    """Every registered version."""

    models: list[VersionOut] = Field(description="Newest first.")


@router.get("/models", summary="All registered versions", responses=problems(503))
async def get_models(registry: Registry) -> VersionsOut:
    """List the registry's versions, newest first, with their aliases and figures."""
    return VersionsOut(models=[_version_out(version) for version in await registry.versions()])


@router.get("/models/{version}", summary="One registered version", responses=problems(404, 503))
async def get_model(
    registry: Registry, version: str = Path(description="Number of the version.", examples=["1"])
) -> VersionOut:
    """Show one version, with its aliases, the verdict of its gates and its figures."""
    return _version_out(await registry.version(version_number(version)))


def version_number(text: str) -> int:
    """Return the version that an address names."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NoSuchVersion("a version is a whole number, such as 7")
    return int(text)


def _version_out(version: ModelVersion) -> VersionOut:
    values = {name: getattr(version, name) for name in VersionOut.model_fields}
    return VersionOut(**values | {"aliases": list(version.aliases), "metrics": dict(version.metrics)})
