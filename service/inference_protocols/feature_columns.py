"""Columns of features, as clients name them, as what the champion scores."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_registry.feature_rows import probabilities_of_rows
from service.errors import FeaturesRefused
from service.observability.metrics import Metrics
from service.serving.slots import Snapshot

RACE_ID = "race_id"
PROBABILITY = "win_probability"
Columns = Mapping[str, Sequence[Any]]
"""By name; a value is a number, or None where it is unknown."""


def score_columns(champion: Snapshot, columns: Columns, metrics: Metrics) -> list[float]:
    """Return the win probability of each row, and count them.

    Features that are absent are unknown; the rows of a race have one ``race_id``, and without that column all
    rows are one race.

    Raises
    ------
    FeaturesRefused
        If a column is none of the model's, or a value is no number.
    """
    names, lengths = champion.model.spec.features, {len(column) for column in columns.values()}
    unknown = sorted(set(columns) - {*names, RACE_ID})
    if unknown:
        rule = f"columns are features of version {champion.version} and {RACE_ID}"
        raise FeaturesRefused(f"{rule}, got {', '.join(map(repr, unknown[:5]))}")
    if not set(columns) & set(names):
        raise FeaturesRefused(f"at least one feature must be given, such as {names[0]!r}")
    if len(lengths) != 1:
        raise FeaturesRefused(f"all columns must be of one length, got {sorted(lengths)}")
    (n_rows,) = lengths
    features = np.full((n_rows, len(names)), np.nan, np.float32)
    for place, name in enumerate(names):
        if name in columns:
            features[:, place] = _numbers(name, columns[name])
    return _score(champion, features, _race_ids(columns.get(RACE_ID)), metrics)


def score_matrix(champion: Snapshot, rows: Sequence[Sequence[Any]], metrics: Metrics) -> list[float]:
    """Return the win probability of each row of one race; its values stand in the order of the features.

    Raises
    ------
    FeaturesRefused
        If a row is of another length, or a value is no number.
    """
    n_features = len(champion.model.spec.features)
    for number, row in enumerate(rows):
        if len(row) != n_features:
            rule = f"a row must have {n_features} values, one a feature of version {champion.version}"
            raise FeaturesRefused(f"{rule}; row {number} has {len(row)}")
    flat = [value for row in rows for value in row]
    features = _numbers("a feature", flat, n_features).reshape(len(rows), n_features)
    return _score(champion, features, None, metrics)


def _score(
    champion: Snapshot, features: NDArray[np.float32], race_id: NDArray[Any] | None, metrics: Metrics
) -> list[float]:
    probabilities = probabilities_of_rows(champion.model, features, race_id).tolist()
    metrics.count_prediction(champion.version, probabilities)
    return probabilities


def _numbers(name: str, values: Sequence[Any], n_columns: int = 1) -> NDArray[np.float32]:
    for place, value in enumerate(values):
        if value is not None and type(value) not in (int, float, bool):
            raise _no_number(name, place // n_columns, value)
    try:
        with np.errstate(over="ignore"):
            numbers = np.array(values, np.float64).astype(np.float32)  # None becomes NaN
    except OverflowError:  # an integer beyond all floats
        numbers = np.array([np.inf], np.float32)
    if np.isinf(numbers).any():
        place = int(np.flatnonzero(np.isinf(numbers))[0])
        raise _no_number(name, place // n_columns, values[place])
    return numbers


def _race_ids(values: Sequence[Any] | None) -> NDArray[Any] | None:
    if values is None:
        return None
    for place, value in enumerate(values):
        if type(value) not in (int, str):
            raise FeaturesRefused(
                f"{RACE_ID} must be a whole number or a text in every row, got {_shown(value)} in {place}"
            )
    return np.array([str(value) for value in values])


def _no_number(name: str, row: int, value: Any) -> FeaturesRefused:
    rule = f"{name} must be a number within 32-bit floats, or null where unknown"
    return FeaturesRefused(f"{rule}; row {row} has {_shown(value)}")


def _shown(value: Any) -> str:
    """Return a value for a message; lists may be nested deeper than can be printed."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return repr(str(value)[:50])
