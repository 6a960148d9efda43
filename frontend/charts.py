"""The front end's charts: from the service's answers to the shared Vega-Lite charts."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask

import greyhound.charts
from greyhound.charts import Spec, chart
from greyhound.charts.reliability import ReliabilityBin, reliability_chart
from greyhound_client.models import (
    BinOut,
    GapPointOut,
    LoggedCardOut,
    MinuteScoreOut,
    MonitorBinOut,
    PathPointsOut,
    RatedDayOut,
    ReliabilityBinOut,
    ScoreOut,
)

LEAST_RUNNERS = 200
"""Of fewer there is no curve: with ten bins of 20 chance alone draws any line."""
ROW_PX = 18
STRONG_SHIFT = 0.5
"""PSI of the darkest cell; a quarter is commonly called a shift."""
_WEEK = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ReliabilityPlot:
    """A reliability plot: its specification and the bins, for the table below it."""

    spec: Spec
    bins: tuple[ReliabilityBin, ...]

    @property
    def n_within_chance(self) -> int:
        """Return how many bins lie where a perfect model's would."""
        return sum(bin.is_within_chance for bin in self.bins)


def install(app: Flask) -> None:
    """Serve what draws charts below ``/charts``."""
    static = Path(greyhound.charts.__file__).parent / "static"
    app.register_blueprint(Blueprint("charts", __name__, static_folder=static, static_url_path="/charts"))


def reliability(bins: Sequence[BinOut | ReliabilityBinOut | MonitorBinOut] | None) -> ReliabilityPlot | None:
    """Return the plot of some bins, or None of fewer than 200 runners."""
    if not bins or sum(bin.n_runners for bin in bins) < LEAST_RUNNERS:
        return None
    plotted = tuple(ReliabilityBin(bin.predicted, bin.observed, bin.n_runners) for bin in bins)
    return ReliabilityPlot(reliability_chart(plotted), plotted)


def weekly_losses(weeks: Sequence[ScoreOut]) -> Spec:
    """Return race log loss by week: the model's, the market's, and that of knowing only the field size.

    Where every race of a week has a market, the model's is on the same races. A line is broken where a week
    is missing or has no figure.
    """
    losses = []
    for series in ("uniform", "market", "model"):
        stroke, before = 0, None
        for week in weeks:
            monday, loss = dt.date.fromisoformat(week.group), _losses(week)[series]
            if loss is None or (before is not None and monday - before > _WEEK):
                stroke += 1
            if loss is not None:
                losses.append(
                    {"day": week.group, "loss": loss, "series": series, "stroke": f"{series} {stroke}"}
                )
            before = monday
    return chart("weekly_losses", weeks=[_strip(week) for week in weeks], losses=losses)


def through_the_clock(minutes: Sequence[MinuteScoreOut]) -> Spec | None:
    """Return race log loss by minutes to the off, or None of fewer than two minutes."""
    if len(minutes) < 2:
        return None
    rows = [
        {
            "order": i,
            "minutes": str(one.minutes),
            "series": series,
            "loss": loss,
            "figure": f"{loss:.4f}",
            "races": one.n_races,
        }
        for i, one in enumerate(minutes)
        for series, loss in (
            ("both", one.combined_loss), ("market", one.market_loss), ("model", one.model_loss)
        )
        if loss is not None
    ]  # fmt: skip
    return chart("through_the_clock", losses=rows)


def gap_over_time(points: Sequence[GapPointOut] | None) -> Spec | None:
    """Return the gap to the market by day with its confidence sequence, or None of fewer than two."""
    known = [point for point in points or () if point.gap is not None and point.gap_low is not None]
    if len(known) < 2:
        return None
    rows = [
        {
            "day": point.date.isoformat(),
            "gap": point.gap,
            "low": point.gap_low,
            "high": point.gap_high,
            "races": point.n_races,
            "figure": _with_interval(point.gap, point.gap_low, point.gap_high),
        }
        for point in known
    ]
    return chart("gap_over_time", points=rows, zero=[{"value": 0}])


def ratings_over_time(ratings: Sequence[RatedDayOut]) -> list[tuple[str, RatedDayOut, Spec | None]]:
    """Return each rating by name with its newest value, and its chart where it has two days or more."""
    by_name: dict[str, list[RatedDayOut]] = {}
    for one in ratings:
        by_name.setdefault(one.rating, []).append(one)
    return [(name, days[-1], _rating(days) if len(days) > 1 else None) for name, days in by_name.items()]


def _rating(days: Sequence[RatedDayOut]) -> Spec:
    """Return a rating by day, with the band in which it lies with a probability of 95 %."""
    rows = [
        {
            "day": one.date.isoformat(),
            "mean": one.mean,
            "low": one.mean - 1.96 * one.sd,
            "high": one.mean + 1.96 * one.sd,
            "figure": f"{one.mean:+.2f} ± {1.96 * one.sd:.2f}".replace("-", "\u2212"),
        }
        for one in days
    ]
    return chart("rating_over_time", points=rows)


def gain_over_races(points: PathPointsOut) -> Spec | None:
    """Return a contestant's gain over the champion as races came in, or None without an interval."""
    columns = (points.n, points.mean, points.low, points.high)
    if len({len(column) for column in columns}) > 1:  # a service of another kind
        return None
    rows = [
        {"races": n, "gain": mean, "low": low, "high": high, "figure": _with_interval(mean, low, high)}
        for n, mean, low, high in zip(*columns, strict=True)
        if low is not None  # before there is an interval the mean jumps over all of the chart
    ]
    return chart("gain_over_races", points=rows, zero=[{"value": 0}]) if len(rows) > 1 else None


@dataclass(frozen=True, slots=True)
class InputShifts:
    """A heat map of days by features, and the rows for the table below it."""

    spec: Spec
    days: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]


def input_shifts(inputs: Mapping[str, Any] | None, *, n_features: int = 15) -> InputShifts | None:
    """Return how the features that moved most moved by day, or None without days."""
    if not inputs or not inputs.get("days") or not inputs.get("features"):
        return None
    days = tuple(day["date"] for day in inputs["days"])
    rows = tuple(
        one
        for one in inputs["features"][:n_features]
        if len(one["psi"]) == len(one["missing"]) == len(days)  # else of a service of another kind
    )
    cells = [
        {
            "day": day,
            "feature": feature["name"],
            "row": row,
            "shift": min(1.0, psi / STRONG_SHIFT),
            "psi": f"{psi:.3f}",
            "missing": "" if missing is None else f"{100 * missing:.0f} %",
        }
        for row, feature in enumerate(rows)
        for day, psi, missing in zip(days, feature["psi"], feature["missing"], strict=True)
        if psi is not None
    ]
    if not cells:
        return None
    height = ROW_PX * len({cell["feature"] for cell in cells})
    return InputShifts(chart("input_shifts", height=height, cells=cells), days, rows)


def _with_interval(mean: float | None, low: float | None, high: float | None) -> str:
    if mean is None:
        return ""
    ends = "" if low is None or high is None else f" [{low:+.4f}, {high:+.4f}]"
    return f"{mean:+.4f}{ends}".replace("-", "\u2212")


def judged_races(cards: Sequence[tuple[LoggedCardOut, str]], mean: float | None) -> Spec:
    """Return the loss of each judged race by day; ``cards`` come with the addresses of their races' pages."""
    races = []
    for card, address in cards:
        winner = next((runner for runner in card.runners if runner.won), None)
        races.append(
            {
                "day": card.date.isoformat(),
                "loss": card.loss,
                "date": f"{card.date.day} {card.date:%b %Y}",
                "track": card.track_name or card.track,
                "race": str(card.race_number or "not known"),
                "winner": winner.name if winner else "not known",
                "probability": f"{winner.win_probability:.1%}" if winner else "not known",
                "address": address,
            }
        )
    return chart("judged_races", races=races, mean=[] if mean is None else [{"loss": mean}])


def _losses(week: ScoreOut) -> dict[str, float | None]:
    return {"model": week.log_loss, "market": week.market_log_loss, "uniform": week.uniform_log_loss}


def _strip(week: ScoreOut) -> dict[str, str]:
    """Return the days around a week's dots, and what shows when the pointer is there."""
    monday = dt.date.fromisoformat(week.group)
    figures = {name: "–" if loss is None else f"{loss:.4f}" for name, loss in _losses(week).items()}
    return figures | {
        "start": (monday - _WEEK / 2).isoformat(),
        "end": (monday + _WEEK / 2).isoformat(),
        "week": f"{monday.day} {monday:%b %Y}",
        "races": str(week.n_races),
    }
