"""Focal loss (Lin et al. 2017): runners that are judged well already count less.

XGBoost gets the loss itself as its objective. The other families take one step of its reweighting: they
are fitted, and fitted again with every weight times (1 - p_t)^gamma, p_t being what the first fit gave
to what happened. Both distort probabilities, which calibration repairs.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def focal_loss(log_odds: Floats, won: NDArray[np.bool_], gamma: float) -> Floats:
    """Return each runner's loss, -(1 - p_t)^gamma log(p_t)."""
    p = _of_what_happened(log_odds, won)
    loss: Floats = -((1 - p) ** gamma) * np.log(p)
    return loss


def focal_derivatives(log_odds: Floats, won: NDArray[np.bool_], gamma: float) -> tuple[Floats, Floats]:
    """Return the first and second derivative of :func:`focal_loss` by the log odds.

    The second is kept above 1e-6: the loss is not convex where a runner is judged badly.
    """
    p = _of_what_happened(log_odds, won)
    sign = np.where(won, 1.0, -1.0)
    logs = np.log(p)
    inner = gamma * p * logs + p - 1
    gradient = sign * (1 - p) ** gamma * inner
    hessian = p * (1 - p) ** gamma * ((1 - p) * (gamma * logs + gamma + 1) - gamma * inner)
    return gradient, np.maximum(hessian, 1e-6)


def focal_weights(log_odds: Floats, won: NDArray[np.bool_], gamma: float) -> Floats:
    """Return (1 - p_t)^gamma, scaled to a mean of 1."""
    weights = (1 - _of_what_happened(log_odds, won)) ** gamma
    scaled: Floats = weights / weights.mean()
    return scaled


def _of_what_happened(log_odds: Floats, won: NDArray[np.bool_]) -> Floats:
    p = 0.5 * (1 + np.tanh(0.5 * np.where(won, log_odds, -log_odds)))
    return np.clip(p, 1e-9, 1 - 1e-9)
