"""A mean per race with an interval that holds at every look: confidence sequences."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Direction = Literal["better", "worse", "undecided"]

START_RACES = 50


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean per race with the ends of its confidence sequence."""

    n_races: int
    mean: float
    """NaN without races."""
    low: float
    """-inf while too few races say anything."""
    high: float
    """inf while too few races say anything."""

    @property
    def direction(self) -> Direction:
        """``better`` where the whole interval is above 0, ``worse`` where it is below."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "undecided"


def asymptotic(values: Floats, *, alpha: float) -> Estimate:
    """Return the mean with its asymptotic confidence sequence; NaN values are left out."""
    raise NotImplementedError


def asymptotic_path(values: Floats, *, alpha: float) -> tuple[Floats, Floats, Floats]:
    """Return mean, low and high after each of the races, each of shape (n,)."""
    raise NotImplementedError


def empirical_bernstein(values: Floats, *, alpha: float, bound: float) -> Estimate:
    """Return the mean of the values clipped to +-bound, with its exact confidence sequence."""
    raise NotImplementedError
