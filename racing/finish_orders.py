"""Probabilities of the orders of finish, from the win probabilities of a race.

Orders of the first runners are rows of :func:`finish_orders`; of probabilities the last axis goes over them,
axes in front over races with equally many runners. All bets come from one joint, so that their sums hold: the
exactas with a runner as first sum to its win probability, a quinella is the sum of its two exactas, and each
pool sums to 1.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from racing.domain.bets import Bet
from racing.ops import floats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAX_DEPTH = 4
"""Places that an order names at most: a first four."""
MAX_RUNNERS = 10
"""Of them there are 5,040 orders of the first four."""

_FLOOR = 1e-12  # of a probability whose powers are shared out among those left


def with_fourth(discounts: tuple[float, ...]) -> tuple[float, ...]:
    """Return the exponents of the first four places, given those of the first three.

    The fourth follows the third as the third the second, and is not above it.
    """
    first, second, third = discounts
    return first, second, third, third * min(third / second, 1.0)


@cache
def finish_orders(n_runners: int, depth: int) -> Ints:
    """Return all orders of the first ``depth`` runners, shape (n_orders, depth), ascending; read only.

    Raises
    ------
    ValueError
        If there are more than 10 runners or 4 places, or fewer runners than places.
    """
    if not 1 <= depth <= min(n_runners, MAX_DEPTH) or n_runners > MAX_RUNNERS:
        rule = f"an order has 1..{MAX_DEPTH} places, of as many runners or more, up to {MAX_RUNNERS}"
        raise ValueError(f"{rule}; got {depth} of {n_runners}")
    if depth == 1:
        orders = np.arange(n_runners)[:, None]
    else:  # listing 5,040 permutations one by one would hold up an event loop for 4 ms
        before, following = np.nonzero(_others(n_runners, depth - 1).T)
        orders = np.column_stack([finish_orders(n_runners, depth - 1)[before], following])
    orders.flags.writeable = False
    return orders


def order_probabilities(win_p: ArrayLike, depth: int, discounts: tuple[float, ...]) -> Floats:
    """Return the probability of each order of the first ``depth`` runners; they sum to 1.

    Harville (1973): once the winner is gone, the others share what is left in proportion; discounted, the
    d-th place is shared by p^discount (Benter 1994; Lo and Bacon-Shone 2008), as in
    :func:`racing.probabilities.place_probabilities`, whose probabilities these sum to.

    Parameters
    ----------
    win_p : array of shape (..., n_runners)
        Win probabilities of the starters, which sum to 1. One NaN makes its race NaN.
    discounts : tuple of at least ``depth`` floats
        Exponents of the first place (always 1), the second, and so on.

    Returns
    -------
    ndarray of shape (..., n_orders)
        In the order of :func:`finish_orders`.

    Raises
    ------
    ValueError
        If a discount is missing, or as :func:`finish_orders` does.
    """
    p = floats(win_p)
    n_runners = p.shape[-1]
    finish_orders(n_runners, depth)  # refuses what is out of range
    if len(discounts) < depth:
        raise ValueError(f"an order of {depth} places needs as many discounts, got {discounts}")
    joint, floored = p, np.maximum(p, _FLOOR)
    for place in range(1, depth):
        power = floored ** discounts[place]
        # Sums over the others never come from a subtraction: with p near 1 it loses all digits.
        left = power @ _others(n_runners, place)
        joint = np.repeat(joint / left, n_runners - place, axis=-1)
        joint *= power[..., finish_orders(n_runners, place + 1)[:, place]]
    return joint


def pair_matrix(exactas: Floats, n_runners: int) -> Floats:
    """Return exactas as a matrix, shape (..., n, n): first by row, second by column, 0 on the diagonal."""
    matrix = np.zeros((*exactas.shape[:-1], n_runners, n_runners))
    first, second = finish_orders(n_runners, 2).T
    matrix[..., first, second] = exactas
    return matrix


def bet_probabilities(bet: Bet, win_p: ArrayLike, discounts: tuple[float, ...]) -> tuple[Ints, Floats]:
    """Return the combinations of a bet, shape (n_combinations, n_picks), and their probabilities.

    Those of a bet in any order have their runners in ascending order. See :func:`order_probabilities`.
    """
    joint = order_probabilities(win_p, bet.n_picks, discounts)
    n_runners = np.shape(win_p)[-1]
    orders = finish_orders(n_runners, bet.n_picks)
    if bet.is_ordered:
        return orders, joint
    matrix = pair_matrix(joint, n_runners)
    ascending = orders[orders[:, 0] < orders[:, 1]]
    first, second = ascending.T
    either: Floats = matrix[..., first, second] + matrix[..., second, first]
    return ascending, either


def place_from_orders(win_p: ArrayLike, n_places: int, discounts: tuple[float, ...]) -> Floats:
    """Return each runner's probability to be among the first ``n_places`` (1 to 4), shape (..., n_runners).

    Where that reaches the number of runners, everyone is placed. Up to three places it is what
    :func:`racing.probabilities.place_probabilities` gives, from the joint.
    """
    p = floats(win_p)
    n_runners = p.shape[-1]
    if n_places >= n_runners:
        return np.where(np.isnan(p), np.nan, 1.0)
    orders = finish_orders(n_runners, n_places)
    is_among = (orders[:, :, None] == np.arange(n_runners)).any(axis=1)
    placed: Floats = order_probabilities(p, n_places, discounts) @ is_among
    return placed


@cache
def _others(n_runners: int, depth: int) -> Floats:
    """Return for each order of the first ``depth`` runners who is not in it, shape (n_runners, n_orders)."""
    orders = finish_orders(n_runners, depth)
    others = np.ones((n_runners, len(orders)))
    others[orders.T, np.arange(len(orders))] = 0
    return others
