"""The learning curve: the same kind of model, refitted on the latest part of the training races."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from racing import metrics
from racing.probabilities import share_within_race
from racing.race_table import RaceTable
from training.calibration import calibrated_scores, fit_exponent, fit_platt
from training.data.splits import MIN_RUNNERS, Split, latest
from training.data.whole_races import MIN_WHOLE_RACES, judged_rows
from training.families import FittedMember, log_odds_of
from training.report.content import CurvePoint, LearningCurve
from training.report.loss_metric import Floats, LossMetric
from training.search.candidates import Candidate, Candidates
from training.search.choice import Choice
from training.search.members import fit_members
from training.search.settings import SearchSettings

SHARES = (0.125, 0.25, 0.5)
"""Of the training runners; the member of all of them is there already."""
_AS_GOOD = 0.01  # of the loss: what a family may lose to the best one to stand for the ensemble


def learning_curve(
    candidates: Candidates,
    choice: Choice,
    split: Split,
    settings: SearchSettings,
    categorical: Sequence[int],
    metric: LossMetric,
    limit_s: float,
) -> LearningCurve:
    """Refit one family on ever more races, as long as it takes no more than about ``limit_s`` in all.

    Each is calibrated on the calibration races (by race the sharing exponent does it alone) and judged on
    the test races.
    """
    whole = stand_in(candidates, choice)
    assert whole.best is not None
    of_all = _losses(whole.members[0].estimator, split.calibration, metric)
    points: list[CurvePoint] = []
    skipped: list[float] = []
    spent = lasted = 0.0
    for share in SHARES:
        part = latest(split.train, round(share * len(split.train)))
        if len(part) < MIN_RUNNERS["training"] or spent + 2 * lasted > limit_s:
            skipped.append(share)
            continue
        began = time.monotonic()
        params = {whole.name: whole.best.params}
        member = fit_members(params, part, replace(settings, n_jobs=1), categorical)
        losses = _losses(member[whole.name], split.calibration, metric)
        lasted = time.monotonic() - began
        spent += lasted
        points.append(_point(share, part, losses, of_all))
    points.append(_point(1.0, split.train, of_all, of_all))
    return LearningCurve(family=whole.name, points=tuple(points), skipped=tuple(skipped), limit_s=limit_s)


def stand_in(candidates: Candidates, choice: Choice) -> Candidate:
    """Return the chosen candidate, for an ensemble its quickest member nearly as good as the best."""
    chosen = candidates[choice.name]
    if chosen.best is not None:
        return chosen
    members = [candidates[member.name] for member in chosen.members]
    bound = min(choice.losses[member.name] for member in members) + _AS_GOOD
    good = [member for member in members if choice.losses[member.name] <= bound]
    return min(good, key=lambda member: member.best.seconds if member.best else np.inf)


def _losses(member: FittedMember, calibration: RaceTable, metric: LossMetric) -> Floats:
    of_calibration = log_odds_of(member, calibration)
    of_test = log_odds_of(member, metric.test)
    if not metric.is_by_race:
        platt = fit_platt(of_calibration, calibration.won)
        return metric.losses(of_test, calibrated_scores(platt, of_test))
    rows = judged_rows(calibration)
    judged = calibration.take(rows)
    is_enough = len(np.unique(judged.race_id)) >= MIN_WHOLE_RACES
    exponent = fit_exponent(of_calibration[rows], judged.won, judged.race) if is_enough else 1.0
    return metric.losses(share_within_race(of_test, metric.test.race, exponent), of_test)


def _point(share: float, part: RaceTable, losses: Floats, of_all: Floats) -> CurvePoint:
    return CurvePoint(
        share=share,
        n_races=len(np.unique(part.race_id)),
        loss=float(losses.mean()),
        minus_all=metrics.paired_bootstrap(losses, of_all),
    )
