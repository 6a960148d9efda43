"""Races that several sources of probabilities are judged on, and how sure one can be of what is found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from racing.metrics import Difference, expected_loss, paired_bootstrap, per_race_log_loss
from racing.race_table import RaceTable
from training.data.whole_races import judged_rows

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]

MIN_KNOWN_RUNNERS = 5


@dataclass(frozen=True, slots=True)
class Races:
    """The races of a table that are judged, each with exactly one winner."""

    table: RaceTable
    """All races, in the order in which probabilities come."""
    rows: Rows
    """The runners of the judged ones."""

    @property
    def judged(self) -> RaceTable:
        """Return the judged races alone."""
        return self.table.take(self.rows)

    def losses(self, p: Floats) -> Floats:
        """Return the log loss of each judged race, given probabilities of the whole table."""
        judged = self.judged
        return per_race_log_loss(p[self.rows], judged.won, judged.race)

    def expected(self, p: Floats) -> Floats:
        """Return what the market expects of each judged race's log loss; its winner is not looked at."""
        judged = self.judged
        return expected_loss(judged.market_probability, p[self.rows], judged.race)

    def days(self) -> NDArray[np.datetime64]:
        """Return the day of each judged race."""
        judged = self.judged
        return judged.date[np.flatnonzero(np.diff(judged.race, prepend=-1))].astype("datetime64[D]")


class Week(NamedTuple):
    """Races of one week after a training ended, counted from 0."""

    week: int
    n_races: int
    gap: Difference


def races_with_prices(table: RaceTable) -> Races:
    """Judge whole races with one winner, the rated price and the market's known for every runner."""
    prices = np.isnan(table.rated_probability) | np.isnan(table.market_probability)
    return Races(table, judged_rows(table) & _in_every_runner(~prices, table))


def races_partly_known(table: RaceTable, n_runners: int = MIN_KNOWN_RUNNERS) -> Races:
    """Judge races of which enough runners are known, the winner and all their prices among them.

    Form guides rarely have whole fields. Model and market are both shared within the runners known, so that
    they are compared on the same question: which of these won.
    """
    race = table.race
    is_enough = np.bincount(race) >= n_runners
    has_winner = np.bincount(race, table.won) == 1
    return Races(
        table, (is_enough & has_winner)[race] & _in_every_runner(~np.isnan(table.market_probability), table)
    )


def level(losses: Floats) -> Difference:
    """Return the mean loss with the 95 % interval of a bootstrap by race."""
    return paired_bootstrap(losses, np.zeros(len(losses)))


def by_week(gap: Floats, days: NDArray[np.datetime64], training_ended: np.datetime64) -> list[Week]:
    """Return the mean of a per-race gap week by week after the training ended."""
    week = _weeks_since(days, training_ended)
    return [Week(int(k), int((week == k).sum()), level(gap[week == k])) for k in np.unique(week)]


def drift_by_week(gap: Floats, days: NDArray[np.datetime64]) -> Difference:
    """Return by how much a per-race gap grows in a week (least squares), with its 95 % interval."""
    week = (days - days.min()) / np.timedelta64(7, "D")
    away = week - week.mean()
    spread = float(np.mean(away * away))
    if not spread:
        return Difference(float("nan"), float("nan"), float("nan"))
    return level(away * (gap - gap.mean()) / spread)


def as_json(losses: Mapping[str, Floats], reference: str) -> dict[str, dict[str, float | list[float]]]:
    """Return each source's level, and the reference's loss minus it, as JSON."""
    return {
        name: {
            "race_log_loss": float(loss.mean()),
            "interval": list(level(loss)[1:]),
            f"{reference}_minus_this": list(paired_bootstrap(losses[reference], loss)),
        }
        for name, loss in losses.items()
    }


def _in_every_runner(known: Rows, table: RaceTable) -> Rows:
    race = table.race
    return np.asarray((np.bincount(race, known) == np.bincount(race))[race], np.bool_)


def _weeks_since(days: NDArray[np.datetime64], ended: np.datetime64) -> NDArray[np.int64]:
    return (((days - ended) / np.timedelta64(1, "D")).astype(np.int64) - 1) // 7
