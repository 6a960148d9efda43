"""A prediction as ``POST /predict`` and ``greyhound predict --json`` write it.

For speed the answer is made of msgspec's structs; the models of :mod:`service.schemas.prediction`, which have
the same fields, document it.
"""

import datetime as dt
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from model_registry.artifact import Explanation
from model_registry.learning import country_names
from racing.domain.cards import Card, rug_of
from racing.domain.regions import COUNTRY_NAMES, country_of
from racing.features import CardWarning
from service.prediction.card_prediction import CardPrediction
from service.prediction.contest import Part
from service.schemas.prediction import NO_FAIR_PRICE
from service.schemas.prediction import PredictionOut as PredictionOut
from service.schemas.structs import structs_of
from service.serving.slots import Snapshot

if TYPE_CHECKING:
    from service.schemas.bets import BetCombinationOut as BetCombinationOut
    from service.schemas.bets import BetOut as BetOut
    from service.schemas.prediction import (
        ContributionOut,
        ExperimentPartOut,
        ExplanationOut,
        RunnerOut,
    )
    from service.schemas.prediction import WarningOut as WarningOut
else:
    _STRUCTS = structs_of(PredictionOut, mode="serialization", absent=("bets",))
    BetOut, BetCombinationOut = _STRUCTS["BetOut"], _STRUCTS["BetCombinationOut"]
    ContributionOut, ExplanationOut, RunnerOut, WarningOut, ExperimentPartOut, PredictionOut = (
        _STRUCTS[name]
        for name in (
            *("ContributionOut", "ExplanationOut", "RunnerOut", "WarningOut", "ExperimentPartOut"),
            "PredictionOut",
        )
    )

LEARNT_DAY, UNSEEN_TRACK, EARLY_PRICE_MISSING = "learnt_day", "unseen_track", "early_price_missing"
answer_of: Callable[[PredictionOut], dict[str, Any]] = msgspec.to_builtins
"""Returns an answer of :func:`prediction_out` as plain dictionaries and lists."""
answer_json = msgspec.json.Encoder().encode
"""Returns an answer of :func:`prediction_out` as JSON."""


def prediction_out(
    prediction: CardPrediction, champion: Snapshot, *, request_id: str, part: Part | None = None
) -> PredictionOut:
    """Return the answer of the API to a card; ``part`` is what it is to the experiment that runs."""
    card, n_starters = prediction.card, len(prediction.win_probability)
    warnings = (
        *prediction.warnings,
        *unseen_track_warning(champion, card),
        *learnt_day_warning(champion, card.date),
        *early_price_warning(champion, prediction.starting),
    )
    return PredictionOut(
        model_version=champion.version,
        request_id=request_id,
        is_simulated=champion.is_simulated,
        date=card.date,
        track=card.track,
        country=country_of(card.track),
        distance_m=card.distance_m,
        grade=card.grade,
        race_number=card.race_number,
        n_places=prediction.n_places,
        base_strength=prediction.explanation and prediction.explanation.base,
        combination=_combination(prediction, champion),
        runners=_runners(prediction, n_starters),
        warnings=[WarningOut(code=warning.code, text=warning.text) for warning in warnings],
        experiment=None if part is None else ExperimentPartOut(id=part.id, arm=part.arm),
    )


def learnt_day_warning(snapshot: Snapshot, date: dt.date) -> tuple[CardWarning, ...]:
    """Return a warning for a card of a day that the version has learnt from, else nothing."""
    learning = snapshot.learning
    if not learning.has_learnt_from(date, date):
        return ()
    text = (
        f"version {snapshot.version} has learnt from races to {learning.learnt_until}, those of {date} among "
        "them: what it says of them flatters it"
    )
    return (CardWarning(LEARNT_DAY, text),)


def early_price_warning(snapshot: Snapshot, starting: Card) -> tuple[CardWarning, ...]:
    """Return a warning where the version knows prices before the off and a starter has none, else nothing."""
    if not snapshot.knows_prices_before_off or all(runner.price_10m for runner in starting.runners):
        return ()
    text = (
        f"version {snapshot.version} has learnt from races with a price of each runner ten minutes before "
        "the off: without `price_10m` of all starters its probabilities are a guess"
    )
    return (CardWarning(EARLY_PRICE_MISSING, text),)


def unseen_track_warning(snapshot: Snapshot, card: Card) -> tuple[CardWarning, ...]:
    """Return a warning for a card at a track of whose races the version has learnt nothing, else nothing."""
    learning = snapshot.learning
    if learning.has_seen_track(card.track, card.distance_m):
        return ()
    country = country_of(card.track)
    text = f"version {snapshot.version} has learnt from no race at {card.track!r}"
    if country is not None and learning.countries and country not in learning.countries:
        text += (
            f", nor from any in {COUNTRY_NAMES[country]}, only from races in "
            f"{country_names(learning.countries)}: its probabilities here are a guess"
        )
    return (CardWarning(UNSEEN_TRACK, text),)


def _runners(prediction: CardPrediction, n_starters: int) -> list[RunnerOut]:
    """Return an answer for each runner, in the order of the card; those that do not start rank last."""
    starters = iter(
        zip(
            prediction.win_probability.tolist(),
            prediction.place_probability.tolist(),
            prediction.fair_price.tolist(),
            prediction.rank.tolist(),
            prediction.is_known.tolist(),
            prediction.n_prior_runs.tolist(),
            _or_none(prediction.market_probability, n_starters),
            _or_none(prediction.combined_probability, n_starters),
            _explanations(prediction.explanation, n_starters),
            strict=True,
        )
    )
    runners, n_not_starting = [], 0
    for runner, status in zip(prediction.card.runners, prediction.statuses, strict=True):
        if status == "starter":
            win, place, price, rank, is_known, n_prior_runs, market, combined, why = next(starters)
        else:
            n_not_starting += 1
            win, place, price, rank = 0.0, 0.0, NO_FAIR_PRICE, n_starters + n_not_starting
            is_known, n_prior_runs, market, combined, why = False, 0, None, None, None
        runners.append(
            RunnerOut(
                name=runner.name,
                box=runner.box,
                rug=rug_of(runner),
                status=status,
                win_probability=win,
                place_probability=min(place, 1.0),  # rounding may leave 1 + 1e-16
                fair_price=price,
                rank=rank,
                is_known=is_known,
                n_prior_runs=n_prior_runs,
                market_probability=market,
                combined_probability=combined,
                explanation=why,
            )
        )
    return runners


def _combination(
    prediction: CardPrediction, champion: Snapshot
) -> Literal["model and market", "market"] | None:
    if prediction.combined_probability is None:
        return None
    return "market" if champion.model.spec.is_market_alone else "model and market"


def _explanations(explanation: Explanation | None, n: int) -> list[ExplanationOut] | list[None]:
    if explanation is None:
        return [None] * n
    rows = zip(explanation.strength.tolist(), explanation.contributions.tolist(), strict=True)
    return [
        ExplanationOut(strength=strength, contributions=_largest_first(explanation.topics, contributions))
        for strength, contributions in rows
    ]


def _largest_first(topics: Sequence[str], contributions: Sequence[float]) -> list[ContributionOut]:
    largest_first = sorted(zip(topics, contributions, strict=True), key=lambda pair: (-abs(pair[1]), pair[0]))
    return [
        ContributionOut(
            topic=topic,
            contribution=contribution,
            multiplies_odds_by=math.exp(max(-700.0, min(contribution, 700.0))),  # finite, and above 0
        )
        for topic, contribution in largest_first
    ]


def _or_none(values: NDArray[np.float64] | None, n: int) -> list[float] | list[None]:
    return [None] * n if values is None else values.tolist()
