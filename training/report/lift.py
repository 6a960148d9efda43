"""The lift over uniform by slice: what a model gains on favourites, long races, unknown dogs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from racing import metrics
from racing.metrics import Difference
from racing.race_table import RaceTable
from training.data.whole_races import judged_rows
from training.evaluation.evaluation import MARKET, UNIFORM, known_prices
from training.evaluation.slice_definitions import SLICINGS, JudgedRaces
from training.evaluation.slices import Slice, slices_by
from training.report.content import Lift

Floats = NDArray[np.float64]

SHOWN = ("favourites", "field", "state", "distance", "class", "prior-runs", "layoff")
"""The slicings on the page, in order."""
_MIN_RACES = 30


def lifts_of(test: RaceTable, probabilities: Floats, feature_names: Sequence[str]) -> tuple[Lift, ...]:
    """Judge every slice of the shown slicings that has enough races; a slicing of one slice says nothing."""
    rows = judged_rows(test)
    if not rows.any():
        return ()
    found: list[Lift] = []
    for name in SHOWN:
        slices = [
            s for s in slices_by(name, test, probabilities, feature_names) if s.n_compared >= _MIN_RACES
        ]
        if len(slices) < 2:
            continue
        gains = _gains(name, test.take(rows), probabilities[rows], feature_names)
        for each in slices:
            losses = each.losses
            market = losses[UNIFORM] - losses[MARKET] if MARKET in losses else None
            found.append(Lift(each, gains[each.name], market))
    return tuple(found)


def overall_slice(test: RaceTable, probabilities: Floats, feature_names: Sequence[str]) -> Slice | None:
    """Return all races together, judged as each slice of them is."""
    return next(iter(slices_by("overall", test, probabilities, feature_names)), None)


def _gains(slicing: str, table: RaceTable, p: Floats, feature_names: Sequence[str]) -> dict[str, Difference]:
    race = table.race
    uniform = 1 / np.bincount(race)[race]
    of_runners = metrics.per_runner_log_loss(uniform, table.won) - metrics.per_runner_log_loss(p, table.won)
    of_winners = np.where(table.won, np.log(p) - np.log(uniform), 0.0)
    is_of_races, cut = (
        SLICINGS[slicing].is_of_races,
        SLICINGS[slicing].cut(JudgedRaces(table, p, feature_names)),
    )
    gain = of_winners if is_of_races else of_runners
    counts = table.won.astype(np.float64) if is_of_races else np.ones(len(p))
    has_prices = known_prices(table).rows  # the races on which the slice's own losses are taken
    return {
        name: metrics.clustered_mean(
            gain[rows & has_prices], counts[rows & has_prices], race[rows & has_prices]
        )
        for name, rows in cut.items()
        if (rows & has_prices).any()
    }
