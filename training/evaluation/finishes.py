"""The orders in which races finished, as far as a table knows them, and how likely each was."""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from racing.probabilities import n_places
from racing.race_table import RaceTable

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FLOOR = 1e-12


@dataclass(frozen=True, slots=True)
class Finishes:
    """Orders of the first runners that paid; a race with a dead heat among them has several."""

    race: Ints
    """Number of the race in its table, ascending."""
    order: Ints
    """Shape (n_orders, depth): the runners by their place in the race's rows, 0 the first."""
    weight: Floats
    """1 / number of orders of the race: in a dead heat the pool is divided equally among them."""

    @property
    def n_races(self) -> int:
        """Return how many races there are."""
        return len(np.unique(self.race))


def finish_positions(table: RaceTable) -> Floats:
    """Return the places of a table's runners, those that follow from others among them; NaN is unknown.

    A winner has the first place. Where the race paid as many places as a field of its size does, one that is
    missing among the placed follows from the others: with two places paid, the second is the other one.
    """
    position = np.where(table.won, 1.0, table.finish_position)
    race = table.race
    sizes = np.bincount(race)
    paid = n_places(sizes)
    is_placed = table.placed == 1
    is_as_paid = (np.bincount(race, is_placed) == paid) & (np.bincount(race, table.won) == 1)
    is_missing = is_placed & np.isnan(position)
    one_missing = is_as_paid & (np.bincount(race, is_missing) == 1)
    known = np.where(is_placed & ~is_missing, np.nan_to_num(position), 0.0)
    rest = (paid * (paid + 1) / 2 - np.bincount(race, known))[race]
    follows = one_missing[race] & is_missing & (rest >= 2) & (rest <= paid[race])
    return np.where(follows, rest, position)


def finishes_of(table: RaceTable, depth: int) -> Finishes:
    """Return the orders of the first ``depth`` runners of the whole races in which they are known.

    **Dead heats** are settled as totes settle them: each order that agrees with the result pays, with an
    equal part of the pool. With two dogs second to A, A-B and A-C are the exactas that pay; with two
    first, A-B and B-A, and the one quinella.
    """
    if not len(table):
        return Finishes(np.zeros(0, np.int64), np.zeros((0, depth), np.int64), np.zeros(0))
    race, position = table.race, finish_positions(table)
    sizes = np.bincount(race)
    starts = np.cumsum(sizes) - sizes
    is_whole = (np.bincount(race, table.is_whole) == sizes) & (sizes >= depth)
    at = np.stack([np.bincount(race, position == place) for place in range(1, depth + 1)])
    is_simple = is_whole & (at == 1).all(axis=0)
    simple = [np.flatnonzero((position == place) & is_simple[race]) for place in range(1, depth + 1)]
    races, weights = [np.flatnonzero(is_simple)], [np.ones(len(simple[0]))]
    orders = [np.stack(simple, axis=1) - starts[is_simple, None]]
    for i in np.flatnonzero(is_whole & (at > 1).any(axis=0)).tolist():
        found = _orders_that_pay(position[starts[i] : starts[i] + sizes[i]], depth)
        races.append(np.full(len(found), i))
        orders.append(np.array(found, np.int64).reshape(-1, depth))
        weights.append(np.full(len(found), 1 / max(len(found), 1)))
    together = np.concatenate(races)
    by_race = np.argsort(together, kind="stable")
    return Finishes(together[by_race], np.concatenate(orders)[by_race], np.concatenate(weights)[by_race])


def order_log_likelihoods(
    win_p: Floats, race: Ints, finishes: Finishes, discounts: tuple[float, ...]
) -> Floats:
    """Return the log probability of each order, by :func:`racing.finish_orders.order_probabilities`."""
    p = _by_race(win_p, race)[finishes.race]
    is_left = p > 0
    rows = np.arange(len(p))
    logs = np.zeros(len(p))
    for place, discount in zip(finishes.order.T, discounts, strict=False):
        power = np.where(is_left, p, 0.0) ** discount
        logs += np.log(power[rows, place]) - np.log(power.sum(axis=1))
        is_left[rows, place] = False
    return logs


def _by_race(win_p: Floats, race: Ints) -> Floats:
    """Return the runners of each race side by side, 0 behind the last one."""
    sizes = np.bincount(race)
    side_by_side = np.zeros((len(sizes), sizes.max(initial=0)))
    side_by_side[race, np.arange(len(race)) - (np.cumsum(sizes) - sizes)[race]] = np.maximum(win_p, _FLOOR)
    return side_by_side


def _orders_that_pay(position: Floats, depth: int) -> list[tuple[int, ...]]:
    """Return the orders of a race with a dead heat among its first ``depth``; none where one is not known."""
    orders: list[tuple[int, ...]] = [()]
    while (n := len(orders[0])) < depth:
        level = np.flatnonzero(position == n + 1).tolist()
        if not level:
            return []
        orders = [
            (*order, *heat) for order in orders for heat in permutations(level, min(len(level), depth - n))
        ]
    return orders
