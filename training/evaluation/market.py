"""How model and market combine, or that the market is as good alone."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from model_registry.artifact import MARKET_ALONE, LoadedModel
from racing import metrics
from racing.probabilities import combine_with_market, fit_market_combination
from racing.race_table import RaceTable
from training.data.whole_races import MIN_WHOLE_RACES, comparable_rows, count_races, rows_of_known
from training.search.candidates import Candidate

Floats = NDArray[np.float64]


def fit_combination(candidate: Candidate, calibration: RaceTable) -> tuple[float, float] | None:
    """Return the weights of model and market; ``None`` where too few calibration races have every price."""
    table = calibration.take(_priced(calibration))
    if count_races(table) < MIN_WHOLE_RACES:
        return None
    return fit_market_combination(
        candidate.probabilities(table), table.market_probability, table.won, table.race
    )


def with_market_combination(judged: LoadedModel, test: RaceTable) -> LoadedModel:
    """Return the judged model with its market combination, or with the market alone if that is as good.

    The combination must beat the market on the later test races by more than a standard error (paired by
    race): in doubt the simpler one (the one-standard-error rule of Breiman et al., 1984). One choice between
    two hardly uses the test up: the combination's figure may be too good by a part of that standard error.
    """
    if judged.spec.market_combination is None or judged.spec.is_market_alone:
        return judged
    rows = _priced(test)
    table = test.take(rows)
    model_p = judged.probabilities(test.inputs(len(judged.spec.features)), test.race)[rows]
    if count_races(table) >= MIN_WHOLE_RACES and _gains(judged.spec.market_combination, model_p, table):
        return judged
    return replace(judged, spec=replace(judged.spec, market_combination=MARKET_ALONE))


def _gains(weights: tuple[float, float], model_p: Floats, table: RaceTable) -> bool:
    market_p, won, race = table.market_probability, table.won, table.race
    if not weights[0] > 0:
        return False
    both = combine_with_market(model_p, market_p, *weights, race)
    gain = metrics.per_race_log_loss(market_p, won, race) - metrics.per_race_log_loss(both, won, race)
    return bool(gain.mean() > gain.std() / np.sqrt(len(gain)))


def _priced(table: RaceTable) -> NDArray[np.bool_]:
    """Say of each row whether its race's runners can be held against each other and all have a price."""
    return comparable_rows(table) & rows_of_known(table.market_probability, table.race)
