"""What a model must beat: knowing only the field size, only the box, only the base rate."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from racing.probabilities import share_within_race
from racing.race_table import RaceTable

Floats = NDArray[np.float64]

N_BOXES = 10
_PRIOR_RUNS = 60  # a box with few runs is drawn to the mean of all


@dataclass(frozen=True, slots=True)
class Baselines:
    """What the training races say without looking at a dog."""

    base_rate: float
    box_rates: tuple[float, ...]
    """Share of winners of boxes 0 (unknown) to 10."""

    def uniform(self, table: RaceTable) -> Floats:
        """Return one over the number of runners."""
        sizes = np.bincount(table.race)
        return np.asarray(1 / sizes[table.race], np.float64)

    def box_only(self, table: RaceTable) -> Floats:
        """Return the boxes' win rates, shared within the race."""
        rates = np.array(self.box_rates)
        return share_within_race(np.log(rates[_box(table)]), table.race)


def learn_baselines(train: RaceTable) -> Baselines:
    """Count winners by box on the training part only."""
    base_rate = float(np.clip(train.won.mean(), 1e-6, 1 - 1e-6))
    box = _box(train)
    runs = np.bincount(box, minlength=N_BOXES + 1)
    wins = np.bincount(box, train.won, minlength=N_BOXES + 1)
    rates = (wins + _PRIOR_RUNS * base_rate) / (runs + _PRIOR_RUNS)
    rates[0] = base_rate
    return Baselines(base_rate, tuple(float(rate) for rate in rates))


def _box(table: RaceTable) -> NDArray[np.int64]:
    return np.where((table.box >= 0) & (table.box <= N_BOXES), table.box, 0)
