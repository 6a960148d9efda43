"""Parity: the graphs that will serve against the estimators that were fitted, row by row."""

import numpy as np
from numpy.typing import NDArray

from model_registry.artifact import LoadedModel
from model_registry.errors import ParityError

TOLERANCE = 1e-5

Floats = NDArray[np.float64]


def check_parity(
    model: LoadedModel,
    features: NDArray[np.float32],
    *,
    log_odds: Floats | None = None,
    probabilities: Floats | None = None,
    got: Floats | None = None,
    race: NDArray[np.int64] | None = None,
    tolerance: float = TOLERANCE,
) -> float:
    """Return the largest difference from what the estimators gave on the same rows.

    Parameters
    ----------
    log_odds : ndarray of shape (n_runners,), optional
        The estimators' blend before calibration.
    probabilities : ndarray of shape (n_runners,), optional
        The estimators' win probabilities, shared within ``race``.
    got : ndarray of shape (n_runners,), optional
        The graphs' log odds, where they have been worked out.

    Raises
    ------
    ParityError
        Names the worst row, if any row differs by more than ``tolerance``.
    """
    if got is None:
        got = model.log_odds(features, race)
    worst = 0.0
    if log_odds is not None:
        worst = _worst("log odds", got, log_odds, tolerance)
    if probabilities is not None:
        shared = model.probabilities_of(got, race)
        worst = max(worst, _worst("win probability", shared, probabilities, tolerance))
    return worst


def _worst(what: str, got: Floats, expected: Floats, tolerance: float) -> float:
    if got.shape != np.shape(expected):
        raise ParityError(f"{what} of {len(got)} rows compared with an array of shape {np.shape(expected)}")
    if not len(got):
        raise ParityError(f"{what}: there is no row to compare")
    difference = np.abs(got - expected)
    row = int(np.argmax(np.where(np.isnan(difference), np.inf, difference)))
    if not difference[row] <= tolerance:
        rule = f"graphs and estimators must agree within {tolerance:g} on every row"
        values = f"row {row} has {got[row]:.8g} instead of {expected[row]:.8g}"
        raise ParityError(f"{what}: {rule}, {values}, off by {difference[row]:.2g}")
    return float(difference[row])
