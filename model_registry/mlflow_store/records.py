"""What a registry has on record of the model and of a version, however it was read, and how it is cleaned.

Other programs may write to a registry, and write anything: values are cut and cleaned before they are used.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion
    from mlflow.entities.model_registry import RegisteredModel

MAX_VERSION = 2**31 - 1  # what the log of predictions, and MLflow's own tables, can hold
MAX_CHARACTERS = 2000
"""Of a tag or a description that is shown; what is longer is cut."""
MAX_METRIC_CHARACTERS = 40
_MAX_DIGITS = 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


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
        {name: version_number(version) for name, version in model.aliases.items()}, dict(model.tags)
    )


def version_record(entry: "MlflowVersion") -> VersionRecord:
    """Return one of MLflow's versions as a record."""
    return VersionRecord(
        version=version_number(entry.version),
        source=str(entry.source),
        run_id=entry.run_id or "",
        description=entry.description or "",
        created_at_ms=int(entry.creation_timestamp),
        tags=dict(entry.tags),
    )


def version_number(value: object) -> int:
    """Return a version's number, or raise ValueError where a registry's value is none."""
    number = int(str(value)[:_MAX_DIGITS])
    if not 1 <= number <= MAX_VERSION:
        raise ValueError(f"a version is 1..{MAX_VERSION}, got {number}")
    return number


def clean(text: object, at_most: int = MAX_CHARACTERS) -> str:
    """Return a text that every encoder takes, at most so long; what is no text is empty."""
    if not isinstance(text, str):
        return ""
    return text[:at_most].encode("utf-8", "replace").decode()


def is_text(value: object) -> bool:
    """Return whether a value is a text that every encoder takes: without lone surrogates."""
    return isinstance(value, str) and clean(value, len(value)) == value


def clean_digest(text: object) -> str:
    """Return a sha256 in hexadecimal digits, or nothing."""
    return text if isinstance(text, str) and _DIGEST.fullmatch(text) else ""


def clean_metric(text: object) -> float | None:
    """Return a finite number, or None."""
    if not isinstance(text, str) or len(text) > MAX_METRIC_CHARACTERS:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
