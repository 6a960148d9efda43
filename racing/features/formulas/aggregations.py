"""Sums over a runner's form and over a race, in an order of addition that never depends on the batch.

Arrays ``form`` have shape (n, WINDOW), newest run first, NaN for no run or unknown.
"""

import numpy as np

from racing.domain.runs import Flags, Floats, Ints
from racing.ops import best, best_rival, fill_nan, n_known, number, rank_in_race, ratio, sum_in_race, total

__all__ = [
    "best",
    "count",
    "count_in_race",
    "count_true",
    "deviation",
    "fill_nan",
    "first",
    "gap_to_best",
    "log_share",
    "log_share_of_prices",
    "mask",
    "mean",
    "mean_in_race",
    "minus_rivals",
    "number",
    "rank_in_race",
    "rate",
    "sum_in_race",
    "total",
    "weighted_mean",
]  # fmt: skip

count = n_known


def first(form: Floats) -> Floats:
    """Return the last run's value."""
    return form[:, 0]


def count_true(flags: Flags) -> Floats:
    """Return of how many runs something is true."""
    return total(number(flags))


def mean(form: Floats) -> Floats:
    """Return the mean of what is known."""
    return ratio(total(form), count(form))


def weighted_mean(form: Floats, half_life_runs: float) -> Floats:
    """Return the mean of what is known, weights halving every so many runs back."""
    weights = np.where(np.isnan(form), np.nan, 0.5 ** (np.arange(form.shape[1]) / half_life_runs))
    return ratio(total(form * weights), total(weights))


def deviation(form: Floats) -> Floats:
    """Return the standard deviation of what is known, from two values on."""
    n = count(form)
    centred = form - mean(form)[:, None]
    return np.where(n >= 2, np.sqrt(ratio(total(centred * centred), n - 1)), np.nan)


def rate(happened: Floats, prior: float, strength: float = 6.0) -> Floats:
    """Return how often something happened, shrunk: (sum + strength x prior) / (n + strength)."""
    return (total(happened) + strength * prior) / (count(happened) + strength)


def mask(form: Floats, where: Flags) -> Floats:
    """Return the values of some runs, the others unknown."""
    return np.where(where, form, np.nan)


def count_in_race(values: Floats, race: Ints) -> Floats:
    """Return for each runner how many of its race are known."""
    return sum_in_race(number(~np.isnan(values)), race)


def mean_in_race(values: Floats, race: Ints) -> Floats:
    """Return for each runner the mean of what is known in its race."""
    return ratio(sum_in_race(values, race), count_in_race(values, race))


def minus_rivals(values: Floats, race: Ints) -> Floats:
    """Return each value less the mean of its known rivals'; NaN without one."""
    others = sum_in_race(values, race) - fill_nan(values, 0.0)
    n_others = count_in_race(values, race) - number(~np.isnan(values))
    return values - ratio(others, n_others)


def gap_to_best(values: Floats, race: Ints) -> Floats:
    """Return each value less the greatest of its rivals': above 0 only for the race's best."""
    return values - best_rival(values, race)


def log_share_of_prices(price: Floats, race: Ints, n_runners: Floats) -> Floats:
    """Return ln of the share of the race that decimal odds give; unknown unless all runners have some."""
    backed = np.where(price > 1, 1.0 / price, np.nan)
    is_whole = count_in_race(backed, race) == n_runners
    return np.where(is_whole, np.log(backed / sum_in_race(backed, race)), np.nan)


def log_share(values: Floats, race: Ints) -> Floats:
    """Return ln of the softmax of values within the race; an unknown value counts as the race's mean."""
    filled = fill_nan(fill_nan(values, mean_in_race(values, race)), 0.0)
    return filled - np.log(sum_in_race(np.exp(filled), race))
