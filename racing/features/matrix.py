"""The feature matrix of some races: every feature of the catalog, in order, one row a runner."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from racing.domain.runs import WINDOW, Floats
from racing.features.catalog import KNOWS, Feature, catalog
from racing.features.formulas import (  # noqa: F401 (they fill the catalog)
    affix_features,
    card_features,
    early_price_features,
    field_features,
    form_features,
    rated_price_features,
    rating_features,
)
from racing.features.formulas.run_features import RUN_COLUMNS, run_columns
from racing.features.view import RaceView

__all__ = [
    "FEATURES",
    "FEATURE_NAMES",
    "FEATURE_VERSION",
    "INPUT_NAMES",
    "KNOWS",
    "RUN_FEATURES",
    "RUN_FEATURE_NAMES",
    "feature_columns",
    "feature_matrix",
    "features_for",
    "knowledge_of",
    "need_price_before_off",
    "run_feature_matrix",
    "run_features_for",
]

FEATURES = catalog()
FEATURE_NAMES = tuple(feature.name for feature in FEATURES)
FEATURE_VERSION = "3"
"""Raised when features are added; a name never changes its meaning."""


@dataclass(frozen=True, slots=True)
class RunFeature:
    """One number of one of a dog's last runs."""

    name: str
    """``run_3_won`` is of the third run back."""
    needs: str


RUN_FEATURES = tuple(
    RunFeature(f"run_{ago}_{column.name}", column.needs)
    for ago in range(1, WINDOW + 1)
    for column in RUN_COLUMNS
)
"""All columns of the last run, then all of the one before: for families that read runs one by one."""
RUN_FEATURE_NAMES = tuple(feature.name for feature in RUN_FEATURES)
INPUT_NAMES = FEATURE_NAMES + RUN_FEATURE_NAMES
"""All that a model may take of a runner."""
_OF_PRICE_BEFORE_OFF = frozenset(feature.name for feature in FEATURES if feature.needs == "price_10m")


def run_features_for(knows: str) -> tuple[RunFeature, ...]:
    """Return the numbers of runs that a model may use which knows so much, see ``KNOWS``."""
    return tuple(feature for feature in RUN_FEATURES if feature.needs in KNOWS[knows])


def features_for(knows: str) -> tuple[Feature, ...]:
    """Return the features that a model may use which knows so much, see ``KNOWS``."""
    return tuple(feature for feature in FEATURES if feature.needs in KNOWS[knows])


def knowledge_of(names: Collection[str]) -> str | None:
    """Return the first of ``KNOWS`` that has all of a model's inputs; ``None`` if none has."""
    for knows in KNOWS:
        known = {feature.name for feature in features_for(knows)}
        known.update(feature.name for feature in run_features_for(knows))
        if names and known.issuperset(names):
            return knows
    return None


def need_price_before_off(names: Iterable[str]) -> bool:
    """Return whether one of some features is of the market's price of the race ten minutes before the off."""
    return not _OF_PRICE_BEFORE_OFF.isdisjoint(names)


def feature_matrix(view: RaceView) -> NDArray[np.float32]:
    """Return shape (n_runners, n_features), NaN where unknown."""
    matrix = np.empty((len(view.card), len(FEATURES)), np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        for column, values in enumerate(feature_columns(view)):
            matrix[:, column] = values
    return matrix


def run_feature_matrix(view: RaceView) -> NDArray[np.float32]:
    """Return shape (n_runners, n_run_features), in the order of ``RUN_FEATURES``, NaN where unknown."""
    runs = np.full((len(view.card), WINDOW, len(RUN_COLUMNS)), np.nan, np.float32)
    n_runs = view.form.known.shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        for column, values in enumerate(run_columns(view)):
            runs[:, :n_runs, column] = values
    return runs.reshape(len(runs), -1)


def feature_columns(view: RaceView) -> Iterator[Floats]:
    """Yield every feature in order, one value a runner."""
    return (feature.formula(view) for feature in FEATURES)
