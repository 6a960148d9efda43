"""The report's charts, each with a table of its values: from the content to :mod:`greyhound.charts`.

The module has more than 300 lines because every chart of the report is here, one function each.
"""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Any

from greyhound.charts import Spec, chart
from greyhound.charts.cost import CostPoint, cost_chart
from greyhound.charts.intervals import Dot, IntervalRow, interval_chart
from greyhound.charts.reliability import ReliabilityBin, reliability_chart, reliability_range
from racing.features.topics import TOPICS
from racing.metrics import Difference, Reliability
from training.data.imbalance import IMBALANCE
from training.evaluation.evaluation import (
    COMBINED,
    EARLY,
    MARKET,
    MODEL,
    RATED,
    TRUTH,
    UNIFORM,
    Comparison,
    Figures,
)
from training.evaluation.slice_definitions import SLICINGS
from training.evaluation.slices import Slice
from training.report.content import BY_RACE, AgeingSpan, FamilySearch, Lift, ReportContent, TrialSummary
from training.report.sentences import NOTHING, SMOTE
from training.report.text import (
    UNKNOWN,
    among,
    balance,
    duration,
    interval,
    kind,
    number,
    percent,
    signed,
    with_error,
)

MOST_FEATURES = 25
MS_A_STEP = 1.1e-6
"""Of a card's work, as measured (docs/explanation/model-time.md)."""

_SOURCES = {
    UNIFORM: "knows only the number of runners",
    "box only": "knows only the boxes",
    "rated price": "a professional's price, before the race",
    EARLY: "the prices ten minutes before the off",
    MARKET: "the closing prices",
    TRUTH: "what the simulator drew the winner from",
    COMBINED: "this model and the closing prices",
}
_SLICINGS = {
    "favourites": "By the model's order in the race",
    "field": "By number of runners",
    "state": "By state",
    "distance": "By distance",
    "class": "By class",
    "prior-runs": "By known runs before race day",
    "layoff": "By days since the last run",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """A row of a table of values."""

    name: str
    cells: Sequence[str] = ()
    note: str = ""
    is_marked: bool = False
    is_heading: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table of values; ``heads`` name the rows, then each cell."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[TableRow]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, what a screen reader says of it, and its values."""

    spec: Spec
    alt: str
    table: Table


def baselines(comparison: Comparison) -> Figure:
    """Return the race log loss of each source, with its difference from the model."""
    model = comparison[MODEL].race_log_loss
    rows, values = [], []
    for row in sorted(comparison.rows, key=lambda row: -row.race_log_loss):
        is_model, gap = row.name == MODEL, row.model_minus_this
        name, note = "this model" if is_model else row.name, _SOURCES.get(row.name, "")
        rows.append(
            IntervalRow(
                name=name,
                dots=[Dot(row.race_log_loss, _series(row), number(row.race_log_loss))],
                interval=None if is_model else (model - gap.high, model - gap.low),
                figure=number(row.race_log_loss),
                detail=note,
            )
        )
        cells = [number(row.race_log_loss), "" if is_model else interval(gap)]
        values.append(TableRow(name=name, note=note, cells=cells, is_marked=is_model))
    caption = f"Race log loss on the same {comparison.n_races:,} races, smaller is better"
    heads = ["", "race log loss", "model less this [95 %]"]
    return Figure(interval_chart(rows, reference=model), caption, Table(caption, heads, values))


def _series(row: Figures) -> str:
    return {MODEL: "model", MARKET: "market", TRUTH: "market"}.get(row.name, "plain")


def reliability(curve: Reliability, name: str = "reliability", of: str = "") -> Figure:
    """Return mean probability and share of winners by bin, over the band of chance."""
    bins = _bins(curve)
    worst = max(abs(bin.predicted - bin.observed) for bin in bins)
    rows = [
        TableRow(
            name=percent(bin.predicted),
            cells=[percent(bin.observed), signed(bin.observed - bin.predicted, 3), f"{bin.n_runners:,}"],
        )
        for bin in bins
    ]
    heads = ["predicted", "won", "difference", "runners"]
    alt = f"Reliability{of}: {len(bins)} bins, largest gap {worst:.3f}"
    return Figure(reliability_chart(bins, name), alt, Table(f"Bins of the reliability plot{of}", heads, rows))


def slice_reliability(of: Slice) -> Figure:
    """Return the small reliability plot of a slice."""
    return reliability(of.reliability, "reliability_small", f" of {of.name}")


def _bins(curve: Reliability) -> list[ReliabilityBin]:
    values = zip(curve.predicted.tolist(), curve.observed.tolist(), curve.n_runners.tolist(), strict=True)
    return [ReliabilityBin(*bin) for bin in values]


def histogram(content: ReportContent) -> Figure:
    """Return how many runners got which probability, over the axis of the reliability plot."""
    low, high = reliability_range(_bins(content.reliability))
    width = content.histogram.width
    counts = [(i * width, (i + 1) * width, n) for i, n in enumerate(content.histogram.counts) if n]
    bars = [
        {"low": left, "high": right, "count": n, "label": f"{left:.2f} to {right:.2f}"}
        for left, right, n in counts
        if low <= left < high
    ]
    rows = [TableRow(name=f"{left:.2f} to {right:.2f}", cells=[f"{n:,}"]) for left, right, n in counts]
    return Figure(
        chart("histogram", bars=bars, ends=[{"p": low}, {"p": high}]),
        "Histogram of the win probabilities",
        Table("Runners by win probability", ["win probability", "runners"], rows),
    )


def roc(content: ReportContent) -> Figure:
    """Return the share of winners found over the share of losers taken along."""
    points = [{"losers": losers, "winners": winners} for losers, winners in content.roc]
    rows = [
        TableRow(name=percent(point["losers"]), cells=[percent(point["winners"])])
        for point in points[:: max(1, len(points) // 12)]
    ]
    heads = ["losers taken along", "winners found"]
    alt = f"ROC curve, AUC {number(content.evaluation.runners.auc, 3)}"
    return Figure(chart("roc", points=points), alt, Table("Points of the ROC curve", heads, rows))


def lift(lifts: Sequence[Lift], caption: str) -> Figure:
    """Return the gain over uniform by slice, with that of the market on the same races."""
    rows, values = [], []
    for slicing, of_slicing in groupby(lifts, key=lambda each: each.of.slicing):
        title = _SLICINGS.get(slicing, SLICINGS[slicing].description)
        rows.append(IntervalRow(name=title, is_heading=True))
        values.append(TableRow(name=title, is_heading=True))
        for each in of_slicing:
            gain, market = each.model, each.market
            dots = [] if market is None else [Dot(market, "ring", f"market {signed(market)}")]
            races, figure = f"{each.of.n_compared:,}", signed(gain.difference, 3)
            rows.append(
                IntervalRow(
                    name=each.of.name,
                    dots=[*dots, Dot(gain.difference, "model", f"model {interval(gain)}")],
                    interval=(gain.low, gain.high),
                    figure=figure,
                    detail=f"{races} races",
                )
            )
            share = gain.difference / market if market and market > 0 else None
            values.append(TableRow(name=each.of.name, cells=[races, interval(gain, 3), percent(share, 0)]))
    table = Table(caption, ["", "races", "lift [95 %]", "of the market's"], values)
    return Figure(interval_chart(rows, reference=0.0), caption, table)


def ageing(content: ReportContent) -> Figure:
    """Return the loss less the reference's by week after the last training day."""
    curve = content.ageing
    weeks = [_point(week, week.minus_reference, curve.last_training_day) for week in curve.weeks]
    expected = [
        _point(week, week.expected, curve.last_training_day)
        for week in curve.weeks
        if week.expected is not None
    ]
    compared = f"{content.loss_name} less that of {curve.reference}"
    alt = f"{compared} in {len(weeks)} weeks, mean {signed(curve.mean)}"
    texts = [point["figure"] for point in expected] or [""] * len(weeks)
    rows = [
        TableRow(
            name=str(point["week"]), cells=[*(str(point[key]) for key in ("days", "races", "figure")), text]
        )
        for point, text in zip(weeks, texts, strict=True)
    ]
    heads = ["week", "days", "races", f"{compared} [95 %]", "as the market expects it [95 %]"]
    return Figure(
        chart("ageing", weeks=weeks, expected=expected, mean=[{"value": curve.mean}]),
        alt,
        Table("Weeks in figures", heads, rows),
    )


def _point(week: AgeingSpan, gap: Difference, last_training_day: str) -> dict[str, Any]:
    first = dt.date.fromisoformat(last_training_day) + dt.timedelta(days=7 * week.number + 1)
    return {
        "week": week.number,
        "value": gap.difference,
        "low": gap.low,
        "high": gap.high,
        "days": f"{first} to {first + dt.timedelta(days=6)}",
        "races": f"{week.n_races:,}",
        "figure": interval(gap),
    }


def ageing_by_month(content: ReportContent) -> Table:
    """Return the same by month."""
    rows = [
        TableRow(
            name=str(month.number + 1),
            cells=[
                f"{month.n_races:,}",
                interval(month.minus_reference),
                UNKNOWN if month.expected is None else interval(month.expected),
            ],
        )
        for month in content.ageing.months
    ]
    caption = f"By month since the training, {content.loss_name} less that of {content.ageing.reference}"
    return Table(caption, ["month", "races", "realised [95 %]", "as the market expects it [95 %]"], rows)


def slices_beside_prices(content: ReportContent) -> Table:
    """Return each slice's loss beside the rated price's and the market's, with the model's gap to both."""
    found = [lift.of for lift in content.lifts]
    rows = [_slice_row(content.overall)] if content.overall is not None else []
    for slicing, slices in groupby(found, key=lambda of: of.slicing):
        rows.append(TableRow(name=_SLICINGS.get(slicing, SLICINGS[slicing].description), is_heading=True))
        rows += [_slice_row(of) for of in slices]
    caption = (
        "Race log loss, of runners' slices log loss per runner, on the races where every price is known; in "
        "brackets the standard error"
    )
    heads = ["", "races", "model", RATED, MARKET]
    heads += [f"less {name}{how}" for name in (RATED, MARKET) for how in ("", ", expected")]
    return Table(caption, heads, rows)


def _slice_row(of: Slice) -> TableRow:
    gaps = [of.gaps.get(name) for name in (RATED, MARKET)]
    return TableRow(
        name="first starters" if (of.slicing, of.name) == ("prior-runs", "none known") else of.name,
        cells=[
            f"{of.n_compared:,}",
            *(number(of.losses.get(name)) for name in (MODEL, RATED, MARKET)),
            *(
                UNKNOWN if gap is None else with_error(each)
                for gap in gaps
                for each in ((None, None) if gap is None else (gap.realised, gap.expected))
            ),
        ],
        is_marked=of.slicing == "overall",
    )


def loss_over_cost(content: ReportContent) -> list[Figure]:
    """Return the candidates' losses over the seconds of their training, and over the time of a card."""
    seconds = {one.name: one.seconds for one in content.candidates}
    card_ms = {one.name: one.steps * MS_A_STEP for one in content.candidates}
    return [
        _over("loss_over_seconds", seconds, "the seconds of search and fits", content),
        _over("loss_over_card", card_ms, "the milliseconds for a card of eight, about", content),
    ]


def _over(name: str, cost: Mapping[str, float], caption: str, content: ReportContent) -> Figure:
    points = [
        CostPoint(
            name=kind(one.name) + (" (chosen)" if one.is_chosen else ""),
            kind="family" if one.n_members == 1 else "blend",
            cost=max(cost[one.name], 1e-4),
            loss=one.loss,
            figure=number(one.loss),
            note=f"{cost[one.name]:.3g}",
        )
        for one in content.candidates
    ]
    rows = [TableRow(name=point.name, cells=[point.figure, point.note]) for point in points]
    title = f"The candidates' loss over {caption}"
    table = Table(title, ["candidate", content.judged_by, caption], rows)
    return Figure(cost_chart(name, points, height=34.0 * len(points) + 60), title, table)


def learning(content: ReportContent) -> Figure:
    """Return the loss by number of training races."""
    points = content.curve.points
    of_all = points[-1].loss
    values = [
        {
            "races": point.n_races,
            "loss": point.loss,
            "low": of_all + point.minus_all.low if point.share < 1 else None,
            "high": of_all + point.minus_all.high if point.share < 1 else None,
            "figure": number(point.loss),
        }
        for point in points
    ]
    rows = [
        TableRow(
            name="all" if point.share == 1 else f"latest {percent(point.share)}",
            cells=[
                f"{point.n_races:,}",
                number(point.loss),
                "" if point.share == 1 else interval(point.minus_all, 3),
            ],
        )
        for point in points
    ]
    described = among([f"{number(point.loss)} with {point.n_races:,} races" for point in points])
    caption = f"{content.loss_name.capitalize()} on the test races by training races"
    return Figure(
        chart("learning", points=values),
        f"Learning curve, {content.loss_name}: {described}",
        Table(caption, ["part", "races", "loss", "less that of all [95 %]"], rows),
    )


def importance(rises: Mapping[str, Difference], caption: str, head: str) -> Figure:
    """Return the rise of the loss when a feature, or a group of them, is shuffled."""
    rows = [
        IntervalRow(
            name=name,
            bar=rise.difference,
            interval=(rise.low, rise.high),
            figure=signed(rise.difference),
            detail=TOPICS.get(name, "") if head == "group" else "",
        )
        for name, rise in rises.items()
    ]
    values = [
        TableRow(name=row.name, note=row.detail, cells=[interval(rise)])
        for row, rise in zip(rows, rises.values(), strict=True)
    ]
    table = Table(caption, [head, "rise of the loss [95 %]"], values)
    return Figure(interval_chart(rows, reference=0.0), caption, table)


def ranked(rises: Mapping[str, Difference], most: int | None = None) -> dict[str, Difference]:
    """Return the rises, the largest first, and no more than ``most``."""
    return dict(sorted(rises.items(), key=lambda entry: -entry[1].difference)[:most])


def useful_range(trials: Iterable[TrialSummary]) -> tuple[float, float]:
    """Return the ends of an axis that shows the good trials well; bad ones lie beyond the upper end."""
    losses = sorted(trial.loss for trial in trials if math.isfinite(trial.loss))
    low, high = losses[0], losses[-1]
    return low, max(low + 0.002, min(high, low + max(2.5 * (median(losses) - low), 0.01)))


def search_history(of: FamilySearch, low: float, top: float) -> Figure:
    """Return a family's trials in order with the best so far; those above ``top`` are drawn at it."""
    best, trials, so_far = math.inf, [], []
    for i, trial in enumerate(of.trials, start=1):
        best = min(best, trial.loss) if trial.is_complete else best
        ended = "" if trial.is_complete else ", stopped early"
        is_above = trial.loss > top or not math.isfinite(trial.loss)
        trials.append(
            {
                "trial": i,
                "loss": top if is_above else trial.loss,
                "state": "above" if is_above else "complete" if trial.is_complete else "stopped",
                "label": f"trial {i}: {number(trial.loss)}{ended}",
            }
        )
        if math.isfinite(best):
            so_far.append({"trial": i, "loss": min(best, top)})
    rows = [
        TableRow(
            name=str(i), cells=[number(trial.loss), "complete" if trial.is_complete else "stopped early"]
        )
        for i, trial in enumerate(of.trials, start=1)
    ]
    ends = [{"loss": low}, {"loss": top}]
    alt = f"{kind(of.family)}: {len(trials)} trials, best {number(of.best.loss)}"
    table = Table(f"Trials of {kind(of.family)}", ["trial", "loss", "state"], rows)
    return Figure(chart("search_history", trials=trials, best=so_far, ends=ends), alt, table)


def candidates(content: ReportContent) -> Figure:
    """Return the candidates' losses on the calibration races."""
    rows = [
        IntervalRow(
            name=kind(one.name),
            dots=[Dot(one.loss, "model" if one.is_chosen else "plain", number(one.loss))],
            figure=number(one.loss),
        )
        for one in content.candidates
    ]
    values = [
        TableRow(
            name=kind(one.name),
            cells=[number(one.loss), f"{one.steps:,}", duration(one.seconds)],
            is_marked=one.is_chosen,
        )
        for one in content.candidates
    ]
    caption = f"The candidates on the calibration races ({content.judged_by}); the chosen one stands out"
    table = Table(caption, ["candidate", content.judged_by, "steps of work for a card", "training"], values)
    return Figure(interval_chart(rows), caption, table)


def search_time(searches: Sequence[FamilySearch]) -> Figure:
    """Return the time that each family took."""
    total = {of.family: of.search_s + of.fit_s for of in searches}
    whole = sum(total.values()) or 1.0
    unit_s, unit = (60.0, "minutes") if max(total.values(), default=0.0) > 120 else (1.0, "seconds")
    rows = [
        IntervalRow(name=kind(name), bar=seconds / unit_s, figure=duration(seconds))
        for name, seconds in total.items()
    ]
    values = [
        TableRow(
            name=kind(of.family),
            cells=[duration(of.search_s), duration(of.fit_s), percent(total[of.family] / whole, 0)],
        )
        for of in searches
    ]
    caption = f"Time by family in {unit}, search and final fit"
    table = Table(caption, ["family", "search", "final fit", "of all"], values)
    return Figure(interval_chart(rows), caption, table)


def balances(searches: Sequence[FamilySearch]) -> Figure:
    """Return every completed trial's loss by what it did about the few winners."""
    rows: list[IntervalRow] = []
    values: list[TableRow] = []
    for of in searches:
        rows.append(IntervalRow(name=kind(of.family), is_heading=True))
        values.append(TableRow(name=kind(of.family), is_heading=True))
        plain = min((t.loss for t in of.trials if t.is_complete and t.balance == NOTHING), default=None)
        used = {trial.balance for trial in of.trials}
        for name in (BY_RACE, *IMBALANCE):
            if name in used:
                _add_balance(rows, values, name, [t for t in of.trials if t.balance == name], plain)
    complete = [trial for of in searches for trial in of.trials if trial.is_complete]
    caption = "Every completed trial's loss by what it did about the few winners"
    heads = ["", "trials", "best", "median", "best less that of nothing"]
    spec = interval_chart(rows, limit=useful_range(complete)[1] if complete else None)
    return Figure(spec, caption, Table(caption, heads, values))


def _add_balance(
    rows: list[IntervalRow],
    values: list[TableRow],
    name: str,
    trials: Sequence[TrialSummary],
    plain: float | None,
) -> None:
    losses = sorted(trial.loss for trial in trials if trial.is_complete)
    title = "whole races: nothing to balance" if name == BY_RACE else balance(name)
    gap = losses[0] - plain if losses and plain is not None and name != NOTHING else None
    best = number(losses[0]) if losses else UNKNOWN
    rows.append(
        IntervalRow(
            name=title,
            dots=[
                *(Dot(loss, "faint", number(loss)) for loss in losses[1:]),
                *(Dot(loss, "model", f"best {number(loss)}") for loss in losses[:1]),
            ],
            figure=best,
            detail=f"{len(losses)} of {len(trials)} trials complete",
        )
    )
    values.append(
        TableRow(
            name=title,
            cells=[
                f"{len(losses)} of {len(trials)}",
                best,
                number(median(losses)) if losses else UNKNOWN,
                signed(gap),
            ],
            is_marked=name == SMOTE,
        )
    )
