"""What one contestant gains over another in each race: by the winner, and by the closing market's expectation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Races = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Gains:
    """Of contestant B over A, in nats, one entry a race; above 0, B was better."""

    by_outcome: Floats
    """ln(pB / pA) of the winner; NaN where not exactly one won, or a contestant lacks a starter."""
    by_market: Floats
    """The sum over starters of m ln(pB / pA); NaN where a starter lacks a closing price or a probability."""


def race_gains(a: Floats, b: Floats, won: Flags, market: Floats, race: Races) -> Gains:
    """Return what B gains over A in each race, from flat arrays with one entry a starter.

    ``race`` is the number of each starter's race: 0 .. n - 1, in ascending order.
    """
    raise NotImplementedError
