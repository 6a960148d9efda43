"""What each feature carries: the rise of the loss when its values are shuffled among the runners."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from racing import metrics
from racing.race_table import RaceTable
from training.evaluation import judged_rows

Floats = NDArray[np.float64]

_MAX_RACES = 400  # the rise of a feature that matters is many times the noise of 400 races
_MAX_RUNNERS = 3000
_MIN_RACES = 50


def feature_importance(
    table: RaceTable,
    feature_names: Sequence[str],
    probabilities: Callable[[NDArray[np.float32], NDArray[np.int64]], Floats],
    scores: Callable[[NDArray[np.float32]], Floats],
    seed: int = 0,
) -> dict[str, float]:
    """Return by feature the rise of the race log loss when it is shuffled within the races.

    Within races, since only what tells runners of one race apart can help there. Where there are fewer than
    50 whole races, features are shuffled among all runners and the rise is that of the log loss per runner.
    """
    rng = np.random.default_rng(seed)
    judged = table.take(judged_rows(table))
    if len(judged) and judged.race[-1] + 1 >= _MIN_RACES:
        table = judged.take(judged.race > judged.race[-1] - _MAX_RACES)
        race = table.race
        order = np.lexsort((rng.random(len(table)), race))

        def loss(features: NDArray[np.float32]) -> float:
            return metrics.race_log_loss(probabilities(features, race), table.won, race)
    else:
        table = table.take(slice(-_MAX_RUNNERS, None))
        order = rng.permutation(len(table))

        def loss(features: NDArray[np.float32]) -> float:
            return metrics.log_loss(scores(features), table.won)

    before = loss(table.features)
    rises = {}
    features = table.features.copy()
    for column, name in enumerate(feature_names):
        features[:, column] = table.features[order, column]
        rises[name] = loss(features) - before
        features[:, column] = table.features[:, column]
    return rises
