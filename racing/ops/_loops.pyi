from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

fill_nan: np.ufunc
ratio: np.ufunc
select: np.ufunc
number: np.ufunc
total: np.ufunc
n_known: np.ufunc
best: np.ufunc
running_total: np.ufunc
sum_in_race: np.ufunc
rank_in_race: np.ufunc
best_rival: np.ufunc
share_in_race: np.ufunc
log_mean_odds: np.ufunc
placed_in_race: np.ufunc
value_at: np.ufunc
usual_at: np.ufunc
condition: np.ufunc

class Tape:
    def __new__(
        cls,
        steps: list[tuple[np.ufunc, int, int, Sequence[int], Sequence[int], Sequence[int], Sequence[int]]],
        owners: object,
        /,
    ) -> Tape: ...
    def play(self) -> None: ...

def read_card(
    runners: list[Any],
    dogs: list[tuple[NDArray[np.float64], int, int | None]],
    race: tuple[float, ...],
    names_of_runner: tuple[str, ...],
    names_of_run: tuple[str, ...],
    courses: dict[tuple[str, int], tuple[float, float]],
    grades: dict[str | None, float],
    usual: tuple[NDArray[np.float64], ...],
    window: int,
    card: NDArray[np.float64],
    stored: NDArray[np.float64],
    brought: NDArray[np.float64],
    counts: NDArray[np.int64],
    /,
) -> Any: ...
