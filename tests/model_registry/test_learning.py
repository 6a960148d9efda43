"""Until which day a version has learnt, as its artifact's documents tell, whichever release wrote them."""

import datetime as dt
from typing import Any

import pytest

from model_registry.learning import JUDGED, Learning, learning_of

WINDOWS = {
    "train": {"from": "2025-01-01", "until": "2025-10-31"},
    "calibration": {"from": "2025-11-01", "until": "2025-12-31"},
    "test": {"from": "2026-01-01", "until": "2026-03-31"},
}
REFIT = {"digest": "9a" * 32, "learnt_until": "2025-12-31", "serves_learnt_until": "2026-03-31"}


def documents(**judged: Any) -> dict[str, dict[str, Any]]:
    """Documents of an artifact, with ``judged.json`` if anything is in it."""
    return {"training": {"data": WINDOWS}} | ({JUDGED: judged} if judged else {})


def test_a_refitted_version_tells_both_days_in_one_sentence() -> None:
    learning = learning_of(documents(**REFIT))
    assert learning.is_refit
    assert learning.sentence == (
        "Judged on 2026-01-01 to 2026-03-31 by the same recipe, which had learnt to 2025-12-31; what serves "
        "has learnt to 2026-03-31."
    )
    assert learning.has_learnt_from(dt.date(2026, 3, 31), dt.date(2026, 4, 30))
    assert not learning.has_learnt_from(dt.date(2026, 4, 1), dt.date(2026, 4, 30))


def test_a_version_of_an_earlier_release_serves_as_it_was_judged() -> None:
    learning = learning_of(documents())
    assert (learning.is_refit, learning.judged_digest) == (False, None)
    assert learning.learnt_until == learning.judged_learnt_until == dt.date(2025, 12, 31)
    assert learning.sentence == "Judged on 2026-01-01 to 2026-03-31; it has learnt to 2025-12-31."
    assert not learning.has_learnt_from(dt.date(2026, 1, 1), dt.date(2026, 1, 1))
    assert not learning.has_learnt_from(dt.date(2024, 1, 1), dt.date(2024, 12, 31))


@pytest.mark.parametrize(
    "strange",
    [
        {},
        {"training": {}},
        {"training": {"data": "lost"}},
        {"training": {"data": {"train": {"until": "soon"}}}, JUDGED: {"digest": 7}},
    ],
)
def test_an_artifact_that_does_not_tell_leaves_all_unknown(strange: dict[str, Any]) -> None:
    learning = learning_of(strange)
    assert learning == Learning()
    assert learning.sentence is None
    assert not learning.has_learnt_from(dt.date(2000, 1, 1), dt.date(2100, 1, 1))
