"""Why a runner's strength is what it is: exact Shapley values over topics, against the field's mean.

The players of the game are topics: groups of features. The value v(S) of some topics S is the model's
strength for a runner whose features of the topics in S are its own and whose others are the field's mean.
A topic's contribution is what it adds, v(S and topic) - v(S), averaged over all orders in which topics can
join (Shapley 1953; for models Lundberg and Lee 2017, here over groups of features). Nothing is sampled: n
topics take at most 2 ** n evaluations a runner, and contributions add up to v(all) - v(none).

Where a member reads the whole field, a runner's strength depends on its rivals' features too. The same game
is then played by the whole race at once: in S every runner has its own features of those topics, and the
field's mean of the others. A topic's contribution holds what it says of the runner and what it says of those
that the runner is compared with; for members that judge runners alone it is the same number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_registry.artifact.loaded_model import Floats, LoadedModel

_NOISE = 1e-12  # the last bit of a logarithm depends on a row's place in its batch


@dataclass(frozen=True, slots=True)
class Explanation:
    """Contributions of one race's runners, in their order."""

    topics: tuple[str, ...]
    base: float
    """The strength of the field's mean: of a runner with no feature of its own."""
    strength: Floats
    """Shape (n_runners,), see :meth:`LoadedModel.strengths_of`; their softmax are the win probabilities."""
    contributions: Floats
    """Shape (n_runners, n_topics), in the unit of ``strength``; a runner's sum to its strength - ``base``."""


def explain(
    model: LoadedModel,
    features: NDArray[np.floating[Any]],
    topics: Sequence[str],
    is_categorical: Sequence[bool],
) -> Explanation:
    """Explain the strengths of one race's runners by a model as it is served.

    Parameters
    ----------
    features : ndarray of shape (n_runners, n_features)
        In the order of ``model.spec.features``; NaN is unknown.
    topics, is_categorical
        One entry a feature: its topic, and whether it holds a code (box, track) instead of an amount.
    """
    own = np.ascontiguousarray(features, np.float32)
    if model.spec.reads_fields:
        return _explain_field(model, own, topics, is_categorical)
    names = tuple(dict.fromkeys(topics))
    topic = np.array([names.index(name) for name in topics], np.int64)
    mean = field_mean(own, np.asarray(is_categorical, bool))
    differs = ~((own == mean) | (np.isnan(own) & np.isnan(mean)))
    bits = 1 << topic
    everything = np.bitwise_or.reduce(np.where(differs, bits, 0), axis=1)
    log_odds = model.log_odds(own)
    level = model.level_of(log_odds)[0]
    strength = model.strengths_of(log_odds - level)
    # Coalition c holds topic t if bit t is set. Where a runner is as the mean, a topic changes nothing.
    coalitions = np.arange(2 ** len(names)) & everything[:, None]
    is_whole = (coalitions == everything[:, None]) & (coalitions > 0)
    is_needed = (coalitions > 0) & ~is_whole
    keys = np.where(is_needed, np.arange(len(own))[:, None] * 2 ** len(names) + coalitions, -1)
    needed, place = np.unique(np.append(keys, -1), return_inverse=True)
    runner, coalition = np.divmod(needed[1:], 2 ** len(names))
    # Neighbouring rows differ little, so that trees branch as they just did: twice as fast as shuffled.
    rows = np.where(coalition[:, None] & bits, own[runner], mean)
    answers = model.strengths_of(model.log_odds(np.vstack([mean, rows])) - level)
    values = np.where(is_whole, strength[:, None], answers[place[:-1]].reshape(keys.shape))
    return Explanation(names, float(answers[0]), strength, shapley_values(values))


def _explain_field(
    model: LoadedModel, own: NDArray[np.float32], topics: Sequence[str], is_categorical: Sequence[bool]
) -> Explanation:
    """Explain a race by a model that compares its runners: each coalition is a race of its own."""
    names = tuple(dict.fromkeys(topics))
    topic = np.array([names.index(name) for name in topics], np.int64)
    mean = field_mean(own, np.asarray(is_categorical, bool))
    differs = ~((own == mean) | (np.isnan(own) & np.isnan(mean)))
    bits = 1 << topic
    everything = int(np.bitwise_or.reduce(np.where(differs.any(axis=0), bits, 0)))
    log_odds = model.log_odds(own)
    level = model.level_of(log_odds)[0]
    # Where no runner differs from the mean, a topic changes nothing.
    needed, place = np.unique(np.arange(2 ** len(names)) & everything, return_inverse=True)
    rows = np.where((needed[:, None] & bits > 0)[:, None, :], own, mean).reshape(-1, own.shape[1])
    race = np.repeat(np.arange(len(needed)), len(own))
    answers = model.strengths_of(model.log_odds(rows, race) - level).reshape(len(needed), len(own))
    strength = model.strengths_of(log_odds - level)
    answers[0] = answers[0, 0]  # all runners are alike, but for the last bit
    answers[-1] = strength
    return Explanation(names, float(answers[0, 0]), strength, shapley_values(answers[place].T))


def field_mean(features: NDArray[np.float32], is_categorical: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the mean of what is known of each feature, NaN where nothing is.

    Of a code it is the field's most common one, among several the one nearest their mean: the middle box.
    The order of runners does not matter to the last bit.
    """
    ordered = np.sort(features.astype(np.float64), axis=0)  # NaN last
    n_known = (~np.isnan(ordered)).sum(axis=0)
    total = np.nan_to_num(ordered).sum(axis=0)
    mean = np.where(n_known > 0, total / np.maximum(n_known, 1), np.nan)
    for column in np.flatnonzero(is_categorical & (n_known > 0)):
        codes, counts = np.unique(ordered[: n_known[column], column], return_counts=True)
        common = codes[counts == counts.max()]
        mean[column] = common[np.argmin(np.abs(common - mean[column]))]
    return mean.astype(np.float32)


def shapley_values(values: Floats) -> Floats:
    """Return the Shapley values of games, shape (n_games, n_players).

    Parameters
    ----------
    values : ndarray of shape (n_games, 2 ** n_players)
        The value of each coalition; coalition c holds player p if bit p of c is set.
    """
    n = values.shape[1].bit_length() - 1
    coalitions = np.arange(values.shape[1])
    sizes = np.bitwise_count(coalitions)
    result = np.empty((len(values), n))
    for player in range(n):
        without = coalitions[(coalitions >> player) & 1 == 0]
        weights = np.array([1 / (n * comb(n - 1, size)) for size in range(n)])[sizes[without]]
        result[:, player] = (values[:, without | 1 << player] - values[:, without]) @ weights
    return np.where(np.abs(result) < _NOISE, 0.0, result)
