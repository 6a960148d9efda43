"""The learning curve: would more races help?"""

from training.page.axis import Axis, axis_over
from training.page.charts import Chart
from training.page.content import CurvePoint, LearningCurve, ReportContent
from training.page.markup import Html, element, join
from training.page.words import (
    among,
    beside,
    duration,
    figure,
    interval,
    kind,
    note,
    number,
    percent,
    plain_table,
    section,
)


def learning(content: ReportContent) -> Html:
    """Return the section."""
    curve = content.curve
    skipped = (
        f"Left out, since all refits together may take no more than {duration(curve.limit_s)} "
        f"(a tenth of the training), or since so few races cannot be learnt from: {_shares(curve.skipped)}."
        if curve.skipped
        else ""
    )
    return section(
        "learning",
        "What more races are worth",
        _lead(content, curve),
        beside(
            _chart(curve, content.loss_name) if len(curve.points) > 1 else element("div"),
            note(
                f"One {kind(curve.family)} of the best trial's parameters, learnt from the latest part of "
                "the races before those of calibration, calibrated on these and judged on the test races. "
                "Whiskers: 95 % interval of the difference from the model of all races (paired). " + skipped
            ),
        ),
        _table(curve, content.loss_name),
    )


def _lead(content: ReportContent, curve: LearningCurve) -> str:
    whose = (
        ""
        if any(c.is_chosen and c.name == curve.family for c in content.candidates)
        else (f" ({kind(curve.family)} stands in for the ensemble, being its quickest good member)")
    )
    if len(curve.points) < 2:
        return f"There was no time to refit the model on fewer races{whose}."
    before = curve.points[-2]
    gap = before.minus_all
    step = "the last doubling" if before.share == 0.5 else f"the step from {percent(before.share, 0)} to all"
    gained = "still gained" if gap.low > 0 else "gained no more than chance explains,"
    what = f"{step} of the races {gained} {number(gap.difference)}"
    return f"Where the curve still falls at its right end, more races would help{whose}: {what}."


def _shares(shares: tuple[float, ...]) -> str:
    return among([percent(share) for share in shares])


def _chart(curve: LearningCurve, loss_name: str) -> Html:
    points = curve.points
    of_all = points[-1].loss
    spans = [(of_all + point.minus_all.low, of_all + point.minus_all.high) for point in points]
    y = axis_over([end for span in spans for end in span], n_ticks=4, pad=0.1)
    x = Axis(
        points[0].n_races * 0.8,
        points[-1].n_races * 1.25,
        tuple((point.n_races, f"{point.n_races:,}") for point in points),
        is_log=True,
    )
    chart = Chart(x, y, _alt(points, loss_name), height=220, x_title="training races")
    chart.line([p.n_races for p in points], [p.loss for p in points], "model")
    for point, (low, high) in zip(points, spans, strict=True):
        if point.share < 1:
            chart.whisker(point.n_races, low, high, "model")
        chart.dot(point.n_races, point.loss, "model", f"{point.n_races:,} races: {number(point.loss)}")
    return figure(chart.html(), "")


def _alt(points: tuple[CurvePoint, ...], loss_name: str) -> str:
    said = [f"{number(point.loss)} with {point.n_races:,} races" for point in points]
    return f"Learning curve, {loss_name}: {among(said)}"


def _table(curve: LearningCurve, loss_name: str) -> Html:
    return plain_table(
        f"{loss_name.capitalize()} on the test races by training races",
        ["part", "races", "loss", "less that of all [95 %]"],
        [
            [
                "all" if point.share == 1 else join("latest ", percent(point.share)),
                f"{point.n_races:,}",
                number(point.loss),
                "" if point.share == 1 else interval(point.minus_all, 3),
            ]
            for point in curve.points
        ],
    )
