"""What was said beside what happened: the calibration plot."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from frontend.charts.axis import Axis, Tick

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 448, 10, 212
_Z = 1.96  # 95 %


@dataclass(frozen=True, slots=True)
class Point:
    """Runners of about one probability: where they stand, the 95 % interval of what was seen, in words."""

    x: float
    y: float
    low: float
    high: float
    text: str


@dataclass(frozen=True, slots=True)
class Reliability:
    """The plot: points, the diagonal on which they should lie, and its axes."""

    points: tuple[Point, ...]
    diagonal: tuple[float, float, float, float]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def reliability(bins: Iterable[tuple[int, float, float]]) -> Reliability:
    """Return the plot of bins: runners, mean probability, share of winners (Wilson's interval, 1927)."""
    bins = list(bins)
    intervals = [_wilson(n, observed) for n, _, observed in bins]
    top = max([0.1, *(predicted for _, predicted, _ in bins), *(high for _, high in intervals)])
    top = min(1.0, math.ceil(top * 20) / 20)
    x, y = Axis(0, top, LEFT, RIGHT), Axis(0, top, BOTTOM, TOP)
    points = tuple(
        Point(
            x.at(predicted),
            y.at(observed),
            y.at(low),
            y.at(high),
            f"{n} runners: said {100 * predicted:.1f} %, won {100 * observed:.1f} %",
        )
        for (n, predicted, observed), (low, high) in zip(bins, intervals, strict=True)
    )
    ticks = (x.ticks(5, as_percent=True), y.ticks(5, as_percent=True))
    return Reliability(points, (x.at(0), y.at(0), x.at(top), y.at(top)), *ticks)


def _wilson(n: int, share: float) -> tuple[float, float]:
    centre = share + _Z**2 / (2 * n)
    half = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
    scale = 1 + _Z**2 / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
