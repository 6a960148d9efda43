"""How many more races a decision takes, if the effect stays what it is so far."""

import math

from racing.comparison.confidence import START_RACES, Moments, boundary, difference_error

MOST_RACES_TO_GO = 100_000
"""Beyond it a forecast says no more than that."""


def races_needed(mean: float, standard_deviation: float, alpha: float) -> int | None:
    """Return after how many races an effect is decided at a level; None for more than 100,000, or no effect.

    ``standard_deviation`` is that of one race. Half of all experiments with this effect take fewer.
    """
    factor = _growth_needed(mean, standard_deviation**2, 1.0, alpha, MOST_RACES_TO_GO)
    return None if factor is None else max(math.ceil(factor), START_RACES)


def paired_races_to_go(found: Moments, n: int, alpha: float) -> int | None:
    """Return how many races, of all kinds, n so far, are to come before a mean is decided."""
    if not found.is_enough:
        return None
    return _to_go(found.mean, found.variance / found.n_races, found.n_informative, n, alpha)


def split_races_to_go(champion: Moments, challenger: Moments, n: int, alpha: float) -> int | None:
    """Return the same for the difference of two arms."""
    if not (champion.is_enough and challenger.is_enough):
        return None
    return _to_go(champion.mean - challenger.mean, *difference_error(champion, challenger), n, alpha)


def _to_go(mean: float, squared_error: float, clock: float, n: int, alpha: float) -> int | None:
    if abs(mean) > math.sqrt(squared_error) * float(boundary(clock, alpha)):
        return None
    factor = _growth_needed(mean, squared_error, clock, alpha, 1 + MOST_RACES_TO_GO / n)
    return None if factor is None else max(math.ceil((factor - 1) * n), 1)


def _growth_needed(
    mean: float, squared_error: float, clock: float, alpha: float, most: float
) -> float | None:
    """Return how many times as many races decide, between 1 and ``most``; None if more."""

    def is_decided(factor: float) -> bool:
        return abs(mean) > math.sqrt(squared_error / factor) * float(boundary(clock * factor, alpha))

    if not is_decided(most):
        return None
    low, high = 1.0, most
    while high - low > 1e-6 * low:
        middle = (low + high) / 2
        low, high = (low, middle) if is_decided(middle) else (middle, high)
    return high
