"""How a model ages: its loss less the market's, by week after the last day that it learnt from."""

import numpy as np

from racing import metrics
from racing.metrics import Difference
from training.evaluation.baselines import Baselines
from training.report.content import AgeingCurve, AgeingWeek
from training.report.loss_metric import Floats, LossMetric

_MIN_IN_A_WEEK = 20  # races, or runners: an interval of fewer says nothing


def ageing_curve(
    losses: Floats, metric: LossMetric, baselines: Baselines, last_training_day: np.datetime64
) -> AgeingCurve:
    """Hold the losses against the reference's week by week: weeks of easy races then do not mislead."""
    name, reference = metric.reference(baselines)
    known = ~np.isnan(reference)
    losses, reference = losses[known], reference[known]
    days_after = (metric.days[known] - last_training_day) / np.timedelta64(1, "D") - 1
    week = (days_after // 7).astype(np.int64)
    weeks = [
        AgeingWeek(number, int(of.sum()), metrics.paired_bootstrap(losses[of], reference[of], n=1000))
        for number in np.unique(week).tolist()
        if (of := week == number).sum() >= _MIN_IN_A_WEEK
    ]
    return AgeingCurve(
        reference=name,
        last_training_day=str(last_training_day),
        weeks=tuple(weeks),
        per_four_weeks=_slope(days_after / 28, losses - reference),
    )


def _slope(x: Floats, y: Floats) -> Difference:
    """Return the slope of a straight line with its 95 % interval, robust to unequal noise (White 1980)."""
    away = x - x.mean() if len(x) else x
    spread = float(away @ away)
    if not spread:
        return Difference(float("nan"), float("nan"), float("nan"))
    slope = float(away @ y) / spread
    residual = y - y.mean() - slope * away
    error = 1.96 * float(np.sqrt(np.sum((away * residual) ** 2))) / spread
    return Difference(slope, slope - error, slope + error)
