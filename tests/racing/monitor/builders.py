"""Days of inputs drawn from distributions that are known."""

import datetime as dt
from typing import Any

import numpy as np

from racing.monitor.drift import psi, usual_days
from racing.monitor.input_counts import FACTS, Bins, Counted, bins_of
from racing.monitor.input_days import DayOfInputs

FEATURES = ("box", "market_rating", "best_time", "runs_known", "track")
TODAY = dt.date(2026, 3, 14)


def make_reference(features: np.ndarray, names: tuple[str, ...] = FEATURES) -> dict[str, Any]:
    """A document as a training writes it, of features that may be unknown."""

    def described(values: np.ndarray) -> dict[str, Any]:
        known = values[np.isfinite(values)]
        edges = np.unique(np.quantile(known, np.arange(1, 10) / 10))
        counts = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1)
        missing = 1 - len(known) / len(values)
        return {"share_unknown": missing, "edges": edges.tolist(), "shares": (counts / len(known)).tolist()}

    columns = {name: described(column) for name, column in zip(names, features.T, strict=True)}
    return {"features": columns, "win_probability": described(np.linspace(0.01, 0.6, len(features)))}


def draw(rng: np.random.Generator, n_races: int) -> np.ndarray:
    """Features of races of 8: the last is the race's, the others the runner's, the third is often unknown."""
    n = 8 * n_races
    values = rng.normal(size=(n, len(FEATURES))).astype(np.float32)
    values[rng.random(n) < 0.2, 2] = np.nan
    values[:, 3] = rng.poisson(6, n)
    values[:, 4] = np.repeat(rng.integers(1, 40, -(-n_races // 10)), 80)[:n]
    return values


def make_bins(rng: np.random.Generator, *, n_days: int = 40, n_races: int = 100) -> Bins:
    """Bins whose document also says how quiet days differ, if there are any."""
    document = make_reference(draw(rng, 3000))
    bins = bins_of(document, FEATURES)
    if not n_days:
        return bins
    by_day = [psi(count(bins, draw(rng, n_races), rng), bins.shares, bins.exists) for _ in range(n_days)]
    usual = usual_days(np.array(by_day), np.full(n_days, 8 * n_races))
    assert usual is not None
    return Bins(bins.names, bins.edges, bins.shares, usual)


def count(bins: Bins, features: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Counts with win probabilities drawn beside them."""
    return bins.count(features, rng.uniform(0.01, 0.6, len(features)))


def make_day(
    bins: Bins, features: np.ndarray, rng: np.random.Generator, *, days_ago: int = 0, **facts: int
) -> DayOfInputs:
    """A day on which these features came in, over the hours from 8 to 18."""
    n_cards = len(features) // 8
    counted = Counted(bins, count(bins, features, rng))
    of_day = {"n_cards": n_cards, "n_runners": len(features), "n_priced": n_cards} | facts
    for name, n in of_day.items():
        share = np.diff(np.linspace(0, n, 11).astype(int))
        counted.hours[8:18, FACTS.index(name)] = share
    return DayOfInputs(TODAY - dt.timedelta(days=days_ago), 7, "d" * 64, counted)
