"""The six ratings: what each measures in a run, higher being better, and how ability in it behaves.

The numbers were fitted once on races of 2025 (market: cross-entropy to the market's shares, 2025-04 to
2025-09, revisions included; result: the same, 2025-07 to 2025-12, without them; the others: the predictive
likelihood of the next measurement in form guides to 2025-06).
A change of them comes with a migration that empties the table ``runworth``, so that history is replayed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from racing.domain.runs import Floats, Form, Runs
from racing.ops import fill_nan
from racing.probabilities import n_places
from racing.ratings.posterior import Kernel

REVISION_DAYS = (10, 30)
"""So many days later a run's adjusted performance is worked out anew: its rivals have run since."""
_LEAST_SHARE = 0.004  # below it prices are quoted by habit
_TYPICAL_FIELD = 7.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """One measurement of runs, and the variances by which it is turned into ability."""

    name: str
    measure: Callable[[Runs | Form], Floats]
    kernel: Kernel
    noise: Callable[[Floats], Floats]
    """Variance of a measurement about ability, given the measurement."""
    by_meeting: bool
    """What a run is relative to: its track, distance and day (the going), else its race (the opposition)."""
    level_variance: float
    """Of that common level about its running mean by course (going) or by class (opposition)."""
    lone_variance: float
    """The same, for a run of which nobody else's is known."""
    debut: float | None
    """Prior mean of an unknown dog, above the mean of its known rivals; ``None``: it has no rating."""
    shift: Callable[[Runs | Form], Floats] | None = None
    """What the result adds to the state once the run is over."""
    needs_prices: bool = False
    is_revised: bool = False
    """Performances are worked out anew when the rivals have run since, see ``REVISION_DAYS``."""
    is_settled: bool = False
    """The levels of all past races are solved together every evening, see :mod:`racing.ratings.levels`."""

    @property
    def n_revisions(self) -> int:
        """Return how many adjusted performances a run has: the fresh one, then the revised."""
        return 1 + len(REVISION_DAYS) * self.is_revised

    @property
    def has_innovation(self) -> bool:
        """Return whether it is noted how far each run went beyond what was expected of it."""
        return self.is_revised or self.is_settled


def market_strength(runs: Runs | Form) -> Floats:
    """Return ln of the market's share."""
    return np.log(np.maximum(runs.market_share, _LEAST_SHARE))


def result_score(runs: Runs | Form) -> Floats:
    """Return a score of won, placed, or neither that sums to 0 over a field."""
    field = np.where(np.isnan(runs.n_starters), _TYPICAL_FIELD, runs.n_starters)
    places = n_places(field)
    unplaced = -(_WON + _PLACED * (places - 1)) / np.maximum(field - places, 1.0)
    score = np.where(runs.won == 1, _WON, np.where(runs.placed == 1, _PLACED, unplaced))
    return np.where(np.isnan(runs.won) | (np.isnan(runs.placed) & (runs.won == 0)), np.nan, score)


def speed(runs: Runs | Form) -> Floats:
    """Return -100 ln(time): one unit is one per cent."""
    return -100.0 * np.log(runs.time_s)


def split_speed(runs: Runs | Form) -> Floats:
    """Return -100 ln(first split)."""
    return -100.0 * np.log(runs.first_split_s)


def early_place(runs: Runs | Form) -> Floats:
    """Return the place at the first call, the lead being highest."""
    return -runs.early_position


def signed_margin(runs: Runs | Form) -> Floats:
    """Return lengths ahead of the second (winner) or, negative, behind the winner, within -15 and 10."""
    signed = np.where(runs.won == 1, runs.margin_lengths, -runs.margin_lengths)
    return np.minimum(np.maximum(signed, -15.0), 10.0)


def surprise(runs: Runs | Form) -> Floats:
    """Return how far a result went beyond the market's expectation, in ln share."""
    field = np.where(np.isnan(runs.n_starters), _TYPICAL_FIELD, runs.n_starters)
    share = runs.market_share
    # Chance of a place beyond the win, by Harville's argument with flattened shares (Benter, 1994).
    others = (n_places(field) - 1) * share**0.8 / (0.93 * field**0.2)
    expected = np.minimum(share + others, 0.98)
    by_win = 0.273 * (runs.won - share)
    by_place = 0.319 * (runs.placed - expected)
    return fill_nan(by_win, 0.0) + fill_nan(by_place, 0.0)


_WON, _PLACED = 1.3, 0.5


def _market_noise(strength: Floats) -> Floats:
    length = np.minimum(np.maximum(-strength - 1.8, -1.0), 4.0)
    return 0.0428 * np.exp(0.384 * length)  # longshots' prices are looser


def _constant(variance: float) -> Callable[[Floats], Floats]:
    return lambda measured: measured * 0.0 + variance


MARKET = Rating(
    name="market",
    measure=market_strength,
    kernel=Kernel(
        debut=0.471, day=0.0015, run=0.0453, track=0.0123, course=0.0089,
        distance=0.0548, distance_scale=0.632, zone=0.0069,
    ),
    noise=_market_noise,
    by_meeting=False,
    level_variance=3.5,
    lone_variance=0.35,
    debut=0.6,
    shift=surprise,
    needs_prices=True,
    is_settled=True,
)  # fmt: skip
RESULT = Rating(
    name="result",
    measure=result_score,
    kernel=Kernel(
        debut=0.461, day=0.0063, run=0.0316, track=0.0415, course=0.0291,
        distance=0.0512, distance_scale=0.128, zone=0.0285,
    ),
    noise=_constant(1.0),
    by_meeting=False,
    level_variance=50.0,
    lone_variance=0.1,
    debut=0.38,
    is_revised=True,
)  # fmt: skip
TIME = Rating(
    name="time",
    measure=speed,
    kernel=Kernel(
        debut=0.758, day=0.00904, run=0.0011, track=0.0032, course=0.0885,
        distance=0.3485, distance_scale=0.708, zone=0.0335,
    ),
    noise=_constant(1.2),
    by_meeting=True,
    level_variance=1.02,
    lone_variance=1.02,
    debut=None,
)  # fmt: skip
SPLIT = Rating(
    name="split",
    measure=split_speed,
    kernel=Kernel(
        debut=1.32, day=1e-05, run=0.0001, track=0.0002, course=0.0056,
        distance=0.517, distance_scale=3.0, zone=0.0001,
    ),
    noise=_constant(2.34),
    by_meeting=True,
    level_variance=1.81,
    lone_variance=1.81,
    debut=None,
)  # fmt: skip
EARLY = Rating(
    name="early",
    measure=early_place,
    kernel=Kernel(
        debut=0.729, day=0.0117, run=0.0001, track=0.146, course=0.128,
        distance=0.195, distance_scale=0.0686, zone=0.0001,
    ),
    noise=_constant(2.55),
    by_meeting=False,
    level_variance=1.37,
    lone_variance=1.37,
    debut=None,
)  # fmt: skip
MARGIN = Rating(
    name="margin",
    measure=signed_margin,
    kernel=Kernel(
        debut=4.0, day=0.0528, run=0.0514, track=0.935, course=0.77,
        distance=0.581, distance_scale=0.2, zone=0.623,
    ),
    noise=_constant(16.0),
    by_meeting=False,
    level_variance=5.2,
    lone_variance=5.2,
    debut=None,
)  # fmt: skip
RATINGS: tuple[Rating, ...] = (MARKET, RESULT, TIME, SPLIT, EARLY, MARGIN)
