"""What the registry says of one version of the model."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from model_registry.artifact import LoadedModel
from model_registry.records import VersionRecord

METRIC = "metric."
PASSED, FAILED = "passed", "failed"
# MLflow has no limit on the number of tags, but a person has.
MAX_METRICS = 60

_KEY = re.compile(r"[A-Za-z0-9_./ -]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A registered version, read from its tags.

    Attributes
    ----------
    gates : str, optional
        ``"passed"``, ``"failed"``, or None where nobody judged.
    gate_failures : str
        Why, in words.
    """

    version: int
    kind: str
    feature_version: str
    digest: str
    data_hash: str
    git_commit: str
    created_at: dt.datetime
    description: str = ""
    run_id: str = ""
    aliases: tuple[str, ...] = ()
    gates: str | None = None
    gate_failures: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def read_version(entry: VersionRecord, aliases: Mapping[str, int]) -> ModelVersion:
    """Return what a record says of a version; ``aliases`` are the model's, by name."""
    tags, number = entry.tags, entry.version
    return ModelVersion(
        version=number,
        kind=tags.get("kind", ""),
        feature_version=tags.get("feature_version", ""),
        digest=tags.get("digest", ""),
        data_hash=tags.get("data_hash", ""),
        git_commit=tags.get("git_commit", ""),
        created_at=dt.datetime.fromtimestamp(entry.created_at_ms / 1000, dt.UTC),
        description=entry.description,
        run_id=entry.run_id,
        aliases=tuple(sorted(name for name, version in aliases.items() if version == number)),
        gates=tags.get("gates"),
        gate_failures=tags.get("gate_failures", ""),
        metrics={key.removeprefix(METRIC): float(tags[key]) for key in tags if key.startswith(METRIC)},
        tags={key: value for key, value in tags.items() if not key.startswith(METRIC)},
    )


def tags_of(model: LoadedModel) -> dict[str, str]:
    """Return the tags under which an artifact is registered."""
    training = model.documents["training"]
    tags = {
        "digest": model.digest,
        "kind": model.spec.kind,
        "feature_version": model.spec.feature_version,
        "data_hash": str(training.get("data_hash") or ""),
        "git_commit": str(training.get("git_commit") or ""),
    }
    metrics = [(key, value) for key, value in _numbers(model.documents["metrics"]) if _KEY.fullmatch(key)]
    return tags | {METRIC + key: repr(value) for key, value in metrics[:MAX_METRICS]}


def _numbers(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numbers of a document by dotted keys, the outer ones first."""
    for key, value in document.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield prefix + key, float(value)
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{key}.")
