"""Races as a net takes them: runners padded to the largest field, runs only where there is one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Tensor = Any
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
_RUNS_AT_ONCE = 200_000  # looked through for NaN
_ROUND = 1024


@dataclass(frozen=True, slots=True)
class Races:
    """Some races; NaN is unknown."""

    features: Tensor
    """Shape (n_races, n_places, n_features): padded to the largest field."""
    is_runner: Tensor
    """Shape (n_races, n_places)."""
    runs: Tensor | None
    """Shape (n_runs_there, n_run_columns); ``None``: the net reads none."""
    slot: Tensor
    """Where each run belongs among (n_races, n_places, n_runs), counted through; newest run first."""


@dataclass(frozen=True, slots=True)
class RaceSource:
    """The rows that races are taken from, some at a time."""

    features: Floats
    runs: Floats | None
    """Shape (n_rows * n_runs, n_run_columns)."""
    is_run: NDArray[np.bool_]
    """Shape (n_rows, n_runs): a run that is NaN altogether is none."""
    run_rows: Ints | None

    @classmethod
    def of(
        cls, features: Floats, runs: Floats | None, n_runs: int, run_rows: Ints | None = None
    ) -> "RaceSource":
        """Return a source of features, and of runs, shape (n, n_runs * n_run_columns), if there are any.

        The runs of a row are those at its place in ``run_rows``, if that is given.
        """
        if runs is None or not n_runs:
            return cls(features, None, np.zeros((0, 0), bool), None)
        single = runs.reshape(len(runs) * n_runs, -1)
        is_run = np.empty(len(single), bool)
        for start in range(0, len(single), _RUNS_AT_ONCE):
            part = slice(start, start + _RUNS_AT_ONCE)
            is_run[part] = ~np.isnan(single[part]).all(axis=1)
        return cls(features, single, is_run.reshape(-1, n_runs), run_rows)

    def races(self, rows: Ints, run_dropout: float = 0.0, draw: np.random.Generator | None = None) -> Races:
        """Return races by the rows of their runners, -1 where there is none, and only the runs there are.

        A share of these is left out at random.
        """
        place, is_runner = np.maximum(rows, 0), rows >= 0
        features = torch.from_numpy(self.features.take(place, axis=0))
        if self.runs is None:
            return Races(features, torch.from_numpy(is_runner), None, torch.zeros(0, dtype=torch.int64))
        run_row = place if self.run_rows is None else self.run_rows[place]
        there = self.is_run[run_row] & is_runner[..., None]
        slot = np.flatnonzero(there)
        if draw is not None:
            slot = _some(slot, 1 - run_dropout, draw)
        n_runs = there.shape[-1]
        runs = self.runs.take(run_row.ravel()[slot // n_runs] * n_runs + slot % n_runs, axis=0)
        return Races(features, torch.from_numpy(is_runner), torch.from_numpy(runs), torch.from_numpy(slot))


def _some(slot: Ints, share: float, draw: np.random.Generator) -> Ints:
    """Return a share of the runs at random: of many a round number, near to the share.

    Memory of ever other sizes is not used again, and a fit would grow by a gigabyte.
    """
    n = round(len(slot) * share)
    if len(slot) > 8 * _ROUND:
        n = min(round(n / _ROUND) * _ROUND, len(slot))
    random = draw.random(len(slot), np.float32)
    return slot if n == len(slot) else slot[random < np.partition(random, n)[n]]
