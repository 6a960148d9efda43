"""What is done about the few winners: synthetic ones (SMOTE-NC) or weights; only on rows to learn from."""

from collections.abc import Sequence

import numpy as np
from imblearn.over_sampling import SMOTE, SMOTENC  # type: ignore[import-untyped]
from numpy.typing import NDArray

from training.lesson import TrainingSet

IMBALANCE = ("none", "smote_nc", "class_weight", "focal")
"""The choices of the search; :mod:`training.focal` has the last one."""

_WINNERS_PER_LOSER = 0.5  # what oversampling aims at; evenness cost .02 more log loss
_MAX_WINNERS_SEEN = 2_000  # neighbours are looked for among so many: quadratic in them
_MAX_SYNTHETIC = 15_000


def weigh_classes(lesson: TrainingSet) -> TrainingSet:
    """Return the lesson with weights that make winners and losers even."""
    of_winners = lesson.weights[lesson.won].sum()
    of_losers = lesson.weights[~lesson.won].sum()
    factor = np.where(lesson.won, of_losers / max(of_winners, 1e-12), 1.0)
    weights = lesson.weights * factor
    return TrainingSet(lesson.features, lesson.won, weights / weights.mean())


def add_synthetic_winners(lesson: TrainingSet, categorical: Sequence[int], seed: int) -> TrainingSet:
    """Return the lesson with synthetic winners by SMOTE-NC (Chawla et al. 2002), half as many as losers.

    Neighbours need every value: unknown ones are the medians of these very rows, for the synthetic winners
    only; the real rows keep their NaN. A synthetic winner weighs the mean of the real ones.
    """
    winners, losers = np.flatnonzero(lesson.won), np.flatnonzero(~lesson.won)
    n_new = min(int(_WINNERS_PER_LOSER * len(losers)) - len(winners), _MAX_SYNTHETIC)
    if n_new <= 0 or len(winners) < 7 or not len(losers):
        return lesson
    rng = np.random.default_rng(seed)
    seen = np.sort(rng.permutation(winners)[:_MAX_WINNERS_SEEN])
    others = np.sort(rng.permutation(losers)[: len(seen)])  # the method only asks that there be another class
    known = np.where(np.isnan(lesson.features), medians(lesson.features), lesson.features)
    x = known[np.concatenate([seen, others])]
    y = np.concatenate([np.ones(len(seen), np.int64), np.zeros(len(others), np.int64)])
    wanted = {1: len(seen) + n_new}
    if len(categorical) and len(categorical) < x.shape[1]:
        method = SMOTENC(list(categorical), sampling_strategy=wanted, random_state=seed)
    else:
        method = SMOTE(sampling_strategy=wanted, random_state=seed)
    resampled, _ = method.fit_resample(x, y)
    synthetic = np.asarray(resampled[len(x) :], np.float32)
    weight = lesson.weights[lesson.won].mean()
    return TrainingSet(
        np.concatenate([lesson.features, synthetic]),
        np.concatenate([lesson.won, np.ones(len(synthetic), bool)]),
        np.concatenate([lesson.weights, np.full(len(synthetic), weight)]),
    )


def medians(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each column's median of the known values; 0 where none is known."""
    found = np.zeros(features.shape[1], np.float32)
    known = ~np.isnan(features).all(axis=0)
    found[known] = np.nanmedian(features[:, known], axis=0)
    return found
