"""The clock of a prediction's phases."""

import time
from typing import Any

import pytest

from service.observability.stages import StageTimer, timer_of


def test_each_phase_lasts_from_the_mark_before_and_parts_of_one_add_up() -> None:
    clock = StageTimer()
    clock.marks.extend(
        [("parse", clock.started + 1), ("model", clock.started + 3), ("parse", clock.started + 7)]
    )
    assert clock.seconds() == pytest.approx({"parse": 5, "model": 2})


def test_what_is_skipped_belongs_to_no_phase() -> None:
    clock = StageTimer()
    time.sleep(0.02)
    before = time.perf_counter()
    clock.skip()
    clock.mark("parse")
    assert 0 <= clock.seconds()["parse"] <= time.perf_counter() - before


def test_a_request_has_the_clock_that_was_started_for_it() -> None:
    scope: dict[str, Any] = {}
    assert timer_of(scope) is None
    clock = StageTimer.of(scope)
    assert timer_of(scope) is clock
