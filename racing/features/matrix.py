"""The feature matrix of some races: every feature of the catalog, in order, one row a runner."""

import numpy as np
from numpy.typing import NDArray

from racing.features import of_card, of_field, of_form, of_ratings  # noqa: F401 (they fill the catalog)
from racing.features.catalog import catalog
from racing.features.view import RaceView

__all__ = ["FEATURES", "FEATURE_NAMES", "FEATURE_VERSION", "feature_matrix"]

FEATURES = catalog()
FEATURE_NAMES = tuple(feature.name for feature in FEATURES)
FEATURE_VERSION = "1"
"""Raised when features are added; a name never changes its meaning."""


def feature_matrix(view: RaceView) -> NDArray[np.float32]:
    """Return shape (n_runners, n_features), NaN where unknown."""
    matrix = np.empty((len(view.card), len(FEATURES)), np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        for column, feature in enumerate(FEATURES):
            matrix[:, column] = feature.formula(view)
    return matrix
