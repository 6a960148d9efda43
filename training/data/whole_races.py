"""Which races can be judged by their winner: whole ones of two runners or more, with exactly one winner.

What is fitted and chosen before the test makes do with less where most races are known in part only.
"""

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
    is_whole = np.bincount(table.race, table.is_whole) == np.bincount(table.race)
    return is_whole[table.race] & _rows_with_winner(table)


def comparable_rows(table: RaceTable) -> NDArray[np.bool_]:
    """Say of each row whether the known runners of its race can be held against each other.

    Those of whole races; where most races are known in part only, as in form guides, of every race with two
    known runners or more and the winner among them. A share among some of the runners has the same odds as
    among all (independence of irrelevant alternatives: Luce, 1959), so what is fitted on parts of fields
    holds for whole ones.
    """
    return judged_rows(table) if are_mostly_whole(table) else _rows_with_winner(table)


def are_mostly_whole(table: RaceTable) -> bool:
    """Say whether at least half of the races can be judged by their winner."""
    return 2 * count_races(table, judged_rows(table)) >= count_races(table)


def _rows_with_winner(table: RaceTable) -> NDArray[np.bool_]:
    if not len(table):
        return np.zeros(0, np.bool_)
    race = table.race
    sizes = np.bincount(race)
    return np.asarray(((sizes >= 2) & (np.bincount(race, table.won) == 1))[race], np.bool_)


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
