"""Which races can be judged by their winner: whole ones of two runners or more, with exactly one winner."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from racing.race_table import RaceTable

MIN_WHOLE_RACES = 50
"""Fewer say too little: runners are then judged one by one, and nothing is fitted on races."""


def judged_rows(table: RaceTable) -> NDArray[np.bool_]:
    """Say of each row whether its race is whole, has two runners or more, and exactly one winner."""
    if not len(table):
        return np.zeros(0, np.bool_)
    race = table.race
    sizes = np.bincount(race)
    is_whole = np.bincount(race, table.is_whole) == sizes
    return np.asarray((is_whole & (sizes >= 2) & (np.bincount(race, table.won) == 1))[race], np.bool_)


def are_mostly_whole(table: RaceTable) -> bool:
    """Say whether at least half of the races can be judged by their winner.

    Where they cannot, as in form guides, all runners one by one say more than the winners of a few races.
    """
    return 2 * count_races(table, judged_rows(table)) >= count_races(table)


def rows_of_known(values: NDArray[np.float64], race: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say of each row whether every runner of its race has a value that is not NaN."""
    return np.asarray((np.bincount(race, np.isnan(values)) == 0)[race], np.bool_)


def rows_with_prices_before_off(table: RaceTable) -> NDArray[np.bool_]:
    """Say of each row whether every runner of its race had a price ten minutes before the off."""
    if table.early_probability is None:
        return np.zeros(len(table), np.bool_)
    return rows_of_known(table.early_probability, table.race)


def count_races(table: RaceTable, rows: NDArray[Any] | slice = slice(None)) -> int:
    """Return how many races have a runner among some rows, by default all."""
    return len(np.unique(table.race_id[rows]))
