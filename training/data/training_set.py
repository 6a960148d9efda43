"""What a member learns from: rows, weights, and either the winners or a target for each race."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racing.race_table import RaceTable
from training.objective import WithinRace, race_targets


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Rows to learn from; with ``target`` and ``race`` they are learnt from race by race."""

    features: NDArray[np.float32]
    won: NDArray[np.bool_]
    weights: NDArray[np.float64]
    """One a runner, their mean 1; equal within a race."""
    target: NDArray[np.float64] | None = None
    """Each runner's share of its race, see :mod:`training.objective`; ``None``: runners one by one."""
    race: NDArray[np.int64] | None = None
    """The race of each row, contiguous; ``None`` where rows were added that ran in none."""
    run_features: NDArray[np.float32] | None = None
    """Numbers of single runs, for families that read them, see :class:`racing.race_table.RaceTable`.

    Of all runners of the table, for a copy of those that are learnt from would be half a gigabyte: the runs
    of a row are those at its place in ``run_rows``.
    """
    run_rows: NDArray[np.int64] | None = None
    """Shape (n,); ``None`` where ``run_features`` has the same rows."""
    shared: MutableMapping[str, Any] | None = None
    """What fits on the same rows share, by name: bins of the features. ``None``: no other fit is on them."""

    @property
    def races(self) -> WithinRace | None:
        """Return the loss of the races; ``None`` where runners are learnt from one by one."""
        if self.target is None or self.race is None:
            return None
        return WithinRace(self.target, self.race, self.weights)


def runner_training_set(table: RaceTable, half_life_d: float) -> TrainingSet:
    """Return every runner with whether it won; weights halve every so many days back."""
    weights = _recency(table, half_life_d)
    return TrainingSet(
        np.asarray(table.features),
        np.asarray(table.won),
        weights / weights.mean(),
        race=table.race,
        run_features=table.run_features,
    )


def race_training_set(table: RaceTable, half_life_d: float, market_weight: float) -> TrainingSet:
    """Return the races that have a target; weights halve every so many days back."""
    targets = race_targets(table, market_weight)
    races = table.with_run_features(None).take(targets.rows)
    weights = _recency(races, half_life_d)
    return TrainingSet(
        races.features,
        races.won,
        weights / weights.mean(),
        targets.share,
        races.race,
        table.run_features,
        None if targets.rows.all() else np.flatnonzero(targets.rows),
    )


def _recency(table: RaceTable, half_life_d: float) -> NDArray[np.float64]:
    age_d = (table.date.max() - table.date) / np.timedelta64(1, "D")
    return np.asarray(0.5 ** (age_d / half_life_d), np.float64)
