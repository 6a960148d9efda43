"""The JSON documents that travel in an artifact beside the graphs, and how arrays are written in them."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from model_registry.errors import ArtifactBroken

#: What every artifact must hold, and what each says; others may travel along.
DOCUMENTS = {
    "effects": "tables learnt from history, as of the end of training",
    "reference": "each feature's distribution in training, for drift",
    "metrics": "figures on races later than anything that the model saw",
    "training": "data window, rows, races, search, versions, git_commit, data_hash, seconds",
    "summary": "the keys of /model_status",
    "golden": "a card's features, and the probabilities that the model must give for them",
}
SUMMARY_KEYS = (
    "success",
    "model_type",
    "accuracy",
    "auc_score",
    "f1_score",
    "last_trained",
    "features",
    "samples",
    "class_balance",
    "calibration",
    "optimization",
)
"""Keys of ``summary.json`` that pages made for earlier services read, in the order in which they show them; a
training writes ours after them."""


def golden_document(features: ArrayLike, probabilities: ArrayLike) -> dict[str, Any]:
    """Return ``golden.json`` for one race: features of shape (n_runners, n_features), NaN unknown."""
    rows = np.asarray(features, np.float32)
    return {"features": rows, "probabilities": np.asarray(probabilities, np.float64)}


def summary_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the eleven keys of an artifact's summary; a value that it lacks is null."""
    return {key: document.get(key) for key in SUMMARY_KEYS} | {"success": True}


def encode(name: str, document: Mapping[str, Any]) -> bytes:
    """Return a document as strict JSON: arrays become lists, NaN becomes null."""
    try:
        return (json.dumps(_plain(document), allow_nan=False, indent=1) + "\n").encode()
    except (TypeError, ValueError) as error:
        raise ArtifactBroken(f"{name} cannot be written as JSON: {error}") from error


def decode(name: str, content: bytes) -> dict[str, Any]:
    """Read a document: one JSON object."""
    try:
        document = json.loads(content, parse_constant=_refuse)
        if b"\\ud" in content.lower():  # half of a surrogate pair is no text that can be encoded
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ArtifactBroken(f"{name} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ArtifactBroken(f"{name} must hold a JSON object, got {type(document).__name__}")
    return document


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _plain(value: Any) -> Any:
    match value:
        case np.ndarray() | np.generic():
            return _plain(value.tolist())
        case Mapping():
            return {str(key): _plain(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_plain(entry) for entry in value]
        case float() if math.isnan(value):
            return None
        case _:
            return value
