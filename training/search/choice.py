"""The choice among the candidates, made on the calibration races: the test races judge one model only."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racing import metrics
from racing.probabilities import share_within_race
from racing.race_table import RaceTable
from training.calibration import calibrated_log_odds, calibrated_scores, fit_calibration, fit_exponent
from training.data.whole_races import MIN_WHOLE_RACES, comparable_rows, count_races
from training.objective import race_losses, race_targets
from training.search.ensemble import ENSEMBLE

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Larger:
    """The candidate of the smallest loss, where a cheaper one was chosen instead."""

    name: str
    gain: float
    """How much smaller its loss is than the chosen one's."""
    standard_error: float
    """Of the gain, paired by race."""
    times_the_work: float
    """Its steps of work for a card, by those of the chosen one."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen candidate's name, and the loss of each that decided it."""

    name: str
    losses: dict[str, float]
    judged_by: str
    """``expected race log loss``, or ``log loss`` where races are too few."""
    steps: dict[str, int] = field(default_factory=dict)
    """Of work for a card, by candidate (:mod:`training.search.cost`)."""
    larger: Larger | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what was decided, by what, and what a larger candidate would have brought."""
        return {
            "judged_by": self.judged_by,
            "losses": self.losses,
            "steps": self.steps,
            "larger": self.larger_as_json,
        }

    @property
    def larger_as_json(self) -> dict[str, Any] | None:
        """Return ``larger`` as a JSON object."""
        return None if self.larger is None else asdict(self.larger)


def choose(
    log_odds: Mapping[str, Floats],
    calibration: RaceTable,
    method: str,
    steps: Mapping[str, int] | None = None,
) -> Choice:
    """Return the cheapest candidate within a standard error of the best on the calibration races.

    The standard error is of the difference from the best, paired by race (the one-standard-error rule of
    Breiman et al., 1984): what chance alone explains is not paid for with each card.

    Without ``steps`` the best is chosen whatever it costs; in doubt the ensemble, which gives way only to a
    candidate that is better by more than a standard error: a blend of alike models errs less on races to
    come than the luckiest of them.

    Each half of the races is judged by a calibration and an exponent fitted on the other half, so that a
    method with more freedom (isotonic) gains nothing by it.

    Parameters
    ----------
    log_odds : dict of str to ndarray of shape (n_runners,)
        By candidate, before calibration; none of them has learnt from these races.
    method : str
        ``platt``, ``isotonic`` or ``none``.
    steps : dict of str to int, optional
        Of work for a card, by candidate.
    """
    is_late = calibration.race > calibration.race[-1] // 2
    rows = comparable_rows(calibration)
    n_races = min(count_races(calibration, half & rows) for half in (is_late, ~is_late))
    by_races = n_races >= MIN_WHOLE_RACES // 2
    each = {
        name: np.concatenate(
            [
                _losses(
                    odds,
                    calibration,
                    rows if by_races else None,
                    fit_on=~half,
                    judge_on=half,
                    method=method,
                )
                for half in (is_late, ~is_late)
            ]
        )
        for name, odds in log_odds.items()
    }
    losses = {name: float(loss.mean()) for name, loss in each.items()}
    judged_by = "expected race log loss" if by_races else "log loss"
    best = min(losses, key=lambda name: losses[name])
    if steps is None:
        if ENSEMBLE in each and not _clearly_better(each[best], each[ENSEMBLE]):
            best = ENSEMBLE
        return Choice(best, losses, judged_by)
    as_good = [name for name in each if not _clearly_better(each[best], each[name])]
    name = min(as_good, key=lambda name: (steps[name], losses[name]))
    larger = None
    if name != best:
        gain, standard_error = _gain(each[best], each[name])
        larger = Larger(
            name=best,
            gain=gain,
            standard_error=standard_error,
            times_the_work=steps[best] / steps[name],
        )
    return Choice(name, losses, judged_by, dict(steps), larger)


def _clearly_better(one: Floats, other: Floats) -> bool:
    gain, standard_error = _gain(one, other)
    return gain > standard_error


def _gain(one: Floats, other: Floats) -> tuple[float, float]:
    """Return how much smaller the first losses are on average, and its standard error."""
    gain = other - one
    return float(gain.mean()), float(gain.std() / np.sqrt(len(gain)))


def _losses(
    log_odds: Floats,
    table: RaceTable,
    comparable: NDArray[np.bool_] | None,
    *,
    fit_on: NDArray[np.bool_],
    judge_on: NDArray[np.bool_],
    method: str,
) -> Floats:
    calibration = fit_calibration(method, log_odds[fit_on], table.won[fit_on])
    if comparable is None:
        return metrics.per_runner_log_loss(
            calibrated_scores(calibration, log_odds[judge_on]), table.won[judge_on]
        )
    odds = calibrated_log_odds(calibration, log_odds)
    fit_on, judge_on = fit_on & comparable, judge_on & comparable
    fitted, judged = table.take(fit_on), table.take(judge_on)
    exponent = fit_exponent(odds[fit_on], race_targets(fitted).share, fitted.race)
    shared = share_within_race(odds[judge_on], judged.race, exponent)
    return race_losses(shared, race_targets(judged).share, judged.race)
