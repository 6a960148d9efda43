"""How a search spends its trials: rounds of the families, and within a trial steps that cost ever more.

Successive halving twice (Jamieson and Talwalkar 2016). In each of three rounds every family that is left
makes a third of its trials; then the better half goes on, two at least. A trial is first fitted on the latest
third of the latest fold's races, then on all of them, then on the other folds; from the first two steps the
best third goes on. What is decided hangs on trials that are done, in their order, and never on a clock or on
the number of workers. Optuna's own halving also counts trials that failed, as those of a killed worker do, so
a search that was resumed ended elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from training.data.splits import Fold, Rows

N_ROUNDS = 3
MIN_FAMILIES = 2
"""So many are searched to the end, and all where there are no more."""
N_HALVINGS = 2
"""So many steps of a trial end with a halving; the folds after them are judged together."""

_SHARE = 3  # a third of the trials goes on from a step
_THIN = 3  # a third of the races
_MIN_THIN_ROWS = 4_000  # fewer tell too little of how trials compare on all races


@dataclass(frozen=True, slots=True)
class Step:
    """One fit of a trial: what it learns from, and where it is judged."""

    train: Rows
    fold: Fold
    is_whole_fold: bool
    """False for the first look on a part of the races, which does not count in a trial's loss."""
    resource: int
    """What the step costs, roughly, in units of the first; Optuna's record of a trial's losses goes by it."""


def rounds(n_trials: int) -> tuple[int, ...]:
    """Return how many trials a family has made after each round."""
    return tuple(sorted({ceil(n_trials * done / N_ROUNDS) for done in range(1, N_ROUNDS + 1)}))


def go_on(losses: Mapping[str, float]) -> tuple[str, ...]:
    """Return the families of the next round: the half of the smallest losses of their best trials."""
    n_left = max(MIN_FAMILIES, ceil(len(losses) / 2))
    best = sorted(losses, key=lambda name: (losses[name], name))[:n_left]
    return tuple(name for name in losses if name in best)


def is_among_best(loss: float, others: Sequence[float]) -> bool:
    """Return whether a trial goes on from a step: its loss is in the best third of all that came so far.

    As asynchronous successive halving does it (Li et al. 2020): the first trials go on if they are the best.
    A loss of NaN never does.
    """
    n_best = max(1, (len(others) + 1) // _SHARE)
    return bool(loss <= np.sort([loss, *others])[n_best - 1])


def planned_trials(n_families: int, n_trials: int) -> int:
    """Return the trials of a search in all, if its time is not limited."""
    n_all, n_before = 0, 0
    for n_until in rounds(n_trials):
        n_all += n_families * (n_until - n_before)
        n_families, n_before = min(n_families, max(MIN_FAMILIES, ceil(n_families / 2))), n_until
    return n_all


def steps_of(folds: Sequence[Fold], race: Rows) -> tuple[Step, ...]:
    """Return the steps of a trial, the cheapest first; ``race`` holds one entry a row of the table."""
    latest = folds[-1]
    wholes = [(fold.train, fold, True) for fold in reversed(folds)]
    begins = len(latest.train) - len(latest.train) // _THIN
    if len(latest.train) - begins >= _MIN_THIN_ROWS:
        first = int(np.searchsorted(race[latest.train], race[latest.train[begins]]))
        wholes.insert(0, (latest.train[first:], latest, False))
    return tuple(Step(*step, resource=_SHARE**place) for place, step in enumerate(wholes))
