"""How a model does on parts of the races: favourites and outsiders, each state, each size of field and so on.

A slice is one of whole races, judged by race log loss, or of single runners, judged by log loss per runner.
Calibration is judged by the ECE, beside what chance alone makes of so few runners, and by the slope of the
log odds: a reliability plot has a trend where the interval of the slope does not hold 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racing import metrics
from racing.features import FEATURE_NAMES
from racing.metrics import Difference, Reliability, Slope
from racing.race_table import RaceTable
from training.data.whole_races import judged_rows
from training.evaluation.evaluation import MARKET, MODEL, UNIFORM, known_prices
from training.evaluation.slice_definitions import SLICINGS, JudgedRaces

__all__ = [
    "BY_CHANCE",
    "GOOD",
    "MAX_ECE",
    "OFF",
    "SLICINGS",
    "Estimate",
    "Slice",
    "gaps_to_model",
    "levels_of",
    "slices_by",
]

Floats = NDArray[np.float64]

MAX_ECE = 0.012
"""What a slice's ECE should stay below, as far as chance lets it."""
GOOD, BY_CHANCE, OFF = "good", "by chance", "off"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A loss, or a difference of two, with 95 % intervals of races drawn whole.

    The market expects a loss to be the sum of its closing shares times -ln p: that knows nothing of who
    happened to win, so its interval is a quarter as wide. Who agrees with the market has the advantage there.
    """

    realised: Difference
    expected: Difference | None
    """``None`` where the market's shares are unknown."""

    def as_json(self) -> dict[str, Any]:
        """Return both as a JSON object."""
        return {
            "realised": self.realised._asdict(),
            "expected": None if self.expected is None else self.expected._asdict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A part of the races, and how the probabilities do on it."""

    slicing: str
    name: str
    is_of_races: bool
    """Whole races; otherwise single runners of races."""
    n_races: int
    n_runners: int
    n_compared: int
    """Races that the losses are of: those with every price known, or all where no price is known at all."""
    losses: Mapping[str, float]
    """Race log loss (of runners: log loss per runner) of ``model``, ``uniform`` and, where known,
    ``rated price``, ``market (BSP/SP)``, ``true probability``: all on the same races. Empty without any."""
    levels: Mapping[str, Estimate]
    """The same losses as they came out and as the market expected them."""
    gaps: Mapping[str, Estimate]
    """The model's loss less that of each other source, below 0 where the model is better."""
    predicted: float
    """Mean probability."""
    observed: float
    """Share of winners."""
    ece: float
    ece_by_chance: float
    """95 % of perfectly calibrated models show a smaller ECE on these runners."""
    slope: Slope
    """Of the log odds that would fit best: 1 is calibrated, below 1 too bold; NaN where it has no answer."""
    reliability: Reliability

    @property
    def ece_verdict(self) -> str:
        """Return ``good`` (at most 0.012), ``by chance`` (a perfect model may show it too) or ``off``."""
        if self.ece <= MAX_ECE:
            return GOOD
        return BY_CHANCE if self.ece <= self.ece_by_chance else OFF

    @property
    def has_trend(self) -> bool:
        """Say whether the reliability plot has a trend: the slope's 95 % interval does not hold 1."""
        return self.slope.low > 1 or self.slope.high < 1

    @property
    def is_calibrated(self) -> bool:
        """Say whether it has neither a trend nor an ECE beyond both the bound and chance."""
        return self.ece_verdict != OFF and not self.has_trend

    def as_json(self) -> dict[str, Any]:
        """Return the slice as a JSON object."""
        figures = {name: getattr(self, name) for name in self.__slots__}
        return figures | {
            "losses": dict(self.losses),
            "levels": {source: level.as_json() for source, level in self.levels.items()},
            "gaps": {source: gap.as_json() for source, gap in self.gaps.items()},
            "slope": self.slope._asdict(),
            "reliability": self.reliability._asdict(),
            "ece_verdict": self.ece_verdict,
            "has_trend": self.has_trend,
            "is_calibrated": self.is_calibrated,
        }


def slices_by(
    name: str, table: RaceTable, probabilities: Floats, feature_names: Sequence[str] = FEATURE_NAMES
) -> tuple[Slice, ...]:
    """Cut races by a slicing and judge the probabilities on each slice that has a runner.

    Races that are not whole, or have not exactly one winner, are left out.

    Parameters
    ----------
    name : str
        One of :data:`SLICINGS`.
    probabilities : ndarray of shape (n_runners,)
        Win probabilities, shared within each race of the table.
    feature_names : sequence of str
        What ``table.features`` holds; a slicing whose feature is not among it gives no slice.

    Raises
    ------
    ValueError
        If there is no such slicing.
    """
    if name not in SLICINGS:
        raise ValueError(f"a slicing is one of {', '.join(SLICINGS)}, got {name!r}")
    whole = judged_rows(table)
    table, p = table.take(whole), probabilities[whole]
    if not len(table):
        return ()
    slicing, race = SLICINGS[name], table.race
    prices = known_prices(table)
    sources = {MODEL: p, UNIFORM: 1 / np.bincount(race)[race], **prices.by_name}
    return tuple(
        _judge(slicing.name, name_of_slice, slicing.is_of_races, table, rows, sources, prices.rows)
        for name_of_slice, rows in slicing.cut(JudgedRaces(table, p, feature_names)).items()
        if rows.any()
    )


def _judge(
    slicing: str,
    name: str,
    is_of_races: bool,
    table: RaceTable,
    rows: NDArray[np.bool_],
    sources: Mapping[str, Floats],
    has_prices: NDArray[np.bool_],
) -> Slice:
    p, won, race = sources[MODEL][rows], table.won[rows], table.race[rows]
    compared = rows & has_prices
    return Slice(
        slicing=slicing,
        name=name,
        is_of_races=is_of_races,
        n_races=len(np.unique(race)),
        n_runners=len(p),
        n_compared=len(np.unique(table.race[compared])),
        losses={
            source: metrics.race_log_loss(q[compared], table.won[compared], table.race[compared])
            if is_of_races
            else metrics.log_loss(q[compared], table.won[compared])
            for source, q in sources.items()
            if compared.any()
        },
        levels=levels_of(sources, table, compared, is_by_race=is_of_races),
        gaps=gaps_to_model(sources, table, compared, is_by_race=is_of_races),
        predicted=float(p.mean()),
        observed=float(won.mean()),
        ece=metrics.ece(p, won),
        ece_by_chance=metrics.ece_by_chance(p),
        slope=metrics.calibration_slope(p, won, race),
        reliability=metrics.reliability(p, won),
    )


def levels_of(
    sources: Mapping[str, Floats], table: RaceTable, rows: NDArray[np.bool_], *, is_by_race: bool
) -> dict[str, Estimate]:
    """Return each source's loss on the runners of some rows.

    Parameters
    ----------
    sources : dict of str to ndarray of shape (n_runners,)
        Probabilities; those of ``market (BSP/SP)`` among them are what expects.
    rows : ndarray of bool
        Whole races, or single runners where the loss is one by runner.
    """
    return _estimates({name: (p, None) for name, p in sources.items()}, sources, table, rows, is_by_race)


def gaps_to_model(
    sources: Mapping[str, Floats], table: RaceTable, rows: NDArray[np.bool_], *, is_by_race: bool
) -> dict[str, Estimate]:
    """Return the model's loss less each other source's, see :func:`levels_of`."""
    pairs = {name: (sources[MODEL], p) for name, p in sources.items() if name != MODEL}
    return _estimates(pairs, sources, table, rows, is_by_race)


def _estimates(
    pairs: Mapping[str, tuple[Floats, Floats | None]],
    sources: Mapping[str, Floats],
    table: RaceTable,
    rows: NDArray[np.bool_],
    is_by_race: bool,
) -> dict[str, Estimate]:
    if not rows.any():
        return {}
    race, market = table.race[rows], sources.get(MARKET)
    n = np.asarray(np.diff(race, prepend=-1) > 0 if is_by_race else np.ones(len(race)), np.float64)

    def mean(p: Floats, less: Floats | None, share: Floats | NDArray[np.bool_]) -> Difference:
        parts = metrics.loss_parts(p[rows], share[rows], is_by_race=is_by_race)
        if less is not None:
            parts = parts - metrics.loss_parts(less[rows], share[rows], is_by_race=is_by_race)
        return metrics.clustered_mean(parts, n, race)

    return {
        name: Estimate(mean(p, less, table.won), None if market is None else mean(p, less, market))
        for name, (p, less) in pairs.items()
    }
