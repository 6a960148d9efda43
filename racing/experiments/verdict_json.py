"""The verdict on a contestant as JSON: on record, over HTTP and by command the same."""

import math
from typing import Any

from racing.comparison.confidence import Estimate
from racing.comparison.verdict import Verdict
from racing.experiments.verdicts import ContestantVerdict
from racing.predictions.compared import PRICES


def verdict_as_json(one: ContestantVerdict) -> dict[str, Any]:
    """Return a verdict as values that JSON takes: None for what is not finite, days as text."""
    is_list = one.contestant.startswith(PRICES)
    return {
        "contestant": one.contestant,
        "version": None if is_list else int(one.contestant),
        "price_list": one.contestant.removeprefix(PRICES) if is_list else None,
        "first_day": one.first_day and one.first_day.isoformat(),
        "last_day": one.last_day and one.last_day.isoformat(),
        "verdict": _verdict(one.verdict),
        "split": None if one.split is None else _verdict(one.split),
        "sentences": [*one.sentences],
    }


def finite(number: float) -> float | None:
    """Return a number as JSON can hold it: None for NaN and infinities."""
    return float(number) if math.isfinite(number) else None


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "alpha": verdict.alpha,
        "by_outcome": _estimate(verdict.by_outcome),
        "by_market": _estimate(verdict.by_market),
        "agreement": _estimate(verdict.agreement),
        "is_market_trusted": bool(verdict.is_market_trusted),
        "decision": verdict.decision,
        "decided_by": verdict.decided_by,
        "races_to_go_by_outcome": verdict.races_to_go_by_outcome,
        "races_to_go_by_market": verdict.races_to_go_by_market,
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "n_races": int(estimate.n_races),
        "mean": finite(estimate.mean),
        "low": finite(estimate.low),
        "high": finite(estimate.high),
        "direction": estimate.direction,
    }
