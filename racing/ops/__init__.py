"""Where features and ratings spend their time: a few loops, and formulas compiled for one shape.

The functions here are loops over a form (n, K), a race or a table, as compiled C where there was a compiler
when the package was installed (``_loops.c``), else in numpy (:mod:`racing.ops.plain`, which says what each
means). :func:`compile_formulas` turns formulas that are written for arrays into one that runs on a fixed
shape a hundred times faster. Without a compiler everything works alike, a card takes milliseconds instead of
microseconds, and :data:`IS_COMPILED` is false. ``docs/explanation/compiled-features.md`` has it with a
picture.
"""

from racing.ops.loops import (
    IS_COMPILED,
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
from racing.ops.tape import CompiledFormulas, compile_formulas

__all__ = [
    "IS_COMPILED",
    "CompiledFormulas",
    "best",
    "best_rival",
    "compile_formulas",
    "condition",
    "fill_nan",
    "log_mean_odds",
    "n_known",
    "number",
    "placed_in_race",
    "rank_in_race",
    "read_runs",
    "running_total",
    "select",
    "share_in_race",
    "sum_in_race",
    "total",
    "usual_at",
    "value_at",
]
