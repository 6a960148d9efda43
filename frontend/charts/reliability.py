"""The reliability plot: what was said along, what happened upwards, and what chance alone makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from frontend.charts.axis import Axis
from greyhound_client.models import BinOut, ReliabilityBinOut

WIDTH, HEIGHT = 420, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 406, 10, 318
_SIGMAS = 1.96
_LEAST_HIGH = 0.1
LEAST_RUNNERS = 200
"""Of fewer there is no curve: with ten bins of 20 chance alone draws any line."""

Bin = BinOut | ReliabilityBinOut
"""Runners of about the same probability: ``n_runners``, ``predicted``, ``observed``."""


@dataclass(frozen=True, slots=True)
class Point:
    """One bin on paper."""

    x: float
    y: float
    low: float
    high: float
    """Ends of what 95 of 100 perfectly calibrated models show here, on paper."""
    bin: Bin
    is_within_chance: bool


@dataclass(frozen=True, slots=True)
class Reliability:
    """The plot: axes, points, and the band of chance as the points of a polygon."""

    x: Axis
    y: Axis
    points: tuple[Point, ...]
    band: str

    @property
    def line(self) -> str:
        """The points as those of a polyline."""
        return " ".join(f"{point.x},{point.y}" for point in self.points)

    @property
    def n_within_chance(self) -> int:
        """How many bins lie where a perfect model's would."""
        return sum(point.is_within_chance for point in self.points)


def reliability(bins: Sequence[Bin] | None) -> Reliability | None:
    """Return the plot of some bins, or None of fewer than 200 runners."""
    if not bins or sum(bin.n_runners for bin in bins) < LEAST_RUNNERS:
        return None
    high = max(_LEAST_HIGH, *(max(bin.predicted, bin.observed) for bin in bins)) * 1.06
    x, y = Axis(0, high, _LEFT, _RIGHT), Axis(0, high, _BOTTOM, _TOP)
    spreads = [_spread(bin) for bin in bins]
    points = tuple(
        Point(
            x=x.at(bin.predicted),
            y=y.at(bin.observed),
            low=y.at(bin.predicted - spread),
            high=y.at(bin.predicted + spread),
            bin=bin,
            is_within_chance=abs(bin.observed - bin.predicted) <= spread,
        )
        for bin, spread in zip(bins, spreads, strict=True)
    )
    upper = [f"{point.x},{point.high}" for point in points]
    lower = [f"{point.x},{point.low}" for point in reversed(points)]
    return Reliability(x, y, points, " ".join((*upper, *lower)))


def _spread(bin: Bin) -> float:
    """Half of the interval in which the share of winners lies with 95 %, were the bin's mean the truth."""
    return _SIGMAS * sqrt(max(bin.predicted * (1 - bin.predicted), 0) / max(bin.n_runners, 1))
