"""Scores many cards by one version at once, from the features that their answers were made from."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from model_registry.errors import NotScored
from racing.domain.cards import Card, Status
from service.prediction_log.log_queue import AwaitedShadows
from service.serving.slots import Snapshot

Floats = NDArray[np.float64]
_encode = msgspec.json.Encoder().encode


class AnsweredCard(NamedTuple):
    """What is needed of an answered card to score it by other versions."""

    features: NDArray[np.float32]
    """Of the starters, shape (n_starters, n_features), in the order of ``FEATURE_NAMES``; of ``INPUT_NAMES``
    where one of ``others`` takes runs."""
    starting: Card
    statuses: tuple[Status, ...]
    """One entry a runner of the card."""
    has_tables: bool
    """Whether the race database's tables rated it; else each version's own do."""
    others: tuple[Snapshot, ...]
    awaited: AwaitedShadows | None
    """Where the prediction log waits for the scores; None if it is off."""
    at_s: float
    """When it was answered, by the monotonic clock."""


def score(snapshot: Snapshot, cards: Sequence[AnsweredCard]) -> list[Floats | Exception]:
    """Return the win probabilities of each card's starters by a version, or why it has none.

    Cards are scored together, for a call of the graph costs more than a card; where one of them fails, each
    is scored by itself.
    """
    try:
        return list(_score_together(snapshot, cards))
    except Exception as error:  # a version may be wrong in any way
        if len(cards) == 1:
            return [error]
    return [score(snapshot, [card])[0] for card in cards]


def shadows_json(card: AnsweredCard, scores: Sequence[tuple[Snapshot, Floats]]) -> bytes:
    """Return what versions say of a card, as :class:`racing.database.tables.Prediction` stores it."""
    return _encode(
        [
            {
                "version": snapshot.version,
                "digest": snapshot.model.digest,
                "win_probability": _by_runner(win.tolist(), card.statuses),
            }
            for snapshot, win in scores
        ]
    )


def _score_together(snapshot: Snapshot, cards: Sequence[AnsweredCard]) -> list[Floats]:
    features = [_features(snapshot, card) for card in cards]
    sizes = [len(rows) for rows in features]
    race = np.repeat(np.arange(len(cards)), sizes)
    win = snapshot.model.probabilities(np.concatenate(features), race)
    if not np.isfinite(win).all():
        raise NotScored("win probabilities must be finite")
    return np.split(win, np.cumsum(sizes)[:-1])


def _features(snapshot: Snapshot, card: AnsweredCard) -> NDArray[np.float32]:
    values = card.features
    if not card.has_tables:
        values = snapshot.featurizer.features_of_card(card.starting, with_runs=snapshot.reads_runs).values
    return values[:, snapshot.columns]


def _by_runner(win: list[float], statuses: Sequence[Status]) -> list[float]:
    """Return a number a runner of the card; those that do not start have none of the race."""
    if len(win) == len(statuses):
        return win
    starters = iter(win)
    return [next(starters) if status == "starter" else 0.0 for status in statuses]
