"""What a registry has on record of the model and of a version, whichever way it was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion
    from mlflow.entities.model_registry import RegisteredModel

MAX_VERSION = 2**31 - 1  # what the log of predictions, and MLflow's own tables, can hold
_MAX_DIGITS = 20


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """The registered model."""

    aliases: Mapping[str, int]
    """Version by alias."""
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A version of the model."""

    version: int
    source: str
    """Address of its artifact."""
    run_id: str
    """Of the run that made it; may be empty."""
    description: str
    created_at_ms: int
    """Milliseconds since 1970."""
    tags: Mapping[str, str]


def model_record(model: "RegisteredModel") -> ModelRecord:
    """Return MLflow's registered model as a record."""
    return ModelRecord(
        {name: whole_number(version) for name, version in model.aliases.items()}, dict(model.tags)
    )


def version_record(entry: "MlflowVersion") -> VersionRecord:
    """Return one of MLflow's versions as a record."""
    return VersionRecord(
        version=whole_number(entry.version),
        source=str(entry.source),
        run_id=entry.run_id or "",
        description=entry.description or "",
        created_at_ms=int(entry.creation_timestamp),
        tags=dict(entry.tags),
    )


def whole_number(value: object) -> int:
    """Return a version's number; whoever says it is a peer, and may say anything."""
    number = int(str(value)[:_MAX_DIGITS])
    if not 1 <= number <= MAX_VERSION:
        raise ValueError(f"a version is 1..{MAX_VERSION}, got {number}")
    return number
