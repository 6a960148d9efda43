"""Sums over a runner's form and over a race, in an order of addition that never depends on the batch.

Arrays ``form`` have shape (n, WINDOW), newest run first, NaN for no run or unknown.
"""

import numpy as np

from racing.runs import Flags, Floats, Ints


def first(form: Floats) -> Floats:
    """Return the last run's value."""
    return form[:, 0]


def total(form: Floats) -> Floats:
    """Return the sum of what is known."""
    result = np.zeros(len(form))
    known = np.nan_to_num(form)
    for column in range(form.shape[1]):
        result += known[:, column]
    return result


def count(form: Floats) -> Floats:
    """Return how many values are known."""
    return (~np.isnan(form)).sum(axis=1).astype(np.float64)


def mean(form: Floats) -> Floats:
    """Return the mean of what is known."""
    return _divide(total(form), count(form))


def weighted_mean(form: Floats, half_life_runs: float) -> Floats:
    """Return the mean of what is known, weights halving every so many runs back."""
    weights = np.where(np.isnan(form), np.nan, 0.5 ** (np.arange(form.shape[1]) / half_life_runs))
    return _divide(total(form * weights), total(weights))


def deviation(form: Floats) -> Floats:
    """Return the standard deviation of what is known, from two values on."""
    n = count(form)
    centred = form - mean(form)[:, None]
    return np.where(n >= 2, np.sqrt(_divide(total(centred * centred), n - 1)), np.nan)


def best(form: Floats) -> Floats:
    """Return the greatest value."""
    return np.fmax.reduce(form, axis=1)


def rate(happened: Floats, prior: float, strength: float = 6.0) -> Floats:
    """Return how often something happened, shrunk: (sum + strength x prior) / (n + strength)."""
    return (total(happened) + strength * prior) / (count(happened) + strength)


def only(form: Floats, where: Flags) -> Floats:
    """Return the values of some runs, the others unknown."""
    return np.where(where, form, np.nan)


def sum_in_race(values: Floats, race: Ints) -> Floats:
    """Return for each runner the sum over its race of what is known."""
    return np.bincount(race, np.nan_to_num(values))[race].astype(np.float64)


def count_in_race(values: Floats, race: Ints) -> Floats:
    """Return for each runner how many of its race are known."""
    return np.bincount(race, ~np.isnan(values))[race].astype(np.float64)


def minus_rivals(values: Floats, race: Ints) -> Floats:
    """Return each value less the mean of its known rivals'; NaN without one."""
    others = sum_in_race(values, race) - np.nan_to_num(values)
    n_others = count_in_race(values, race) - ~np.isnan(values)
    return values - _divide(others, n_others)


def rank_in_race(values: Floats, race: Ints) -> Floats:
    """Return 1 for the greatest of the race's known values; ties share their best rank."""
    order = np.lexsort((-np.nan_to_num(values, nan=-np.inf), race))
    ordered, race_ordered = values[order], race[order]
    position = np.arange(len(values))
    new_race = np.diff(race_ordered, prepend=-1) != 0
    start = np.maximum.accumulate(np.where(new_race, position, 0))
    tied = ~new_race & (ordered == np.roll(ordered, 1))
    reached = np.maximum.accumulate(np.where(tied, 0, position))
    ranks = np.empty(len(values))
    ranks[order] = reached - start + 1
    return np.where(np.isnan(values), np.nan, ranks)


def gap_to_best(values: Floats, race: Ints) -> Floats:
    """Return each value less the greatest of its rivals': above 0 only for the race's best."""
    known = np.nan_to_num(values, nan=-np.inf)
    n_races = int(race[-1]) + 1
    top = np.full(n_races, -np.inf)
    np.maximum.at(top, race, known)
    is_top = known == top[race]
    runner_up = np.full(n_races, -np.inf)
    np.maximum.at(runner_up, race[~is_top], known[~is_top])
    n_top = np.bincount(race, is_top, n_races)
    second = np.where(n_top > 1, top, runner_up)
    rival = np.where(is_top, second[race], top[race])
    gap = np.where(np.isfinite(rival), values - np.where(np.isfinite(rival), rival, 0.0), np.nan)
    return np.where(np.isnan(values), np.nan, gap)


def log_share(values: Floats, race: Ints) -> Floats:
    """Return ln of the softmax of values within the race; an unknown value counts as the race's mean."""
    n = count_in_race(values, race)
    filled = np.where(np.isnan(values), _divide(sum_in_race(values, race), n), values)
    filled = np.nan_to_num(filled)
    return filled - np.log(np.bincount(race, np.exp(filled))[race])


def _divide(numerator: Floats, denominator: Floats) -> Floats:
    return np.where(denominator > 0, numerator / np.where(denominator > 0, denominator, 1.0), np.nan)
