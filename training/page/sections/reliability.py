"""The reliability plot with what chance makes of it, the histogram below, and the same by slice."""

import math
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from racing.metrics import Reliability
from training.evaluation.slices import MAX_ECE, Slice
from training.page.axis import Axis, round_ticks
from training.page.charts import Chart
from training.page.content import Histogram, ReportContent
from training.page.markup import Html, element, join
from training.page.words import beside, figure, note, number, section

_BY_SLICE = {"favourites": "Favourites to outsiders", "field": "By number of runners", "state": "By state"}


def reliability(content: ReportContent) -> Html:
    """Return the section."""
    judged = [lift.of for lift in content.lifts if lift.of.slicing in _BY_SLICE]
    good = sum(of.is_calibrated for of in judged)
    lead = (
        "Dots on the diagonal mean that what was said is what happened: the mean gap (ECE) is "
        f"{number(content.summary['ece'])}, and of perfectly calibrated models 95 % stay below "
        f"{number(content.ece_by_chance)} on as many runners."
    )
    told = (
        f"{good} of {len(judged)} slices are calibrated: ECE at most {MAX_ECE}, or no more than chance "
        "makes of so few runners, and no trend (the slope's 95 % interval holds 1; below 1 is too bold, "
        "above too timid)."
    )
    axis = _axis(content.reliability)
    return section(
        "reliability",
        "Is what it says what happens?",
        lead,
        beside(
            figure(
                join(
                    reliability_chart(content.reliability, axis, 400),
                    histogram_chart(content.histogram, axis),
                ),
                "",
            ),
            note(
                "Left, above: ten bins of equal count; the band is where 95 % of a perfectly calibrated "
                "model's dots would lie. Below it: how many runners were given which probability."
            ),
            figure(
                roc_chart(content),
                f"Winners found over losers taken along, down the order of scores: AUC "
                f"{number(content.evaluation.runners.auc, 3)}. A coin gives the dashed line.",
                "ROC of single runners",
            ),
        ),
        element("p", told) if judged else None,
        *[
            element("div", element("h3", _BY_SLICE[name], cls="group"), _multiples(list(of)))
            for name, of in groupby(judged, key=lambda each: each.slicing)
        ],
    )


def reliability_chart(curve: Reliability, axis: Axis | None = None, height: int = 320) -> Html:
    """Return dots of what was said and what happened over the band of chance."""
    axis = axis or _axis(curve)
    worst = float(np.max(np.abs(curve.predicted - curve.observed)))
    alt = f"Reliability: {len(curve.predicted)} bins, largest gap {worst:.3f}"
    chart = Chart(axis, axis, alt, height=height)
    said = curve.predicted
    spread = 1.96 * np.sqrt(said * (1 - said) / curve.n_runners)
    chart.band(said.tolist(), (said - spread).tolist(), (said + spread).tolist(), "band")
    chart.line([axis.low, axis.high], [axis.low, axis.high], "diagonal")
    for x, y, n in zip(said.tolist(), curve.observed.tolist(), curve.n_runners.tolist(), strict=True):
        chart.dot(x, y, "model", f"said {x:.3f}, happened {y:.3f}, {n:,} runners")
    return chart.html()


def histogram_chart(histogram: Histogram, x: Axis) -> Html:
    """Return the number of runners by probability, over the same width."""
    top = max(histogram.counts)
    y = Axis(0, max(top, 1), tuple((v, f"{int(v):,}") for v, _ in round_ticks(0, max(top, 1), 2) if v > 0))
    chart = Chart(x, y, "Histogram of the win probabilities", height=70, x_title="win probability")
    for i, count in enumerate(histogram.counts):
        left, right = i * histogram.width, (i + 1) * histogram.width
        if count and left < x.high:
            chart.bar(left, right, count, "model", f"{left:.2f} to {right:.2f}: {count:,} runners")
    return chart.html()


def roc_chart(content: ReportContent) -> Html:
    """Return the share of winners found over the share of losers taken along."""
    axis = Axis(0.0, 1.0, tuple((tick / 4, f"{tick / 4:g}") for tick in range(5)))
    alt = f"ROC curve, AUC {number(content.evaluation.runners.auc, 3)}"
    chart = Chart(axis, axis, alt, height=220, x_title="losers taken along")
    chart.line([0, 1], [0, 1], "diagonal")
    chart.line([x for x, _ in content.roc], [y for _, y in content.roc], "model")
    return chart.html()


def _axis(curve: Reliability, n_ticks: int = 5) -> Axis:
    top = float(max(curve.predicted.max(), curve.observed.max()))
    low = float(min(curve.predicted.min(), curve.observed.min()))
    low = 0.9 * low if low > 0.25 * top else 0.0
    return Axis(low, 1.08 * max(top, 0.05), round_ticks(low, 1.08 * max(top, 0.05), n_ticks))


def _multiples(slices: Sequence[Slice]) -> Html:
    return element("div", [_multiple(each) for each in slices], cls="multiples")


def _multiple(of: Slice) -> Html:
    slope = of.slope
    sloped = (
        "" if math.isnan(slope.slope) else f", slope {slope.slope:.2f} [{slope.low:.2f}, {slope.high:.2f}]"
    )
    sign = "\N{CHECK MARK}" if of.is_calibrated else "\N{BALLOT X}"
    words = f"ECE {number(of.ece, 3)} (chance {number(of.ece_by_chance, 3)}){sloped}"
    return figure(
        reliability_chart(of.reliability, _axis(of.reliability, 2), 110),
        join(
            element("span", sign, cls="good" if of.is_calibrated else "bad", aria_hidden="true"),
            f" {'' if of.is_calibrated else 'Not calibrated: '}{words}",
        ),
        f"{of.name}",
    )
