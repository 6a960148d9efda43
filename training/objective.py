r"""The race as the unit of learning: a softmax within it, towards a target that luck hardly moves.

A runner judged alone must learn how strong its rivals are before it learns anything of itself.  The
conditional logit of McFadden (1974; on races Bolton and Chapman, 1986) compares within the race instead:

.. math::  L = -\sum_{races} w \sum_i t_i \ln p_i, \qquad p = \mathrm{softmax}(z),
    \qquad \partial L / \partial z_i = w (p_i - t_i)

``t`` mixes two witnesses of the true chances: who won (unbiased, but one outcome in eight), and the market's
share at the off (:math:`t = m \cdot market + (1 - m) \cdot won`), the target of a learner that is taught by a
better judge (Hinton, Vinyals and Dean, 2015).  The market's share is a target of races that were run; it is
never a feature.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from racing.probabilities import share_within_race
from racing.race_table import RaceTable

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

OBJECTIVES = ("race", "runner")
MARKET_WEIGHT = 0.85
"""Of the target by which candidates are compared; what one learns from is a choice of the search."""


@dataclass(frozen=True, slots=True)
class RaceTargets:
    """The runners of races that can be learnt from as a whole, and what each should be given."""

    rows: Flags
    """Shape (n_runners of the table,): the races that have a target."""
    share: Floats
    """Shape (n_runners of those races,), summing to 1 within each race."""


def race_targets(table: RaceTable, market_weight: float = MARKET_WEIGHT) -> RaceTargets:
    """Return the target of each race that has one.

    A race counts if it has two runners or more and its winner or its prices are known.  Where only one of
    the two is known, that one is the target; of a race known in part the winner counts if it is among the
    runners, and the market's share is that among them (the conditional logit does not mind which rivals are
    left out, so long as they are left out of both).
    """
    if not len(table):
        return RaceTargets(np.zeros(0, np.bool_), np.zeros(0))
    race = table.race
    sizes = np.bincount(race)
    has_winner = np.bincount(race, table.won) == 1
    has_market = np.bincount(race, np.isnan(table.market_probability)) == 0
    rows = ((sizes >= 2) & (has_winner | has_market))[race]
    weight = np.where(has_market, np.where(has_winner, market_weight, 1.0), 0.0)[race]
    share = weight * np.nan_to_num(table.market_probability) + (1 - weight) * table.won
    return RaceTargets(rows, share[rows])


def objectives_for(table: RaceTable) -> tuple[str, ...]:
    """Return what can be learnt from a table: by race only if most runners stand in races with a target."""
    return OBJECTIVES if race_targets(table).rows.mean() > 0.5 else ("runner",)


class WithinRace:
    """The loss of some races' runners and its derivatives, quick enough for every round of boosting.

    Parameters
    ----------
    target, race, weights : ndarray of shape (n_runners,)
        Races side by side; one weight a runner, equal within a race.
    """

    def __init__(self, target: Floats, race: NDArray[np.int64], weights: Floats) -> None:
        self.target = np.asarray(target, np.float64)
        self.weights = np.asarray(weights, np.float64)
        self.race = race

    def derivatives(self, log_odds: Floats) -> tuple[Floats, Floats]:
        """Return gradient and curvature by each runner's log odds (the diagonal: p (1 - p))."""
        p = share_within_race(log_odds, self.race)
        gradient = (p - self.target) * self.weights
        return gradient, np.maximum(p * (1 - p), 1e-6) * self.weights

    def loss(self, log_odds: Floats) -> float:
        """Return the weighted sum over runners of -target ln p."""
        p = np.maximum(share_within_race(log_odds, self.race), 1e-300)
        return float(-(self.weights * self.target * np.log(p)).sum())


def race_losses(p: Floats, target: Floats | Flags, race: NDArray[np.int64]) -> Floats:
    """Return each race's cross-entropy -sum(target ln p): its log loss as the target expects it to be."""
    return -np.bincount(race, target * np.log(np.maximum(p, 1e-15))).astype(np.float64)
