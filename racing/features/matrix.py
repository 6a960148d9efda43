"""The feature matrix of some races: every feature of the catalog, in order, one row a runner."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from racing.domain.runs import Floats
from racing.features.catalog import KNOWS, Feature, catalog
from racing.features.formulas import (  # noqa: F401 (they fill the catalog)
    card_features,
    field_features,
    form_features,
    rated_price_features,
    rating_features,
)
from racing.features.view import RaceView

__all__ = ["FEATURES", "FEATURE_NAMES", "FEATURE_VERSION", "KNOWS", "feature_matrix", "features_for"]

FEATURES = catalog()
FEATURE_NAMES = tuple(feature.name for feature in FEATURES)
FEATURE_VERSION = "2"
"""Raised when features are added; a name never changes its meaning."""


def features_for(knows: str) -> tuple[Feature, ...]:
    """Return the features that a model may use which knows so much, see ``KNOWS``."""
    return tuple(feature for feature in FEATURES if feature.needs in KNOWS[knows])


def feature_matrix(view: RaceView) -> NDArray[np.float32]:
    """Return shape (n_runners, n_features), NaN where unknown."""
    matrix = np.empty((len(view.card), len(FEATURES)), np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        for column, values in enumerate(feature_columns(view)):
            matrix[:, column] = values
    return matrix


def feature_columns(view: RaceView) -> Iterator[Floats]:
    """Yield every feature in order, one value a runner."""
    return (feature.formula(view) for feature in FEATURES)
