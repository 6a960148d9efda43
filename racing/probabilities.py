"""Probabilities within a race: sharing, the market's, both combined, and those of being placed.

Throughout, ``race`` holds one entry a runner: 0, 1, 2 ... in ascending order, the runners of a race side
by side, as :attr:`racing.race_table.RaceTable.race` gives it.
"""

from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from racing.ops import floats, log_mean_odds, number, placed_in_race, share_in_race, sum_in_race

Floats = NDArray[np.float64]
Races = NDArray[np.int64]

BENTER_DISCOUNTS = (1.0, 0.81, 0.65)
"""Exponents of the win probabilities for the first, second and third place (Benter 1994)."""

_MAX_PLACE_PROBABILITY = 0.99  # the lowest price is 1.01
_FLOOR = 1e-12  # keeps a logarithm or a power of a probability finite


def share_within_race(log_odds: ArrayLike, race: Races, exponent: float = 1.0) -> Floats:
    """Turn each runner's log odds into win probabilities that sum to 1 within its race.

    This is the conditional logit of Bolton and Chapman (1986): p is proportional to
    exp(exponent * log_odds). One NaN makes the whole race NaN.
    """
    z = floats(log_odds) * exponent
    return share_in_race(z, race) if len(z) else z


def race_level(log_odds: ArrayLike, race: Races) -> Floats:
    """Return for each runner the log of its race's mean odds: less that, 0 is worth an even share."""
    z = floats(log_odds)
    return log_mean_odds(z, race) if len(z) else z


def market_probabilities(prices: ArrayLike, race: Races) -> Floats:
    """Share 1/price out within each race; NaN for a whole race with any price unknown (NaN or <= 1)."""
    price = floats(prices)
    if not len(price):
        return price
    with np.errstate(invalid="ignore"):
        backed = np.where(np.isfinite(price) & (price > 1), 1 / price, np.nan)
    is_whole = sum_in_race(number(np.isnan(backed)), race) == 0
    market: Floats = np.where(is_whole, backed / sum_in_race(backed, race), np.nan)
    return market


def place_market_probabilities(prices: ArrayLike, race: Races, n_places: int | NDArray[np.int64]) -> Floats:
    """Share 1/place price out within each race so that it sums to the places paid, each at most .99.

    NaN for a whole race with any price unknown.
    """
    shared = market_probabilities(prices, race)
    if not len(shared):
        return shared
    sizes = _blocks(race)[1]
    paid = np.repeat(np.broadcast_to(np.asarray(n_places), sizes.shape), sizes)
    placed: Floats = np.minimum(shared * paid, _MAX_PLACE_PROBABILITY)
    return placed


def combine_with_market(model_p: ArrayLike, market_p: ArrayLike, a: float, b: float, race: Races) -> Floats:
    """Return p ~ model^a * market^b within each race (Benter 1994); NaN where the market is unknown."""
    return share_within_race(a * _log(model_p) + b * _log(market_p), race)


def fit_market_combination(
    model_p: ArrayLike, market_p: ArrayLike, won: NDArray[np.bool_], race: Races
) -> tuple[float, float]:
    """Find the (a, b) of :func:`combine_with_market` of the greatest likelihood, neither of them negative.

    A negative weight would raise a runner because one of the two thinks little of it; where the likelihood
    asks for one, that weight is 0 and the other alone is fitted. Races without a known market, or with
    another number of winners than one, are left out.

    Raises
    ------
    ValueError
        If no race is left.
    """
    x = np.stack([_log(model_p), _log(market_p)], axis=1)
    starts, sizes = _blocks(race)
    usable = np.isfinite(np.add.reduceat(x.sum(axis=1), starts)) & (np.add.reduceat(won * 1, starts) == 1)
    if not usable.any():
        raise ValueError(
            "the market combination needs a race with one winner and every price known, got none"
        )
    keep = np.repeat(usable, sizes)
    x, won = x[keep], won[keep]
    race = np.repeat(np.arange(usable.sum()), sizes[usable])
    weights = _fit_weights(x, won, race, np.array([0.0, 1.0]))
    if weights.min() < 0:
        # The likelihood is concave: its best point without negative weights has one of them at 0.
        edges = np.zeros((2, 2))
        for positive in (0, 1):
            alone = _fit_weights(x[:, [positive]], won, race, np.ones(1))
            edges[positive, positive] = max(float(alone[0]), 0.0)
        weights = max(edges, key=lambda edge: _log_likelihood(x, won, race, edge))
    return float(weights[0]), float(weights[1])


def place_probabilities(
    win_p: ArrayLike,
    race: Races,
    n_places: int | NDArray[np.int64],
    discounts: tuple[float, ...] = BENTER_DISCOUNTS,
) -> Floats:
    """Return each runner's probability to be among the first ``n_places`` (1 to 3) of its race.

    Harville (1973): once the winner is gone, the others share what is left in proportion; discounted, since
    that makes favourites second too often: the d-th place is shared by p^discount (Benter 1994; Lo and
    Bacon-Shone 2008). The sum over all orders is exact. Probabilities of a race sum to ``n_places``.

    Parameters
    ----------
    n_places : int or ndarray of shape (n_races,)
        Where it reaches the number of runners, everyone is placed.
    discounts : tuple of three floats
        Exponents for the first, second and third place.

    Raises
    ------
    ValueError
        If there are not three discounts.
    """
    if len(discounts) != 3:
        raise ValueError(f"place discounts must be three (first, second, third), got {discounts}")
    p = floats(win_p)
    if not len(p):
        return p
    paid = np.asarray(n_places, np.int64)
    by_runner = np.full(len(p), paid) if paid.ndim == 0 else paid[race - race[0]]
    return placed_in_race(p, floats(discounts), by_runner, race)


@overload
def n_places(n_runners: int) -> int: ...
@overload
def n_places(n_runners: NDArray[Any]) -> NDArray[np.int64]: ...
def n_places(n_runners: int | NDArray[Any]) -> int | NDArray[np.int64]:
    """Return how many places a field pays: 3 from 8 runners on, 2 from 5, otherwise the winner alone."""
    if isinstance(n_runners, int):
        return 3 if n_runners >= 8 else 2 if n_runners >= 5 else 1
    return np.where(n_runners >= 8, 3, np.where(n_runners >= 5, 2, 1))


def fair_price(p: ArrayLike) -> Floats:
    """Return the decimal odds at which a bet neither gains nor loses: 1/p."""
    with np.errstate(divide="ignore"):
        price: Floats = 1 / floats(p)
    return price


def _blocks(race: Races) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each race starts and how many runners it has."""
    starts = np.concatenate([[0], np.flatnonzero(race[1:] != race[:-1]) + 1])
    return starts, np.diff(starts, append=len(race))


def _log(p: ArrayLike) -> Floats:
    logs: Floats = np.log(np.maximum(floats(p), _FLOOR))
    return logs


def _fit_weights(x: Floats, won: NDArray[np.bool_], race: Races, weights: Floats) -> Floats:
    """Return the weights of the columns of the greatest likelihood, of either sign, by Newton's method."""
    starts = _blocks(race)[0]
    for _ in range(50):
        p = share_within_race(x @ weights, race)
        mean = np.add.reduceat(x * p[:, None], starts)
        centred = x - mean[race]
        # 1e-3 of a race: a market equal to the model leaves the pair undetermined, and it must stay finite
        gradient = (centred * (won - p)[:, None]).sum(axis=0) - 1e-3 * weights
        hessian = (centred * p[:, None]).T @ centred + 1e-3 * np.eye(len(weights))
        step = np.linalg.solve(hessian, gradient)
        weights = _line_search(x, won, race, weights, step)
        if np.abs(step).max() < 1e-8:
            break
    return weights


def _line_search(x: Floats, won: NDArray[np.bool_], race: Races, weights: Floats, step: Floats) -> Floats:
    """Halve a Newton step until the likelihood does not fall."""
    before = _log_likelihood(x, won, race, weights)
    for _ in range(30):
        if _log_likelihood(x, won, race, weights + step) >= before:
            return weights + step
        step = step / 2
    return weights


def _log_likelihood(x: Floats, won: NDArray[np.bool_], race: Races, weights: Floats) -> float:
    return float(_log(share_within_race(x @ weights, race))[won].sum() - 5e-4 * weights @ weights)
