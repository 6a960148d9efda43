"""What is too much, or comes too late, goes without shadows and is counted."""

import asyncio
import datetime as dt
import time
from pathlib import Path

import numpy as np

from racing.domain.cards import Card, Runner
from racing.features import FEATURE_NAMES
from service.observability.metrics import Metrics
from service.prediction_log.log_queue import AwaitedShadows
from service.serving.loading import load_snapshot
from service.serving.slots import ModelSlots, Snapshot
from service.shadow.scorer import MAX_WAITING, ShadowScorer
from service.shadow.scoring import AnsweredCard, score
from tests.service.builders import make_model
from tests.service.shadow.builders import make_spoiled_model

RUNNERS = tuple(Runner(name=f"Dog {box}", box=box) for box in range(1, 7))
CARD = Card(date=dt.date(2026, 3, 14), track="Sandown Park", distance_m=515, runners=RUNNERS)


def make_card(snapshot: Snapshot, *, weight_kg: float = np.nan, at_s: float | None = None) -> AnsweredCard:
    features = np.full((6, len(FEATURE_NAMES)), np.nan, np.float32)
    features[:, FEATURE_NAMES.index("box")] = range(1, 7)
    features[:, FEATURE_NAMES.index("weight_kg")] = weight_kg
    statuses = ("starter",) * 6
    at_s = time.monotonic() if at_s is None else at_s
    return AnsweredCard(features, CARD, statuses, True, (snapshot,), AwaitedShadows(), at_s)


def test_cards_beyond_the_bound_are_dropped_late_ones_too_and_the_others_are_scored(tmp_path: Path) -> None:
    make_model(tmp_path / "model")
    snapshot, metrics = load_snapshot(2, tmp_path / "model"), Metrics()
    scorer = ShadowScorer(ModelSlots(), metrics)

    def dropped(reason: str) -> float | None:
        labels = {"version": "2", "reason": reason}
        return metrics.registry.get_sample_value("greyhound_shadow_dropped_total", labels)

    async def put_many() -> None:
        late = make_card(snapshot, at_s=time.monotonic() - 3600)
        closed = make_card(snapshot)
        assert closed.awaited
        closed.awaited.close()  # its record was saved
        for card in (late, closed):
            assert scorer.put(card)
        taken = [scorer.put(make_card(snapshot, at_s=float("inf"))) for _ in range(MAX_WAITING + 8)]
        assert taken == [True] * (MAX_WAITING - 2) + [False] * 10
        deadline = time.monotonic() + 60
        while (n := scorer.breakers.counts(2).n_scored) < MAX_WAITING - 2:
            assert time.monotonic() < deadline, n
            await asyncio.sleep(0.01)

    asyncio.run(put_many())
    scorer.stop()
    scorer.wait()
    assert not scorer.is_running
    assert (dropped("full"), dropped("late")) == (10, 2)
    assert scorer.breakers.counts(2).n_dropped == 12


def test_a_card_that_a_version_cannot_score_spoils_none_that_is_scored_with_it(tmp_path: Path) -> None:
    make_spoiled_model(tmp_path / "model", "non-finite")
    snapshot = load_snapshot(2, tmp_path / "model")
    light, heavy = make_card(snapshot), make_card(snapshot, weight_kg=36.0)
    first, failed, last = score(snapshot, [light, heavy, light])
    assert isinstance(failed, Exception)
    assert not isinstance(first, Exception)
    np.testing.assert_array_equal(first, last)
    assert abs(first.sum() - 1) < 1e-12


def test_cards_scored_together_are_scored_as_each_alone(tmp_path: Path) -> None:
    make_model(tmp_path / "model", exponent=1.7)
    snapshot = load_snapshot(2, tmp_path / "model")
    cards = [make_card(snapshot, weight_kg=25.0 + i) for i in range(40)]
    for card, together in zip(cards, score(snapshot, cards), strict=True):
        (alone,) = score(snapshot, [card])
        assert not isinstance(together, Exception)
        assert not isinstance(alone, Exception)
        np.testing.assert_allclose(together, alone, atol=1e-7)
