"""A fitted net: its weights as plain arrays, which go to other processes and into ONNX without torch."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.families.field_net.shape import Shape

Floats = NDArray[np.float32]
_PRODUCTS_A_STEP = 28  # compiled code multiplies so many numbers while a table takes a step


@dataclass(frozen=True, slots=True)
class FieldNetMember:
    """A net that reads whole races."""

    shape: Shape
    weights: Mapping[str, Floats]

    @property
    def reads_runs(self) -> bool:
        """Whether it takes the numbers of single runs."""
        return self.shape.n_run_columns > 0

    def field_log_odds(
        self, features: Floats, run_features: Floats | None, race: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return each runner's log odds among those of its race; races are contiguous."""
        from training.families.field_net.fitting import log_odds_of  # torch is an extra

        return log_odds_of(self.weights, self.shape, features, run_features, race)

    def steps(self, n_runners: int) -> int:
        """Return the work for a card, in steps of :mod:`training.search.cost`."""
        return n_runners * self.shape.n_products // _PRODUCTS_A_STEP
