"""Places from win probabilities: the discounts fitted, and the outcome judged beside the place market."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]

from racing import metrics
from racing.metrics import Difference
from racing.probabilities import BENTER_DISCOUNTS, n_places, place_probabilities
from racing.race_table import RaceTable
from training.data.whole_races import rows_of_known

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FITTED, BENTER, HARVILLE = "model, discounts fitted", "model, Benter's discounts", "model, Harville"
UNIFORM, WIN_MARKET, PLACE_MARKET = "uniform", "win market, same discounts", "place market (BSP)"

HARVILLE_DISCOUNTS = (1.0, 1.0, 1.0)

_MIN_SHARE_PRICED = 0.5  # a market joins if it is known for half of the races
_PRIOR_SD = 0.5  # of a discount's logarithm, about Benter's: without third places the third stays his
_LOG_DISCOUNTS = (-3.0, 0.0)  # above 1 a favourite would be surer of the second place than of the first
_FLOOR = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceFigures:
    """Place probabilities of one source, judged by runner."""

    name: str
    log_loss: float
    """Per runner."""
    brier: float
    ece: float
    model_minus_this: Difference
    """In log loss per runner, with the 95 % interval of a bootstrap by race; below 0 the model is better."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures as a JSON object."""
        figures = {name: getattr(self, name) for name in self.__slots__}
        return figures | {"model_minus_this": self.model_minus_this._asdict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceComparison:
    """Several sources judged on the same races; the model with its fitted discounts comes first."""

    n_races: int
    n_runners: int
    discounts: tuple[float, ...]
    ece_by_chance: float
    """95 % of perfect models would show a smaller ECE on these runners."""
    rows: tuple[PlaceFigures, ...]

    def __getitem__(self, name: str) -> PlaceFigures:
        return next(row for row in self.rows if row.name == name)

    def __contains__(self, name: str) -> bool:
        return any(row.name == name for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as a JSON object."""
        figures = {name: getattr(self, name) for name in self.__slots__}
        return figures | {"discounts": list(self.discounts), "rows": [row.as_json() for row in self.rows]}


def fit_place_discounts(
    win_p: Floats, placed: Floats, race: Ints, n_places: int | Ints
) -> tuple[float, float, float]:
    """Find the discounts of the greatest likelihood that those were placed who were.

    The likelihood of a race is the probability of its set of placed runners, whatever their order, under
    :func:`racing.probabilities.place_probabilities`. Races count that have two or three places, more runners
    than places, and as many placed as places. A weak prior about Benter's constants (Benter 1994) decides
    where they do not: with no such race, or none with three places.

    Parameters
    ----------
    placed : ndarray of shape (n_runners,)
        1 or 0; a race with NaN does not count.
    n_places : int or ndarray of shape (n_races,)
        Places paid.

    Returns
    -------
    tuple of float
        Exponents for the first place (always 1), the second and the third, none above 1.
    """
    fields = _fields_by_places(win_p, placed, race, n_places)
    prior = np.log(BENTER_DISCOUNTS[1:])

    def loss(log_discounts: Floats) -> float:
        second, third = np.exp(np.clip(log_discounts, *_LOG_DISCOUNTS))
        fitted = sum(_set_log_likelihood(p, is_placed, second, third) for p, is_placed in fields)
        return float(0.5 * np.sum(((log_discounts - prior) / _PRIOR_SD) ** 2) - fitted)

    best = minimize(loss, prior, method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-4})
    second, third = np.exp(np.clip(best.x, *_LOG_DISCOUNTS))
    return 1.0, float(second), float(third)


def placed_as_paid(table: RaceTable) -> NDArray[np.bool_]:
    """Say of each row whether its race is whole, with as many placed runners as a field of its size pays for.

    Late scratchings leave races that pay more; where a runner's place is unknown, the race is not meant.
    """
    if not len(table):
        return np.zeros(0, np.bool_)
    race = table.race
    sizes = np.bincount(race)
    is_whole = np.bincount(race, table.is_whole) == sizes
    as_paid = np.bincount(race, table.placed) == n_places(sizes)  # false where one is NaN
    return np.asarray((is_whole & as_paid & (sizes > n_places(sizes)))[race], np.bool_)


def judge_places(
    table: RaceTable, win_p: Floats, discounts: tuple[float, ...], *, seed: int = 0
) -> PlaceComparison | None:
    """Judge place probabilities on whole races that paid as many places as fields of their size do.

    A market, of places or of the win, joins where at least half of those races have its prices; all sources
    are judged on the races that have them all. ``None`` without any race.
    """
    rows = placed_as_paid(table)
    judged, win = table.take(rows), win_p[rows]
    if not len(judged):
        return None
    markets = {PLACE_MARKET: judged.place_market_probability, WIN_MARKET: judged.market_probability}
    known = {name: rows_of_known(p, judged.race) for name, p in markets.items()}
    known = {name: rows for name, rows in known.items() if rows.mean() >= _MIN_SHARE_PRICED}
    priced = np.logical_and.reduce(list(known.values())) if known else np.ones(len(judged), np.bool_)
    if not priced.any():
        return None
    judged, win = judged.take(priced), win[priced]
    race = judged.race
    sizes = np.bincount(race)
    paid = n_places(sizes)
    sources = {
        FITTED: place_probabilities(win, race, paid, discounts),
        BENTER: place_probabilities(win, race, paid, BENTER_DISCOUNTS),
        HARVILLE: place_probabilities(win, race, paid, HARVILLE_DISCOUNTS),
        UNIFORM: (paid / sizes)[race],
    }
    if WIN_MARKET in known:
        sources[WIN_MARKET] = place_probabilities(judged.market_probability, race, paid, discounts)
    if PLACE_MARKET in known:
        sources[PLACE_MARKET] = judged.place_market_probability
    return PlaceComparison(
        n_races=len(sizes),
        n_runners=len(judged),
        discounts=discounts,
        ece_by_chance=metrics.ece_by_chance(sources[FITTED]),
        rows=_compare(sources, judged.placed == 1, race, seed),
    )


def _compare(
    sources: Mapping[str, Floats], placed: NDArray[np.bool_], race: Ints, seed: int
) -> tuple[PlaceFigures, ...]:
    n_runners, n_races = len(race), race[-1] + 1

    def by_race(p: Floats) -> Floats:
        """Return each race's loss, so that their mean is the loss per runner."""
        p = np.clip(p, _FLOOR, 1 - _FLOOR)
        return np.bincount(race, -np.log(np.where(placed, p, 1 - p))) * (n_races / n_runners)

    losses = {name: by_race(p) for name, p in sources.items()}
    return tuple(
        PlaceFigures(
            name=name,
            log_loss=metrics.log_loss(p, placed),
            brier=metrics.brier(p, placed),
            ece=metrics.ece(p, placed),
            model_minus_this=metrics.paired_bootstrap(losses[FITTED], losses[name], seed=seed),
        )
        for name, p in sources.items()
    )


def _fields_by_places(
    win_p: Floats, placed: Floats, race: Ints, n_places: int | Ints
) -> list[tuple[Floats, NDArray[np.bool_]]]:
    """Return win probabilities and who was placed, shape (n_races, n_runners), for each size and places."""
    if not len(race):
        return []
    starts = np.flatnonzero(np.diff(race, prepend=-1))
    sizes = np.diff(starts, append=len(race))
    paid = np.broadcast_to(np.asarray(n_places), sizes.shape)
    counts = np.isin(paid, (2, 3)) & (sizes > paid) & (np.add.reduceat(placed, starts) == paid)
    fields = []
    for size, places in sorted({(int(s), int(k)) for s, k in zip(sizes[counts], paid[counts], strict=True)}):
        rows = starts[counts & (sizes == size) & (paid == places), None] + np.arange(size)
        p = np.maximum(win_p[rows], _FLOOR)
        fields.append((p / p.sum(axis=1, keepdims=True), placed[rows] == 1))
    return fields


def _set_log_likelihood(p: Floats, is_placed: NDArray[np.bool_], second: float, third: float) -> float:
    """Return the log probability of the placed runners, summed over races with equally many of them."""
    n = len(p)
    powers = (p, p**second, p**third)
    # Sums over the others never come from a subtraction alone: those not placed are summed apart.
    others = [np.where(is_placed, 0.0, power).sum(axis=1) for power in powers]
    placed = [power[is_placed].reshape(n, -1) for power in powers]
    places = placed[0].shape[1]
    total = np.zeros(n)
    for order in permutations(range(places)):
        chance = np.ones(n)
        for turn, runner in enumerate(order):
            left = others[turn] + placed[turn][:, list(order[turn:])].sum(axis=1)
            chance = chance * placed[turn][:, runner] / left
        total += chance
    return float(np.log(np.maximum(total, _FLOOR)).sum())
