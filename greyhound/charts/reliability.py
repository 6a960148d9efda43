"""The bins of a reliability plot, with what chance alone makes of a perfectly calibrated model."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from greyhound.charts import Spec, chart

_SIGMAS = 1.96  # 95 % of a normal distribution
_LEAST_TOP = 0.05


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Runners of about the same probability."""

    predicted: float
    """Mean probability, 0 to 1."""
    observed: float
    """Share of them that won, 0 to 1."""
    n_runners: int

    @property
    def margin(self) -> float:
        """Return half of the 95 % interval of ``observed`` if ``predicted`` is the truth."""
        return _SIGMAS * sqrt(max(self.predicted * (1 - self.predicted), 0.0) / max(self.n_runners, 1))

    @property
    def is_within_chance(self) -> bool:
        """Return whether a perfectly calibrated model would show such a bin in 95 of 100 cases."""
        return abs(self.observed - self.predicted) <= self.margin


def reliability_chart(bins: Iterable[ReliabilityBin], name: str = "reliability") -> Spec:
    """Return the plot: dots, the band of chance, and the diagonal; the band is cut at the axes' ends."""
    bins = list(bins)
    low, top = reliability_range(bins)
    rows = [
        {
            "predicted": bin.predicted,
            "observed": bin.observed,
            "low": max(bin.predicted - bin.margin, low),
            "high": min(bin.predicted + bin.margin, top),
            "runners": bin.n_runners,
        }
        for bin in bins
    ]
    return chart(name, bins=rows, diagonal=[{"p": low}, {"p": top}])


def reliability_range(bins: Iterable[ReliabilityBin]) -> tuple[float, float]:
    """Return both ends of the axes; from 0, except where all probabilities are large."""
    values = [value for bin in bins for value in (bin.predicted, bin.observed)]
    top, low = max(values), min(values)
    return (0.9 * low if low > 0.25 * top else 0.0), 1.08 * max(top, _LEAST_TOP)
