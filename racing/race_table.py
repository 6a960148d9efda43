"""Runners of races as one table of arrays: what training learns from and evaluation judges on."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceTable:
    """Runners in race order (date, race, box); every array has one entry a runner, n in all.

    Prices' probabilities are shared within the race and NaN where a runner's price is unknown.
    """

    features: NDArray[np.float32]
    """Shape (n, n_features), in the order of :data:`racing.features.FEATURE_NAMES`; NaN is unknown."""
    race_id: NDArray[np.int64]
    """The database's race; the rows of a race are contiguous."""
    run_id: NDArray[np.int64]
    date: NDArray[np.datetime64]
    """Race day, ``datetime64[D]``, ascending."""
    track_id: NDArray[np.int64]
    track: NDArray[np.str_]
    """The track's name."""
    state: NDArray[np.str_]
    """The state of the track, blank where unknown."""
    distance_m: NDArray[np.int64]
    box: NDArray[np.int64]
    """0 where unknown."""
    won: NDArray[np.bool_]
    placed: NDArray[np.float64]
    """1, 0, or NaN where the source does not say."""
    finish_position: NDArray[np.float64]
    """1, 2, 3 ..., the same for those in a dead heat; NaN where unknown, and of who did not finish."""
    is_whole: NDArray[np.bool_]
    """Every starter of the race is in the table, so that probabilities within it can be judged."""
    n_prior_runs: NDArray[np.int64]
    """Runs of the dog before race day, as far as its window reaches."""
    market_probability: NDArray[np.float64]
    """BSP where known, else SP."""
    rated_probability: NDArray[np.float64]
    place_market_probability: NDArray[np.float64]
    """Of being placed, by place BSP; sums to the places paid within the race."""
    true_probability: NDArray[np.float64]
    """Known to the simulator only."""
    early_probability: NDArray[np.float64] | None = None
    """The market's ten minutes before the off. ``None``: the table was made without prices before the off."""
    run_features: NDArray[np.float32] | None = None
    """Shape (n, n_run_features), in the order of ``RUN_FEATURE_NAMES``; NaN is unknown. ``None``: the table
    was made without the numbers of single runs."""

    def __len__(self) -> int:
        return len(self.race_id)

    @property
    def race(self) -> NDArray[np.int64]:
        """Return 0, 1, 2 ... for the races in order, one entry a runner."""
        if not len(self):
            return np.zeros(0, np.int64)
        return np.cumsum(np.diff(self.race_id, prepend=self.race_id[0]) != 0)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "RaceTable":
        """Return the table of some rows (whole races, please)."""
        return RaceTable(**{name: values[rows] for name, values in self.arrays().items()})

    def followed_by(self, later: "RaceTable") -> "RaceTable":
        """Return the table with the races of later days behind."""
        own, others = self.arrays(), later.arrays()
        return RaceTable(
            **{name: np.concatenate([values, others[name]]) for name, values in own.items() if name in others}
        )

    def with_features(self, columns: Sequence[int]) -> "RaceTable":
        """Return the table with some of its features."""
        return replace(self, features=np.ascontiguousarray(self.features[:, list(columns)]))

    def with_run_features(self, columns: Sequence[int] | None) -> "RaceTable":
        """Return the table with some of its numbers of runs, or with none."""
        if columns is None or self.run_features is None:
            return replace(self, run_features=None)
        return replace(self, run_features=np.ascontiguousarray(self.run_features[:, list(columns)]))

    def inputs(self, n: int) -> NDArray[np.float32]:
        """Return a model's n inputs: the features, and where it takes more, the numbers of runs behind."""
        if n == self.features.shape[1] or self.run_features is None:
            return self.features
        return np.concatenate([self.features, self.run_features], axis=1)

    def arrays(self) -> dict[str, Any]:
        """Return the arrays that there are, by name."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: values for name, values in arrays.items() if values is not None}
