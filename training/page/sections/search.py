"""What the search tried: every trial in order, the best so far, its parameters, and the time it took."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.page.axis import Axis, axis_over, round_ticks
from training.page.charts import Chart
from training.page.content import FamilySearch, ReportContent, Tried
from training.page.markup import Html, breakable, element, join
from training.page.rows import Mark, Row, rows_chart
from training.page.words import among, duration, figure, kind, note, number, percent, section


def search(content: ReportContent) -> Html:
    """Return the section."""
    searches = content.searches
    n_trials = sum(len(of.trials) for of in searches)
    n_pruned = sum(not trial.is_complete for of in searches for trial in of.trials)
    best = min(searches, key=lambda of: of.best.loss)
    y = useful_range([trial for of in searches for trial in of.trials])
    lead = (
        f"Each dot is one of {n_trials} trials in all, the line is the best so far, lower is better: best is "
        f"{kind(best.family)} with {number(best.best.loss)} in trial {best.best.number + 1}."
    )
    return section(
        "search",
        "What the search tried",
        lead,
        element("div", [_family(of, y) for of in searches], cls="families"),
        note(
            "Losses are means over folds in time inside the training races, never of the test races. "
            f"{n_pruned} trials were stopped early (rings: the mean of the folds that they reached); "
            "triangles lie above the chart."
        ),
        _choice(content),
        _time(searches),
    )


def useful_range(trials: Sequence[Tried]) -> Axis:
    """Return a range that shows the good trials well; the bad ones lie above it."""
    losses = np.sort([trial.loss for trial in trials if math.isfinite(trial.loss)])
    low, high = float(losses[0]), float(losses[-1])
    middle = float(np.median(losses))
    top = min(high, low + max(2.5 * (middle - low), 0.01))
    axis = axis_over([low, max(top, low + 0.002)], n_ticks=4, pad=0.1)
    return Axis(axis.low, axis.high, round_ticks(axis.low, axis.high, 4))


def history_chart(of: FamilySearch, y: Axis, height: int = 130) -> Html:
    """Return a family's trials in order with the best so far."""
    n = len(of.trials)
    ticks = sorted({1, n} if n < 10 else {1, n // 2, n})
    x = Axis(0.3, n + 0.7, tuple((float(i), str(i)) for i in ticks))
    alt = f"{kind(of.family)}: {n} trials, best {number(of.best.loss)}"
    chart = Chart(x, y, alt, height=height)
    best, so_far = math.inf, []
    for trial in of.trials:
        best = min(best, trial.loss) if trial.is_complete else best
        so_far.append(best)
    known = [(i, loss) for i, loss in enumerate(so_far, start=1) if math.isfinite(loss)]
    if known:
        chart.line(
            [i for i, _ in known] + [n + 0.7], [v for _, v in known] + [known[-1][1]], "best", is_step=True
        )
    for i, trial in enumerate(of.trials, start=1):
        said = f"trial {i}: {number(trial.loss)}{'' if trial.is_complete else ', stopped early'}"
        if trial.loss > y.high:
            chart.words(i, y.high, "\N{BLACK UP-POINTING SMALL TRIANGLE}", "above", anchor="middle", dy=4)
        else:
            chart.dot(i, trial.loss, "model" if trial.is_complete else "ring", said, 3.0)
    return chart.html()


def _family(of: FamilySearch, y: Axis) -> Html:
    pruned = sum(not trial.is_complete for trial in of.trials)
    told = f"{len(of.trials)} trials, {pruned} stopped early"
    params = element(
        "table",
        element("caption", f"Best: trial {of.best.number + 1}, {number(of.best.loss)}"),
        element(
            "tbody",
            [
                element("tr", element("th", breakable(name), scope="row"), element("td", _value(value)))
                for name, value in of.best_params.items()
            ],
        ),
        cls="params",
    )
    return element("article", figure(history_chart(of, y), told, kind(of.family)), params)


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)


def _choice(content: ReportContent) -> Html:
    losses = {candidate.name: candidate.loss for candidate in content.candidates}
    rows = [
        Row(
            name=kind(candidate.name),
            marks=[Mark(candidate.loss, "model" if candidate.is_chosen else "plain", number(candidate.loss))],
            figures=[number(candidate.loss)],
            cls="marked" if candidate.is_chosen else "",
        )
        for candidate in content.candidates
    ]
    fitted = note(
        "In doubt the ensemble is chosen: it gives way only to one that is better by more than a "
        "standard error. The chosen one was then fitted again, with what had been found, on all races "
        "before the test to be judged"
        + (", and after that on all races to serve." if content.summary["is_refit"] else ".")
    )
    weights = [f"{kind(name)} {number(weight, 2)}" for name, weight in content.members]
    weighed = (
        note(f"Weights of the log odds in the ensemble: {among(weights)}.") if len(weights) > 1 else None
    )
    chart = rows_chart(
        rows,
        axis_over(losses.values(), n_ticks=3, pad=0.15),
        caption=f"The candidates on the calibration races ({content.judged_by}); the chosen one stands out",
        heads=["candidate", content.judged_by, "loss"],
    )
    return join(chart, weighed, fitted)


def _time(searches: Sequence[FamilySearch]) -> Html:
    total: Mapping[str, float] = {of.family: of.search_s + of.fit_s for of in searches}
    whole = sum(total.values()) or 1.0
    rows = [
        Row(
            name=kind(of.family),
            bar=total[of.family],
            figures=[
                duration(of.search_s),
                duration(of.fit_s),
                percent(total[of.family] / whole, 0),
            ],
        )
        for of in searches
    ]
    top = max(total.values(), default=1.0) or 1.0
    unit, words = (60.0, "min") if top > 120 else (1.0, "s")
    ticks = tuple((unit * v, f"{label} {words}") for v, label in round_ticks(0, 1.05 * top / unit, 3))
    return rows_chart(
        rows,
        Axis(0.0, 1.05 * top, ticks),
        caption="Time by family, search and final fit",
        heads=["family", "time", "search", "final fit", "of all"],
    )
