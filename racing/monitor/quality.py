"""How good the answers were, group by group: loss, gap to the market, calibration.

Loss alone moves with the mix of races: the gap to the market on the same races does not, so it is what is
watched. Its ends, and those of the calibration's slope, are of confidence sequences
(:mod:`racing.comparison.confidence`), which hold at every look.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from racing.comparison.confidence import asymptotic_path
from racing.comparison.monitoring import CalibrationTest, calibration_test, gap_estimate
from racing.metrics import reliability
from racing.monitor.judged import JudgedRaces

ALPHA = 0.05
"""Of the ends that are shown: 95 %."""
MIN_FOR_CALIBRATION = 50
N_DAYS, N_WEEKS, N_VERSIONS, N_TRACKS = 60, 53, 20, 100
"""Groups at most: the latest days, weeks and versions, the tracks with most races."""
N_ON_PATH = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How good the answers of some races were; NaN where there is nothing to judge by.

    ``log_loss`` is over all races; ``market_log_loss`` and ``gap`` over the ``n_with_market`` whose starters
    all have a price. Ends are infinite while the races say too little.
    """

    group: str
    name: str
    n_races: int
    log_loss: float
    uniform_log_loss: float
    n_with_market: int
    market_log_loss: float
    gap: float
    gap_low: float
    gap_high: float
    expected_gap: float
    """The gap as the closing prices expect it, on those of these races where it is known."""
    calibration: CalibrationTest | None


@dataclass(frozen=True, slots=True)
class GapPoint:
    """The gap to the market after all races up to a day, as a look on that day showed it."""

    date: str
    n_races: int
    gap: float
    gap_low: float
    gap_high: float


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Runners of about the same probability."""

    n_runners: int
    predicted: float
    observed: float


def quality_of(races: JudgedRaces, group: str, name: str = "") -> Quality:
    """Judge some races."""
    has_market = ~np.isnan(races.market_loss)
    gap = gap_estimate(races.loss, races.market_loss, alpha=ALPHA)
    return Quality(
        group=group,
        name=name or group,
        n_races=len(races),
        log_loss=_mean(races.loss),
        uniform_log_loss=_mean(races.uniform_loss),
        n_with_market=int(has_market.sum()),
        market_log_loss=_mean(races.market_loss[has_market]),
        gap=gap.mean,
        gap_low=gap.low,
        gap_high=gap.high,
        expected_gap=_mean(races.expected_gap[~np.isnan(races.expected_gap)]),
        calibration=calibration_of(races, alpha=ALPHA),
    )


def calibration_of(races: JudgedRaces, *, alpha: float) -> CalibrationTest | None:
    """Return how well the probabilities fit the outcomes; None for too few races."""
    share, won, race = races.starters()
    if not len(race) or race[-1] + 1 < MIN_FOR_CALIBRATION:
        return None
    return calibration_test(share, won, race, alpha=alpha)


def by_day(races: JudgedRaces) -> list[Quality]:
    """Judge the latest days, the latest last."""
    return _groups(races, races.date, N_DAYS, lambda day: (str(day), str(day)))


def by_week(races: JudgedRaces) -> list[Quality]:
    """Judge the latest weeks, by their Mondays, the latest last."""
    return _groups(races, mondays(races.date), N_WEEKS, lambda day: (str(day), str(day)))


def by_version(races: JudgedRaces) -> list[Quality]:
    """Judge the latest versions, each by its own last card of a race."""
    return _groups(races, races.version, N_VERSIONS, lambda number: (str(number), f"version {number}"))


def by_field_size(races: JudgedRaces) -> list[Quality]:
    """Judge by the number of starters."""
    return _groups(races, races.n_starters, 10, lambda number: (str(number), f"{number} starters"))


def by_track(races: JudgedRaces) -> list[Quality]:
    """Judge the tracks with most races, by name."""
    n = np.bincount(races.track, minlength=len(races.tracks))
    most = np.argsort(-n, kind="stable")[:N_TRACKS]
    chosen = sorted(most[n[most] > 0].tolist(), key=lambda i: races.names[i])
    return [quality_of(races.of(races.track == i), races.tracks[i], races.names[i]) for i in chosen]


def by_state(races: JudgedRaces) -> list[Quality]:
    """Judge by the state of the track; tracks of an unknown one are in none."""
    states = np.array(races.states, dtype=object)
    if not len(states):
        return []
    of_race = states[races.track]
    return [quality_of(races.of(of_race == state), state) for state in sorted(set(of_race.tolist()) - {""})]


def gap_path(races: JudgedRaces) -> list[GapPoint]:
    """Return the gap to the market day by day, over all races so far, with its band."""
    races = races.of(~np.isnan(races.market_loss))
    if not len(races):
        return []
    mean, low, high = asymptotic_path(races.gap, alpha=ALPHA)  # in the order of days
    last = np.flatnonzero(np.r_[races.date[1:] != races.date[:-1], True])
    last = last[np.unique(np.linspace(0, len(last) - 1, min(N_ON_PATH, len(last))).astype(int))]
    return [
        GapPoint(str(races.date[i]), int(i) + 1, float(mean[i]), float(low[i]), float(high[i])) for i in last
    ]


def calibration_bins(races: JudgedRaces) -> list[CalibrationBin]:
    """Return about ten bins of equally many starters: how likely they were, and how often they won."""
    share, won, _ = races.starters()
    if not len(share):
        return []
    predicted, observed, n = reliability(share, won)
    return [
        CalibrationBin(int(number), float(p), float(o))
        for number, p, o in zip(n, predicted, observed, strict=True)
    ]


def mondays(date: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """Return the Monday of each day's week."""
    days = date.astype("datetime64[D]").astype(np.int64)  # day 0 was a Thursday
    return (days - (days + 3) % 7).astype("datetime64[D]")


def _groups(
    races: JudgedRaces,
    key: NDArray[np.generic],
    n_last: int,
    names: Callable[[np.generic], tuple[str, str]],
) -> list[Quality]:
    values: Iterable[np.generic] = np.unique(key)[-n_last:]
    return [quality_of(races.of(key == value), *names(value)) for value in values]


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")
