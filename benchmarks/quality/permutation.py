"""Shuffled targets teach nothing: the whole training on races whose outcomes were dealt out anew."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.quality.bench import Bench
from benchmarks.quality.fits import Recipe, fitted, full_recipe, interval, losses_of, split_for
from benchmarks.quality.races import races_with_prices
from benchmarks.quality.step_cache import Json
from racing.race_table import RaceTable
from training.data.splits import Split

OUTCOMES = ("won", "placed", "finish_position", "market_probability", "place_market_probability",
            "true_probability")  # fmt: skip
"""What a training learns from: dealt out together, so that a winner's price stays its own."""


def judge_permutation(bench: Bench) -> Json:
    """Return each candidate's loss less the uniform guess's, trained and judged on shuffled targets.

    A candidate clearly below 0 has found what is not there to be found: the training looks at what judges it.
    """
    recipe = full_recipe(bench)
    days = (recipe.from_day, recipe.until)
    return bench.steps.step(
        "permutation",
        lambda: judge_shuffled(split_for(bench, recipe), recipe) | {"days": f"{days[0]} to {days[1]}"},
        settings=bench.settings(days, database=bench.database),
        inputs=recipe.as_inputs(),
    )


def judge_shuffled(split: Split, recipe: Recipe, seed: int = 0) -> Json:
    """Train on shuffled targets and judge every candidate beside the uniform guess.

    Later races are shuffled too: on real ones a slope learnt from noise may well happen to be right.
    """
    train, calibration, test = (
        shuffled(part, seed + i) for i, part in enumerate((split.train, split.calibration, split.test))
    )
    candidates = fitted(replace(split, train=train, calibration=calibration, test=test), recipe)
    races = races_with_prices(test)
    uniform = losses_of(races, 1 / np.bincount(test.race)[test.race])
    found = {
        name: {
            how: interval(np.array(losses) - np.array(uniform[how]))
            for how, losses in losses_of(races, candidate.probabilities(test)).items()
        }
        for name, candidate in candidates.items()
    }
    return {
        "races": len(uniform["realised"]),
        "minus_uniform": found,
        "teaches_nothing": not any(_is_clearly_below(gap) for of in found.values() for gap in of.values()),
    }


def _is_clearly_below(found: Sequence[float]) -> bool:
    """Say whether a gap lies three standard errors below 0: there are some twenty to look at."""
    gap, low, high = found
    return gap < -3 * (high - low) / 3.92


def shuffled(table: RaceTable, seed: int = 0) -> RaceTable:
    """Return the races with their outcomes dealt out among their runners at random."""
    draw = np.random.default_rng(seed).random(len(table))
    from_row = np.lexsort((draw, table.race))
    return replace(table, **{name: getattr(table, name)[from_row] for name in OUTCOMES})
