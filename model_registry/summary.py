"""The keys of a model's summary: what pages of model status made for earlier services read."""

from collections.abc import Mapping
from typing import Any

KEYS = (
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
"""In the order in which such pages show them; a training writes ours after them."""


def summary_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the eleven keys of an artifact's summary; a value that it lacks is null."""
    return {key: document.get(key) for key in KEYS} | {"success": True}
