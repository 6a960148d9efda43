"""How a model ages: its loss less the market's, by week and month after the last day that it learnt from."""

import numpy as np

from racing import metrics
from racing.metrics import Difference
from training.evaluation.baselines import Baselines
from training.report.content import AgeingCurve, AgeingSpan
from training.report.loss_metric import Floats, LossMetric

DAYS_A_MONTH = 30.4375
_MIN_IN_A_SPAN = 20  # races, or runners: an interval of fewer says nothing


def ageing_curve(
    losses: Floats,
    metric: LossMetric,
    baselines: Baselines,
    last_training_day: np.datetime64,
    expected: Floats | None = None,
) -> AgeingCurve:
    """Hold the losses against the reference's week by week: weeks of easy races then do not mislead.

    ``expected`` are the gaps that the market expects, a quarter as noisy (:meth:`LossMetric.expected_gaps`).
    """
    name, reference = metric.reference(baselines)
    known = ~np.isnan(reference)
    gap = (losses - reference)[known]
    expected = None if expected is None else expected[known]
    days_after = (metric.days[known] - last_training_day) / np.timedelta64(1, "D") - 1
    return AgeingCurve(
        reference=name,
        last_training_day=str(last_training_day),
        weeks=_spans(days_after // 7, gap, expected),
        months=_spans(days_after // DAYS_A_MONTH, gap, expected),
        per_four_weeks=_slope(days_after / 28, gap),
        expected_per_four_weeks=None if expected is None else _slope(days_after / 28, expected),
    )


def _spans(number: Floats, gap: Floats, expected: Floats | None) -> tuple[AgeingSpan, ...]:
    """Return the mean gap of each week or month that has enough races."""

    def mean(values: Floats) -> Difference:
        return metrics.paired_bootstrap(values, np.zeros(len(values)), n=1000)

    return tuple(
        AgeingSpan(int(n), int(of.sum()), mean(gap[of]), None if expected is None else mean(expected[of]))
        for n in np.unique(number).tolist()
        if (of := number == n).sum() >= _MIN_IN_A_SPAN
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
