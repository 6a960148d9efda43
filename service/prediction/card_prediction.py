"""From a card to probabilities: the one recipe of ``POST /predict`` and ``greyhound predict``."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_registry.artifact import Explanation, LoadedModel, explain
from racing.domain.cards import Card, Runner, Status, check_card, rug_of, starters_of, status_of
from racing.features import FEATURES, CardWarning
from racing.features.topics import topic_of
from racing.probabilities import n_places
from racing.race_shares import RaceShares
from service.observability.stages import StageTimer
from service.prediction.form_store import CardForm, FormStore
from service.serving.slots import Snapshot

_NOT_STARTING = {
    "reserve": "in reserve: no share without a box to start from",
    "scratched": "scratched: the others share the race",
}
_CODES = frozenset(feature.name for feature in FEATURES if feature.is_categorical)


@dataclass(frozen=True, slots=True)
class CardPrediction:
    """Probabilities of a card's starters; arrays have an entry a starter, in the order of the card."""

    card: Card
    """With its reserves and scratched runners."""
    starting: Card
    """Without them."""
    features: NDArray[np.float32]
    """Of the starters, shape (n_starters, n_features), in the order of ``FEATURE_NAMES``; of ``INPUT_NAMES``
    where a version that scores the card takes runs; NaN is unknown."""
    statuses: tuple[Status, ...]
    """One entry a runner of the card."""
    win_probability: NDArray[np.float64]
    place_probability: NDArray[np.float64]
    fair_price: NDArray[np.float64]
    rank: NDArray[np.int64]
    """1 for the likeliest winner; the earlier runner of the card where two are alike."""
    market_probability: NDArray[np.float64] | None
    """None unless every starter has a price."""
    combined_probability: NDArray[np.float64] | None
    """None unless every starter has a price and the model has weights to combine them."""
    n_places: int
    is_known: NDArray[np.bool_]
    n_prior_runs: NDArray[np.int64]
    warnings: tuple[CardWarning, ...]
    explanation: Explanation | None
    """None unless requested."""


def predict_card(
    snapshot: Snapshot,
    form: FormStore,
    card: Card,
    stored: CardForm | None,
    timer: StageTimer,
    *,
    today: dt.date,
    is_explained: bool = False,
    with_runs: bool = False,
) -> CardPrediction:
    """Check a card, read its runners' form, and return their probabilities by one version.

    ``stored`` is the result of ``form.read``: nothing here waits for the database. ``with_runs`` is for
    another version that will score the same features and takes the numbers of single runs. An explanation
    takes some ten milliseconds more, a net's some fifty, and changes nothing else of the answer.

    Raises
    ------
    racing.domain.errors.CardRefused
        If the card breaks a rule.
    racing.domain.errors.DatabaseUnavailable
        If no runner carries form and the database is away.
    """
    check_card(card, today=today)
    model = snapshot.model
    starting = starters_of(card)
    features = form.features_of_card(
        starting,
        stored,
        without_database=snapshot.featurizer,
        with_runs=with_runs or snapshot.reads_runs,
    )
    values = features.values.take(snapshot.columns, axis=1)
    timer.mark("features")
    log_odds = model.log_odds(values)
    timer.mark("model")
    prices = [runner.price for runner in starting.runners]
    shares = model.shares_of_race(log_odds, prices)
    has_market = None not in prices
    prediction = CardPrediction(
        card=card,
        starting=starting,
        features=features.values,
        statuses=tuple(map(status_of, card.runners)),
        win_probability=shares.win,
        place_probability=shares.place,
        fair_price=shares.fair_price,
        rank=_ranks(shares.win),
        market_probability=shares.market if has_market else None,
        combined_probability=_combined(model, shares) if has_market else None,
        n_places=n_places(len(prices)),
        is_known=features.is_known,
        n_prior_runs=features.n_prior_runs,
        warnings=(*features.warnings, *_warnings_of_field(card, starting)),
        explanation=_explanation(model, values) if is_explained else None,
    )
    timer.mark("share")
    return prediction


def _warnings_of_field(card: Card, starting: Card) -> Iterator[CardWarning]:
    """Yield who does not start, and whose price is missing so that there is no market."""
    if starting is not card:
        for status, text in _NOT_STARTING.items():
            those = [_label(runner) for runner in card.runners if status_of(runner) == status]
            if those:
                yield CardWarning(status, f"{', '.join(those)} {'is' if len(those) == 1 else 'are'} {text}")
    priceless = [_label(runner) for runner in starting.runners if runner.price is None]
    if 0 < len(priceless) < len(starting.runners):
        text = f"without a price for {', '.join(priceless)} there is no market to share out"
        yield CardWarning("price_missing", text)


def _label(runner: Runner) -> str:
    return f"{runner.name!r} ({rug_of(runner)})"


def _explanation(model: LoadedModel, values: NDArray[np.float32]) -> Explanation:
    names = model.spec.features
    return explain(model, values, [topic_of(name) for name in names], [name in _CODES for name in names])


def _combined(model: LoadedModel, shares: RaceShares) -> NDArray[np.float64] | None:
    if model.spec.market_combination is None:
        return None
    return shares.market if model.spec.is_market_alone else shares.combined


def _ranks(win: NDArray[np.float64]) -> NDArray[np.int64]:
    ranks = np.empty(len(win), np.int64)
    ranks[(-win).argsort(kind="stable")] = np.arange(1, len(win) + 1)
    return ranks
