"""Fuses, as a table: what one process saw of the champion, and which limit that breaks."""

from typing import Any

import numpy as np
import pytest

from racing.experiments.fuses import FuseLimits, LatestAnswers, blown_fuse, usual_range

LIMITS = FuseLimits(model_ms=50.0)
FINE = {"n_cards": 100, "model_ms": np.full(100, 1.0), "probabilities": np.full(600, 1 / 6)}


def seen(**changes: Any) -> LatestAnswers:
    values: dict[str, Any] = {"version": 7, **FINE, **changes}
    return LatestAnswers(**values)


@pytest.mark.parametrize(
    ("case", "changes", "fuse"),
    [
        ("all is well", {}, None),
        ("nothing yet", {"n_cards": 0, "model_ms": np.zeros(0), "probabilities": np.zeros(0)}, None),
        ("four errors of 100", {"n_errors": 4}, None),
        ("five errors of 100", {"n_errors": 5}, "errors"),
        ("five errors of 300", {"n_errors": 5, "n_cards": 300}, None),
        ("two cards without a number", {"n_not_scored": 2}, None),
        ("three cards without a number", {"n_not_scored": 3}, "not-scored"),
        ("one card in twenty is slow", {"model_ms": np.r_[np.full(95, 1.0), np.full(5, 250.0)]}, None),
        ("one card in ten is slow", {"model_ms": np.r_[np.full(90, 1.0), np.full(10, 250.0)]}, "slow"),
        ("twenty cards, all slow", {"model_ms": np.full(20, 250.0)}, "slow"),
        ("few cards, all slow", {"model_ms": np.full(19, 250.0)}, None),
        ("few cards, a tail", {"model_ms": np.r_[np.full(89, 1.0), np.full(10, 250.0)]}, None),
        ("golden card", {"golden_error": "runner 2 is off by 0.1"}, "golden"),
        ("a fifth beyond", {"probabilities": np.r_[np.full(80, 0.2), np.full(20, 0.99)]}, None),
        ("a third beyond", {"probabilities": np.r_[np.full(60, 0.2), np.full(30, 0.99)]}, "range"),
    ],
)
def test_a_fuse_blows_at_its_limit_and_not_before(
    case: str, changes: dict[str, Any], fuse: str | None
) -> None:
    found = blown_fuse(seen(**changes), LIMITS, reference=(0.01, 0.9))
    assert (found and found.name) == fuse, case
    if found:
        assert "version 7" in found.reason


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"win_probability": {"min": 0.004, "max": 0.83, "edges": [0.1]}}, (0.004, 0.83)),
        ({}, None),
        ({"win_probability": {"min": 0.9, "max": 0.1}}, None),
        ({"win_probability": {"min": "0", "max": 1}}, None),
        ({"win_probability": [1, 2]}, None),
    ],
)
def test_the_usual_range_is_what_the_artifact_says_if_it_says_so(reference: Any, expected: Any) -> None:
    assert usual_range(reference) == expected
    assert blown_fuse(seen(), LIMITS, reference=None) is None
