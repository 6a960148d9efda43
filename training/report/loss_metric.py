"""How the test races are judged: by their winners, or runner by runner where whole races are few."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from racing import metrics
from racing.race_table import RaceTable
from training.data.whole_races import MIN_WHOLE_RACES, judged_rows
from training.evaluation.baselines import Baselines
from training.evaluation.evaluation import MARKET, Evaluation, known_prices

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LossMetric:
    """The judged rows of the test; a loss has one entry a race, or one a runner."""

    test: RaceTable
    rows: Rows
    is_by_race: bool

    @property
    def name(self) -> str:
        """Return what the loss is called."""
        return "race log loss" if self.is_by_race else "log loss per runner"

    @property
    def days(self) -> NDArray[np.datetime64]:
        """Return the day of each entry of a loss."""
        days = self.test.date[self.rows].astype("datetime64[D]")
        return days[self._firsts()] if self.is_by_race else days

    def losses(self, probabilities: Floats, scores: Floats) -> Floats:
        """Return the losses of a model's answers on all rows of the test."""
        judged = self.test.take(self.rows)
        if self.is_by_race:
            return metrics.per_race_log_loss(probabilities[self.rows], judged.won, judged.race)
        return metrics.per_runner_log_loss(scores[self.rows], judged.won)

    def reference(self, baselines: Baselines) -> tuple[str, Floats]:
        """Return what the losses are best held against, and its losses; NaN where it says nothing.

        The market where most races have its prices, else uniform; runners are held against the base rate.
        """
        judged = self.test.take(self.rows)
        if not self.is_by_race:
            return "base rate", metrics.per_runner_log_loss(
                np.full(len(judged), baselines.base_rate), judged.won
            )
        prices = known_prices(judged)
        if MARKET not in prices.by_name:
            return "uniform", metrics.per_race_log_loss(baselines.uniform(judged), judged.won, judged.race)
        shares = np.where(prices.rows, prices.by_name[MARKET], np.nan)
        return MARKET, metrics.per_race_log_loss(shares, judged.won, judged.race)

    def expected_gaps(self, probabilities: Floats) -> Floats | None:
        """Return the losses less the market's as the market's closing shares expect them.

        ``None`` where the market is not the reference; NaN where a race's prices are unknown.
        """
        judged = self.test.take(self.rows)
        prices = known_prices(judged)
        if not self.is_by_race or MARKET not in prices.by_name:
            return None
        market, race = np.where(prices.rows, prices.by_name[MARKET], np.nan), judged.race
        ours = metrics.expected_loss(market, probabilities[self.rows], race)
        return ours - metrics.expected_loss(market, market, race)

    def _firsts(self) -> NDArray[np.int64]:
        race = self.test.race_id[self.rows]
        return np.flatnonzero(np.diff(race, prepend=-1) != 0)


def loss_metric_for(test: RaceTable, evaluation: Evaluation) -> LossMetric:
    """Return the metric that the gates use as well."""
    is_by_race = evaluation.races.n_races >= MIN_WHOLE_RACES
    return LossMetric(test, judged_rows(test) if is_by_race else np.ones(len(test), np.bool_), is_by_race)
