"""The bets of an answer: the likeliest combinations of each, from the win probabilities that it gives."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from racing.domain.bets import DEFAULT_TOP, Bet, bets_of
from racing.domain.cards import rug_of
from racing.finish_orders import bet_probabilities, with_fourth
from racing.probabilities import fair_price
from service.prediction.answer import BetCombinationOut, BetOut, PredictionOut, WarningOut
from service.prediction.card_prediction import CardPrediction
from service.serving.slots import Snapshot

FIELD_TOO_SMALL = "field_too_small"
_LOWEST = 1e-12  # of which there is still a fair price


@dataclass(frozen=True, slots=True)
class RequestedBets:
    """Which bets an answer is to have, and how many combinations of each at most."""

    bets: tuple[Bet, ...]
    top: int = DEFAULT_TOP

    @classmethod
    def of(cls, names: Iterable[str] | None, top: int) -> "RequestedBets | None":
        """Return what a request asks for; None where it names no bet."""
        bets = bets_of(names or ())
        return cls(bets, top) if bets else None


def add_bets(
    out: PredictionOut, prediction: CardPrediction, snapshot: Snapshot, requested: RequestedBets
) -> PredictionOut:
    """Return an answer with its bets; a field that is too small for one has a warning instead.

    Reserves and scratched runners are in no combination. The answer is changed, not copied.
    """
    win = prediction.win_probability
    discounts = with_fourth(snapshot.model.spec.place_discounts)
    starters = [(rug_of(runner), runner.name) for runner in prediction.starting.runners]
    possible = [bet for bet in requested.bets if bet.n_picks <= len(starters)]
    out.bets = [
        _bet_out(bet, starters, *bet_probabilities(bet, win, discounts), requested.top) for bet in possible
    ]
    too_large = [bet for bet in requested.bets if bet not in possible]
    if too_large:
        out.warnings = [
            *out.warnings,
            WarningOut(code=FIELD_TOO_SMALL, text=_too_small(too_large, len(starters))),
        ]
    return out


def _bet_out(
    bet: Bet, starters: list[tuple[int, str]], orders: NDArray[np.int64], p: NDArray[np.float64], top: int
) -> BetOut:
    likeliest = _likeliest(p, top)
    rows = zip(
        orders[likeliest].tolist(),
        p[likeliest].tolist(),
        fair_price(np.maximum(p[likeliest], _LOWEST)).tolist(),
        strict=True,
    )
    return BetOut(
        bet=bet.name,
        n_combinations=len(p),
        combinations=[
            BetCombinationOut(
                rugs=[starters[i][0] for i in order],
                names=[starters[i][1] for i in order],
                probability=min(probability, 1.0),  # rounding may leave 1 + 1e-16
                fair_price=max(price, 1.0),
            )
            for order, probability, price in rows
        ],
    )


def _likeliest(p: NDArray[np.float64], n: int) -> NDArray[np.intp]:
    """Return where the ``n`` highest stand, the highest first; among equals the earlier one."""
    if n >= len(p):
        return np.argsort(-p, kind="stable")
    least = np.partition(p, len(p) - n)[len(p) - n]
    candidates = np.flatnonzero(p >= least)  # sorting all 5,040 takes three times as long
    return candidates[np.argsort(-p[candidates], kind="stable")[:n]]


def _too_small(bets: Iterable[Bet], n_starters: int) -> str:
    needs = ", ".join(f"{bet.name} needs {bet.n_picks}" for bet in bets)
    return f"{n_starters} starters are too few: {needs}"
