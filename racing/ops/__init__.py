"""Where features and ratings spend their time: a few loops, compiled where there was a C compiler.

``plain`` says in numpy what each means; ``_loops.c`` says the same fast. Without a compiler everything works,
a card takes milliseconds instead of microseconds, and :data:`IS_COMPILED` is false.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from racing.ops import plain

IS_COMPILED = find_spec("racing.ops._loops") is not None

if TYPE_CHECKING or not IS_COMPILED:
    from racing.ops.plain import (
        best,
        best_rival,
        condition,
        fill_nan,
        log_mean_odds,
        n_known,
        number,
        placed_in_race,
        rank_in_race,
        read_runs,
        running_total,
        select,
        share_in_race,
        sum_in_race,
        total,
        usual_at,
        value_at,
    )
else:
    from racing.ops._loops import (
        best,
        best_rival,
        condition,
        fill_nan,
        log_mean_odds,
        n_known,
        number,
        placed_in_race,
        rank_in_race,
        read_runs,
        running_total,
        select,
        share_in_race,
        sum_in_race,
        total,
        usual_at,
        value_at,
    )

__all__ = [
    "IS_COMPILED", "best", "best_rival", "condition", "fill_nan", "log_mean_odds", "n_known",
    "number", "placed_in_race", "plain", "rank_in_race", "read_runs", "running_total", "select",
    "share_in_race", "sum_in_race", "total", "usual_at", "value_at",
]  # fmt: skip
