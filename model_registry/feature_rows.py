"""Rows of features whose races lie mixed, as MLflow's and other servers' clients send them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_registry.artifact import LoadedModel


def probabilities_of_rows(
    model: LoadedModel, features: NDArray[np.floating[Any]], race_id: NDArray[Any] | None = None
) -> NDArray[np.float64]:
    """Return each row's win probability; those of the rows with one ``race_id`` sum to 1.

    Parameters
    ----------
    features
        Of shape (n_rows, n_features), in the order of the model's features; NaN is unknown.
    race_id
        Of shape (n_rows,); rows of a race need not stand together. ``None``: all rows are one race.
    """
    if race_id is None:
        return model.probabilities(features)
    race = np.unique(race_id, return_inverse=True)[1]
    order = np.argsort(race, kind="stable")
    shared = np.empty(len(features))
    shared[order] = model.probabilities(features[order], race[order])
    return shared
