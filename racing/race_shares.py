"""What the log odds of one race are worth: the functions of :mod:`racing.probabilities`, compiled for a card.

They run on eight numbers, where each call of numpy takes a microsecond and its sum takes ten nanoseconds.
Bit for bit they give what they give for many races at once, as in training.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from racing.ops import CompiledFormulas, compile_formulas
from racing.probabilities import (
    combine_with_market,
    fair_price,
    market_probabilities,
    n_places,
    place_probabilities,
    race_level,
    share_within_race,
)

Floats = NDArray[np.float64]
_LOWEST = 1e-12  # of which there is still a fair price
_lock = Lock()


class Sharing(NamedTuple):
    """How log odds become strengths, and those and the market's probabilities the answer's."""

    is_centred: bool
    slope: float
    intercept: float
    exponent: float
    model_weight: float
    market_weight: float
    discounts: tuple[float, ...]
    """Three, see :func:`racing.probabilities.place_probabilities`."""


class RaceShares(NamedTuple):
    """One entry a runner in every array."""

    win: Floats
    place: Floats
    fair_price: Floats
    market: Floats
    """NaN unless every price is known."""
    combined: Floats
    """NaN unless every price is known."""


def race_shares(log_odds: Floats, prices: Sequence[float | None], sharing: Sharing) -> RaceShares:
    """Return the probabilities of the runners of one race, given a model's log odds and the market's odds."""
    formulas, shares = recorded_shares(len(log_odds))
    with _lock:
        of_model, of_market, numbers = formulas.inputs
        of_model[:], of_market[:] = log_odds, prices
        numbers[:] = (*sharing[:-1], *sharing.discounts)
        formulas()
        return RaceShares(*shares.copy())


@cache
def recorded_shares(n_runners: int) -> tuple[CompiledFormulas, Floats]:
    """Return the formulas for a number of runners, recorded once a process, and where they leave shares."""
    shares = np.empty((len(RaceShares._fields), n_runners))
    inputs = [(n_runners,), (n_runners,), (len(Sharing._fields) + 2,)]
    return compile_formulas(_shares, inputs, list(shares)), shares


def _shares(log_odds: Any, prices: Any, numbers: Any) -> Iterator[Floats]:
    is_centred, slope, intercept, exponent, a, b = (numbers[i : i + 1] for i in range(6))
    race = np.zeros(len(log_odds), np.int64)
    centred = log_odds - np.where(is_centred > 0, race_level(log_odds, race), 0.0)
    win = share_within_race((slope * centred + intercept) * exponent, race)
    market = market_probabilities(prices, race)
    yield win
    yield place_probabilities(win, race, n_places(len(win)), numbers[6:])
    yield fair_price(np.maximum(win, _LOWEST))
    yield market
    yield combine_with_market(win, market, a, b, race)
