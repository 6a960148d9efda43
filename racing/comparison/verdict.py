"""Who is better: by outcomes, by the closing market's expectation, and which of the two decides."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from racing.comparison.confidence import Direction, Estimate
from racing.comparison.gains import Gains

Floats = NDArray[np.float64]
MOST_RACES_TO_GO = 100_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the races so far say of B against A."""

    alpha: float
    by_outcome: Estimate
    by_market: Estimate
    agreement: Estimate
    """Of by_outcome - by_market, over races that have both; must contain 0."""
    is_market_trusted: bool
    decision: Direction
    decided_by: Literal["market", "outcomes"] | None
    races_to_go_by_outcome: int | None
    """None where decided, too early to say, or more than :data:`MOST_RACES_TO_GO`."""
    races_to_go_by_market: int | None


@dataclass(frozen=True, slots=True)
class ArmScores:
    """Of one arm of a split: its own loss less the market's, one entry a race that it answered; smaller is better."""

    by_outcome: Floats
    by_market: Floats


def paired_verdict(gains: Gains, *, alpha: float = 0.05) -> Verdict:
    """Return the verdict on B against A, both of which predicted the same races."""
    raise NotImplementedError


def split_verdict(champion: ArmScores, challenger: ArmScores, *, alpha: float = 0.05) -> Verdict:
    """Return the verdict on a challenger that predicted other races than the champion."""
    raise NotImplementedError


def arm_scores(p: Floats, won: NDArray[np.bool_], market: Floats, race: NDArray[np.int64]) -> ArmScores:
    """Return one arm's scores from flat arrays with one entry a starter."""
    raise NotImplementedError


def verdict_text(verdict: Verdict, *, new: str, old: str, races_per_day: float | None = None) -> list[str]:
    """Return the verdict in plain sentences."""
    raise NotImplementedError


def races_needed(mean: float, standard_deviation: float, alpha: float) -> int | None:
    """Return after how many races an effect of this size is decided; None for more than 100,000."""
    raise NotImplementedError
