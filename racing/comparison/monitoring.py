"""Sequential tests for the monitor: looking every day is free."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from racing.comparison.confidence import Estimate

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CalibrationTest:
    """How well probabilities fit the outcomes."""

    n_races: int
    slope: float
    """Of the log probabilities, within the race: 1 is calibrated, below 1 too bold; NaN without an answer."""
    slope_low: float
    slope_high: float
    """The ends of the slope's confidence sequence; -inf and inf before :data:`START_RACES`."""
    intercept: float
    """Of a logistic recalibration per runner, whose slope is fitted beside it; 0 is calibrated."""
    ece: float
    ece_by_chance: float
    """What a perfectly calibrated model of these probabilities stays below 95 times of 100."""
    is_alarming: bool
    """The confidence sequence of the slope lies outside what is tolerated."""


@dataclass(frozen=True, slots=True)
class Change:
    """A mean per race beside the reference that it is held against."""

    estimate: Estimate
    reference_mean: float
    is_worse: bool


def gap_estimate(loss: Floats, market_loss: Floats, *, alpha: float) -> Estimate:
    """Return the mean of loss - market_loss over races that have both."""
    raise NotImplementedError


def calibration_test(
    probability: Floats, won: NDArray[np.bool_], race: NDArray[np.int64], *, alpha: float
) -> CalibrationTest:
    """Return slope, intercept and ECE of win probabilities, with an alarm that is valid at every look."""
    raise NotImplementedError


def change_since(
    values: Floats, reference_mean: float, *, alpha: float, reference_standard_error: float = 0.0
) -> Change:
    """Return whether the mean of values (gaps to the market, say) has become worse than a reference."""
    raise NotImplementedError
