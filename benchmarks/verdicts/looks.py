"""What one sees who looks after each race: false alarms, and how long a decision takes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.verdicts.pools import Pool
from racing.comparison.confidence import asymptotic_path, difference_path, empirical_bernstein
from racing.comparison.gains import ArmScores, Gains

Directions = NDArray[np.int8]
RACES_A_DAY = 110
NEVER = np.inf


@dataclass(frozen=True, slots=True)
class Looks:
    """After each race: 1 better, -1 worse, 0 undecided; and whether the market is trusted."""

    by_outcome: Directions
    by_market: Directions
    is_trusted: NDArray[np.bool_]
    decision: Directions


def looks_at(gains: Gains, alpha: float) -> Looks:
    """Return what :func:`racing.comparison.verdict.paired_verdict` would have given after each race."""
    return _looks(
        asymptotic_path(gains.by_outcome, alpha=alpha / 2),
        asymptotic_path(gains.by_market, alpha=alpha / 2),
        asymptotic_path(gains.by_outcome - gains.by_market, alpha=alpha),
    )


def split_looks(is_champion: NDArray[np.bool_], scores: ArmScores, alpha: float) -> Looks:
    """Return what :func:`racing.comparison.verdict.split_verdict` would have given after each race."""
    return _looks(
        difference_path(scores.by_outcome, is_champion, alpha=alpha / 2),
        difference_path(scores.by_market, is_champion, alpha=alpha / 2),
        difference_path(scores.by_outcome - scores.by_market, is_champion, alpha=alpha),
    )


def z_test_alarms(values: NDArray[np.float64], every: int, first: int = 50) -> bool:
    """Return whether a z-test at .05, looked at again and again, ever finds a difference."""
    n = np.arange(1, len(values) + 1)
    mean = np.cumsum(values) / n
    variance = (np.cumsum(values**2) - n * mean**2) / np.maximum(n - 1, 1)
    crossed = np.abs(mean) > 1.96 * np.sqrt(variance / n)
    return bool(crossed[first - 1 :: every].any())


def first_time(directions: Directions) -> float:
    """Return after how many races there is a decision for the first time."""
    decided = directions != 0
    return float(np.argmax(decided) + 1) if decided.any() else NEVER


def exact_decision(values: NDArray[np.float64], alpha: float, bound: float) -> float:
    """Return after how many races the empirical Bernstein sequence decides, at looks 5 % apart."""
    looks = np.unique(np.geomspace(50, len(values), 1 + int(np.log(len(values) / 50) / 0.05)).astype(int))
    for n in looks.tolist():
        if empirical_bernstein(values[:n], alpha=alpha, bound=bound).direction != "undecided":
            return float(n)
    return NEVER


def without_difference(
    pool: Pool, n_experiments: int, n_looks: int, alpha: float, rng: np.random.Generator
) -> dict[str, float]:
    """Return how often, of experiments without a difference, each way ever alarms."""
    counts: dict[str, int] = {}
    for _ in range(n_experiments):
        gains = pool.draw(n_looks, rng)
        looks = looks_at(gains, alpha)
        _count(counts, looks)
        counts["z daily"] = counts.get("z daily", 0) + z_test_alarms(gains.by_outcome, RACES_A_DAY)
        counts["z"] = counts.get("z", 0) + z_test_alarms(gains.by_outcome, 1)
    return {name: count / n_experiments for name, count in counts.items()}


def split_without_difference(
    pool: Pool, share: float, n_experiments: int, n_looks: int, alpha: float, rng: np.random.Generator
) -> dict[str, float]:
    """Return the same of a split that gives the challenger a share of the races."""
    counts: dict[str, int] = {}
    for _ in range(n_experiments):
        _count(counts, split_looks(*pool.draw_split(n_looks, share, rng), alpha))
    return {name: count / n_experiments for name, count in counts.items()}


def _count(counts: dict[str, int], looks: Looks) -> None:
    for name, happened in (
        ("outcomes", (looks.by_outcome != 0).any()),
        ("market", (looks.by_market != 0).any()),
        ("decision", (looks.decision != 0).any()),
        ("withheld", (~looks.is_trusted).any()),
        ("withheld at the end", ~looks.is_trusted[-1]),
    ):
        counts[name] = counts.get(name, 0) + bool(happened)


def _looks(
    outcome: tuple[NDArray[np.float64], ...],
    market: tuple[NDArray[np.float64], ...],
    agreement: tuple[NDArray[np.float64], ...],
) -> Looks:
    by_outcome, by_market = _directions(outcome), _directions(market)
    trusted = _directions(agreement) == 0
    seen = np.where(trusted, by_market, 0)
    decision = np.where(seen == 0, by_outcome, np.where(by_outcome == -seen, 0, seen)).astype(np.int8)
    return Looks(by_outcome, by_market, trusted, decision)


def _directions(path: tuple[NDArray[np.float64], ...]) -> Directions:
    _, low, high = path
    return (low > 0).astype(np.int8) - (high < 0).astype(np.int8)
