"""What is done about the few winners: synthetic ones (SMOTE-NC), weights, or the focal loss.

All of it changes only rows to learn from. The focal loss (Lin et al. 2017) makes runners that are judged well
already count less. XGBoost takes the loss itself as its objective. The other families take one step of its
reweighting: they are fitted, and fitted again with every weight times (1 - p_t)^gamma, p_t being what the
first fit gave to what happened. Both distort probabilities, which calibration repairs.
"""

from collections.abc import Sequence

import numpy as np
from imblearn.over_sampling import SMOTE, SMOTENC  # type: ignore[import-untyped]
from numpy.typing import NDArray

from training.data.training_set import TrainingSet

Floats = NDArray[np.float64]

IMBALANCE = ("none", "smote_nc", "class_weight", "focal")
"""The choices of the search."""

_WINNERS_PER_LOSER = 0.5  # what oversampling aims at; evenness cost .02 more log loss
_MAX_WINNERS_SEEN = 2_000  # neighbours are looked for among so many: quadratic in them
_MAX_SYNTHETIC = 15_000


def weigh_classes(train: TrainingSet) -> TrainingSet:
    """Return the training set with weights that make winners and losers even."""
    of_winners = train.weights[train.won].sum()
    of_losers = train.weights[~train.won].sum()
    factor = np.where(train.won, of_losers / max(of_winners, 1e-12), 1.0)
    weights = train.weights * factor
    return TrainingSet(train.features, train.won, weights / weights.mean())


def add_synthetic_winners(train: TrainingSet, categorical: Sequence[int], seed: int) -> TrainingSet:
    """Return the rows and synthetic winners by SMOTE-NC (Chawla et al. 2002), half as many as losers.

    Neighbours need every value: unknown ones are the medians of these very rows, for the synthetic winners
    only; the real rows keep their NaN. A synthetic winner weighs the mean of the real ones.
    """
    winners, losers = np.flatnonzero(train.won), np.flatnonzero(~train.won)
    n_new = min(int(_WINNERS_PER_LOSER * len(losers)) - len(winners), _MAX_SYNTHETIC)
    if n_new <= 0 or len(winners) < 7 or not len(losers):
        return train
    rng = np.random.default_rng(seed)
    seen = np.sort(rng.permutation(winners)[:_MAX_WINNERS_SEEN])
    others = np.sort(rng.permutation(losers)[: len(seen)])  # the method only asks that there be another class
    known = np.where(np.isnan(train.features), medians(train.features), train.features)
    x = known[np.concatenate([seen, others])]
    y = np.concatenate([np.ones(len(seen), np.int64), np.zeros(len(others), np.int64)])
    wanted = {1: len(seen) + n_new}
    if len(categorical) and len(categorical) < x.shape[1]:
        method = SMOTENC(list(categorical), sampling_strategy=wanted, random_state=seed)
    else:
        method = SMOTE(sampling_strategy=wanted, random_state=seed)
    resampled, _ = method.fit_resample(x, y)
    synthetic = np.asarray(resampled[len(x) :], np.float32)
    weight = train.weights[train.won].mean()
    return TrainingSet(
        np.concatenate([train.features, synthetic]),
        np.concatenate([train.won, np.ones(len(synthetic), bool)]),
        np.concatenate([train.weights, np.full(len(synthetic), weight)]),
    )


def focal_loss(log_odds: Floats, won: NDArray[np.bool_], gamma: float) -> Floats:
    """Return each runner's loss, -(1 - p_t)^gamma log(p_t)."""
    p = _of_what_happened(log_odds, won)
    loss: Floats = -((1 - p) ** gamma) * np.log(p)
    return loss


def focal_derivatives(log_odds: Floats, won: NDArray[np.bool_], gamma: float) -> tuple[Floats, Floats]:
    """Return the first and second derivative of :func:`focal_loss` by the log odds.

    The second is at least 1e-6: the loss is not convex where a runner is judged badly.
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


def medians(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each column's median of the known values; 0 where none is known."""
    found = np.zeros(features.shape[1], np.float32)
    known = ~np.isnan(features).all(axis=0)
    found[known] = np.nanmedian(features[:, known], axis=0)
    return found


def _of_what_happened(log_odds: Floats, won: NDArray[np.bool_]) -> Floats:
    p = 0.5 * (1 + np.tanh(0.5 * np.where(won, log_odds, -log_odds)))
    return np.clip(p, 1e-9, 1 - 1e-9)
