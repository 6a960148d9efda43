"""A version of the model: its figures, gates and aliases, read from the tags of its record."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from model_registry.artifact import LoadedModel
from model_registry.mlflow_store.records import VersionRecord, clean, clean_digest, clean_metric

METRIC = "metric."
PASSED, FAILED = "passed", "failed"
# MLflow has no limit on the number of tags, but a person has.
MAX_METRICS = 60
MAX_TAGS = 100
MAX_NAME = 200
"""Characters of a name, a hash or a commit."""

_KEY = re.compile(r"[A-Za-z0-9_./ -]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A registered version, read from its tags.

    Attributes
    ----------
    gates : str, optional
        ``"passed"``, ``"failed"``, or None where no gate was applied.
    gate_failures : str
        Why it failed, for people; empty where it passed.
    metrics : dict of str to float
        Figures of the judged model on its test races, by dotted name.
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
    """Return a version from its record; ``aliases`` are the model's, by name."""
    tags, number = entry.tags, entry.version
    gates = tags.get("gates")
    return ModelVersion(
        version=number,
        kind=clean(tags.get("kind"), MAX_NAME),
        feature_version=clean(tags.get("feature_version"), MAX_NAME),
        digest=clean_digest(tags.get("digest")),
        data_hash=clean(tags.get("data_hash"), MAX_NAME),
        git_commit=clean(tags.get("git_commit"), MAX_NAME),
        created_at=_moment(entry.created_at_ms),
        description=clean(entry.description),
        run_id=clean(entry.run_id, MAX_NAME),
        aliases=tuple(sorted(name for name, version in aliases.items() if version == number)),
        gates=gates if gates in (PASSED, FAILED) else None,
        gate_failures=clean(tags.get("gate_failures")),
        metrics=_metrics(tags),
        tags=_others(tags),
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


def _metrics(tags: Mapping[str, str]) -> dict[str, float]:
    """Return the figures, at most so many; one that is no finite number counts as absent."""
    found = {}
    for key, text in tags.items():
        name = key.removeprefix(METRIC)
        if key.startswith(METRIC) and _KEY.fullmatch(name) and (value := clean_metric(text)) is not None:
            found[name] = value
            if len(found) == MAX_METRICS:
                break
    return found


def _others(tags: Mapping[str, str]) -> dict[str, str]:
    names = [key for key in tags if not key.startswith(METRIC)][:MAX_TAGS]
    return {clean(name, MAX_NAME): clean(tags[name]) for name in names}


def _moment(ms: int) -> dt.datetime:
    """Return a time in UTC, the beginning of 1970 where the registry's is out of range."""
    try:
        return dt.datetime.fromtimestamp(ms / 1000, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return dt.datetime.fromtimestamp(0, dt.UTC)
