"""What features carry: the rise of the loss when their values are shuffled among the runners of a race."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from racing import metrics
from racing.features.topics import of_all_runs
from racing.metrics import Difference
from racing.race_table import RaceTable
from training.data.whole_races import judged_rows

Floats = NDArray[np.float64]

_MAX_RACES = 600  # 10 s for five families; a feature that matters rises many times the noise
_LATEST = slice(-4500, None)
_MIN_RACES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """Rises of the loss, with 95 % intervals; within-race shuffles where there are enough whole races."""

    features: Mapping[str, Difference]
    groups: Mapping[str, Difference]
    """All features of a group shuffled together, each runner getting one other runner's."""
    n_races: int
    """The latest test races that they were found on; 0 where runners were judged one by one."""
    n_runners: int

    def as_json(self) -> dict[str, float]:
        """Return the rise by feature."""
        return {name: rise.difference for name, rise in self.features.items()}


def permutation_importance(
    table: RaceTable,
    groups: Mapping[str, str],
    probabilities: Callable[[NDArray[np.float32], NDArray[np.int64]], Floats],
    scores: Callable[[NDArray[np.float32], NDArray[np.int64]], Floats],
    seed: int = 0,
) -> Importance:
    """Return the rise of the race log loss when a feature, or a group of them, is shuffled within the races.

    Within races, since only what separates runners of one race can help there. Where there are fewer than
    50 whole races, features are shuffled among all runners and the rise is that of the log loss per runner.

    Parameters
    ----------
    groups : dict of str to str
        The group of each feature, in the order of the columns that ``probabilities`` and ``scores`` take.
        Numbers of single runs (``run_3_won``) are shuffled together, all runs of a runner at once.
    """
    rng = np.random.default_rng(seed)
    judged = table.take(judged_rows(table))
    by_races = len(judged) > 0 and judged.race[-1] + 1 >= _MIN_RACES
    table = judged.take(judged.race > judged.race[-1] - _MAX_RACES) if by_races else table.take(_LATEST)
    race = table.race
    order = np.lexsort((rng.random(len(table)), race)) if by_races else rng.permutation(len(table))

    def losses(features: NDArray[np.float32]) -> Floats:
        if by_races:
            return metrics.per_race_log_loss(probabilities(features, race), table.won, race)
        return metrics.per_runner_log_loss(scores(features, race), table.won)

    names = list(groups)
    inputs = table.inputs(len(names))
    before = losses(inputs)
    features = inputs.copy()

    def rise(columns: Sequence[int]) -> Difference:
        features[:, columns] = inputs[order[:, None], list(columns)]
        found = metrics.paired_bootstrap(losses(features), before, n=500)
        features[:, columns] = inputs[:, columns]
        return found

    columns_of: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        columns_of.setdefault(of_all_runs(name), []).append(column)
    return Importance(
        features={name: rise(columns) for name, columns in columns_of.items()},
        groups={
            group: rise([column for column, name in enumerate(names) if groups[name] == group])
            for group in dict.fromkeys(groups.values())
        },
        n_races=int(race[-1]) + 1 if by_races else 0,
        n_runners=len(table),
    )
