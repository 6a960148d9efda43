"""Figures of merit of win probabilities, and how sure one can be of their differences.

``p`` are probabilities, ``won`` the outcomes, ``race`` the race of each runner as 0, 1, 2 ... in order.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Races = NDArray[np.int64]

_FLOOR = 1e-15
N_BINS = 10
LEAST_FOR_INTERVAL = 10  # races


class Difference(NamedTuple):
    """A mean difference with the ends of its 95 % interval."""

    difference: float
    low: float
    high: float


class Slope(NamedTuple):
    """The slope of a recalibration with the ends of its 95 % interval; NaN where it has no answer."""

    slope: float
    low: float
    high: float


class Reliability(NamedTuple):
    """Predicted and observed frequency, bin by bin; each array has one entry a bin."""

    predicted: Floats
    observed: Floats
    n_runners: NDArray[np.int64]


def per_race_log_loss(p: Floats, won: Flags, race: Races) -> Floats:
    """Return minus the log of each race's winner's probability; NaN where not exactly one runner won."""
    if not len(p):
        return np.zeros(0)
    starts = _starts(race)
    winners = np.add.reduceat(won.astype(np.float64), starts)
    losses = np.add.reduceat(np.where(won, -np.log(np.maximum(p, _FLOOR)), 0.0), starts)
    return np.where(winners == 1, losses, np.nan)


def expected_loss(market: Floats, p: Floats, race: Races) -> Floats:
    """Return what a market expects of each race's log loss: the sum of its share times -ln p.

    The market's share of itself is its entropy. NaN where the market is unknown.
    """
    if not len(p):
        return np.zeros(0)
    return np.add.reduceat(market * -np.log(np.maximum(p, _FLOOR)), _starts(race))


def loss_parts(p: Floats, share: Floats | Flags, *, is_by_race: bool) -> Floats:
    """Return each runner's part of a loss, given who won, or the share that a market expects to win.

    By race the parts of its runners sum to its log loss; otherwise each is the log loss of one runner alone.
    """
    p = np.clip(p, _FLOOR, 1 - _FLOOR)
    of_winning = -np.asarray(share, np.float64) * np.log(p)
    return of_winning if is_by_race else of_winning - (1.0 - share) * np.log1p(-p)


def race_log_loss(p: Floats, won: Flags, race: Races) -> float:
    """Return minus the mean log of the winner's probability over the races with exactly one winner."""
    losses = per_race_log_loss(p, won, race)
    losses = losses[~np.isnan(losses)]
    return float(losses.mean()) if len(losses) else float("nan")


def log_loss(p: Floats, won: Flags) -> float:
    """Return the log loss per runner, each judged alone."""
    return float(np.mean(per_runner_log_loss(p, won)))


def per_runner_log_loss(p: Floats, won: Flags) -> Floats:
    """Return minus the log of the probability of what each runner did."""
    p = np.clip(p, _FLOOR, 1 - _FLOOR)
    return -np.where(won, np.log(p), np.log1p(-p))


def brier(p: Floats, won: Flags) -> float:
    """Return the mean squared error of the probabilities (Brier 1950)."""
    return float(np.mean((p - won) ** 2))


def auc(p: Floats, won: Flags) -> float:
    """Return the chance that a winner is put above a loser, ties counting half; NaN with one class only."""
    _, rank, count = np.unique(p, return_inverse=True, return_counts=True)
    mean_rank = (np.cumsum(count) - (count - 1) / 2)[rank]
    n_won = int(won.sum())
    n_lost = len(won) - n_won
    if not n_won or not n_lost:
        return float("nan")
    return float((mean_rank[won].sum() - n_won * (n_won + 1) / 2) / (n_won * n_lost))


def reliability(p: Floats, won: Flags, n_bins: int = N_BINS) -> Reliability:
    """Return mean probability, share of winners and size of bins that hold equally many runners.

    Equal probabilities stay in one bin, so bins can be fewer and of unequal size.
    """
    bins = _bins(p, n_bins)
    count = np.bincount(bins)
    keep = count > 0
    n = count[keep].astype(np.int64)
    predicted = np.bincount(bins, p)[keep] / n
    return Reliability(predicted, np.bincount(bins, won)[keep] / n, n)


def ece(p: Floats, won: Flags, n_bins: int = N_BINS) -> float:
    """Return the expected calibration error over ten bins of equal count (Naeini et al. 2015).

    Bins of equal count, since of equal width the upper half would hold a handful of runners. Compare it
    with :func:`ece_by_chance`: on 9,000 runners a perfect model shows .010.
    """
    predicted, happened, n = reliability(p, won, n_bins)
    return float(np.sum(np.abs(predicted - happened) * n) / n.sum())


def ece_by_chance(p: Floats, n_bins: int = N_BINS, quantile: float = 0.95, seed: int = 0) -> float:
    """Return the ECE that a perfectly calibrated model stays below with chance ``quantile`` on these rows."""
    bins = _bins(p, n_bins)
    spread = np.sqrt(np.bincount(bins, p * (1 - p)))
    errors = np.abs(np.random.default_rng(seed).normal(size=(4000, len(spread))) * spread)
    return float(np.quantile(errors.sum(axis=1) / len(p), quantile))


def calibration_slope(p: Floats, won: Flags, race: Races) -> Slope:
    """Return the slope with which the log odds fit the outcomes best: 1 is calibrated, below 1 too bold.

    A logistic recalibration (Cox 1958) with no intercept. The interval allows for the runners of a race not
    being independent (sandwich by race, Liang and Zeger 1986). No slope where outcomes follow the sign of the
    log odds without exception, as when no outsider has won.
    """
    p = np.clip(p, _FLOOR, 1 - _FLOOR)
    x = np.log(p) - np.log1p(-p)
    agrees = (x > 0) == won
    if agrees.all() or not agrees.any():
        return Slope(float("nan"), float("nan"), float("nan"))
    slope = 1.0
    for _ in range(100):
        q = 0.5 * (1 + np.tanh(0.5 * slope * x))
        information = float(np.sum(q * (1 - q) * x * x))
        step = float(np.sum(x * (won - q))) / max(information, _FLOOR)
        slope += float(np.clip(step, -0.5, 0.5))  # far off, a full step would overshoot
        if abs(step) < 1e-9:
            break
    by_race = np.add.reduceat(x * (won - q), _starts(race))
    error = 1.96 * float(np.sqrt(np.sum(by_race**2))) / max(information, _FLOOR)
    return Slope(slope, slope - error, slope + error)


def accuracy(p: Floats, won: Flags, threshold: float = 0.5) -> float:
    """Return the share of runners on the right side of the threshold; "nobody wins" is 0.875 in eights."""
    return float(np.mean((p >= threshold) == won))


def f1(p: Floats, won: Flags, threshold: float) -> float:
    """Return the harmonic mean of precision and recall for ``p >= threshold``, at natural prevalence."""
    picked = p >= threshold
    return 2 * int(np.sum(picked & won)) / max(int(np.sum(picked)) + int(np.sum(won)), 1)


def best_f1_threshold(p: Floats, won: Flags) -> float:
    """Return the threshold with the highest :func:`f1`; learn it on other rows than those judged."""
    order = np.argsort(-p, kind="stable")
    scores = 2 * np.cumsum(won[order]) / (np.arange(1, len(p) + 1) + won.sum())
    last_of_tie = np.append(np.diff(p[order]) != 0, True)
    return float(p[order][int(np.argmax(np.where(last_of_tie, scores, -1.0)))])


def balanced_f1(p: Floats, won: Flags, threshold: float | None = None) -> float:
    """Return F1 with weights that make winners and losers even, for p >= the share of winners.

    It is 2 TPR / (1 + TPR + FPR). "Everyone wins" scores .667, so read it beside the other figures.
    """
    picked = p >= (won.mean() if threshold is None else threshold)
    if won.all() or not won.any():
        return float("nan")
    hit, false = float(np.mean(picked[won])), float(np.mean(picked[~won]))
    return float(2 * hit / (1 + hit + false))


def per_race_top_pick(p: Floats, won: Flags, race: Races) -> Floats:
    """Return of each race 1 if its highest probability wins, else 0; tied tops share the race."""
    starts = _starts(race)
    sizes = np.diff(starts, append=len(p))
    is_top = p == np.repeat(np.maximum.reduceat(p, starts), sizes)
    tops = np.add.reduceat(is_top.astype(np.float64), starts)
    hits: Floats = np.add.reduceat((is_top & won).astype(np.float64), starts) / np.maximum(tops, 1)
    return hits


def top_pick_rate(p: Floats, won: Flags, race: Races) -> float:
    """Return how often a race's highest probability wins; tied tops share the race."""
    return float(np.mean(per_race_top_pick(p, won, race))) if len(p) else float("nan")


def market_information(model: float, uniform: float, market: float) -> float:
    """Return the share of the way from knowing nothing to the market, in race log loss; 1 is the market."""
    return (uniform - model) / (uniform - market) if uniform != market else float("nan")


def paired_bootstrap(loss_a: Floats, loss_b: Floats, n: int = 2000, seed: int = 0) -> Difference:
    """Return the mean of ``loss_a - loss_b`` with its 95 % percentile interval (Efron 1979).

    Both hold one loss for each of the same races; races are drawn with replacement, each pair stays together.
    """
    gap = loss_a - loss_b
    if not len(gap):
        return Difference(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    means = np.empty(n)
    for i in range(0, n, 50):  # 50 at a time: 9,000 races stay in the cache's reach
        draws = rng.integers(0, len(gap), size=(min(50, n - i), len(gap)), dtype=np.int32)
        means[i : i + 50] = gap[draws].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Difference(float(gap.mean()), float(low), float(high))


def clustered_mean(values: Floats, counts: Floats, race: Races) -> Difference:
    """Return the sum of values by the sum of counts, with the 95 % interval of races drawn whole.

    What runners of one race do hangs together, so races are what varies (ratio estimator, Cochran 1977).
    """
    if not counts.sum():
        return Difference(float("nan"), float("nan"), float("nan"))
    total, n = np.add.reduceat(values, _starts(race)), np.add.reduceat(counts, _starts(race))
    mean = float(total.sum() / n.sum())
    error = 1.96 * float(np.sqrt(np.sum((total - mean * n) ** 2))) / float(n.sum())
    return Difference(mean, mean - error, mean + error)


def paired_interval(n: int, total: float, total_of_squares: float) -> Difference:
    """Return a mean difference with its 95 % interval, from the sums of the differences and their squares.

    One difference a race: for logs whose races a database adds up. Student's quantile is Fisher's expansion,
    right to 0.1 % from 10 races on; below there is no interval (NaN).
    """
    if not n:
        return Difference(float("nan"), float("nan"), float("nan"))
    mean = total / n
    if n < LEAST_FOR_INTERVAL:
        return Difference(mean, float("nan"), float("nan"))
    spread = math.sqrt(max(total_of_squares - n * mean**2, 0.0) / (n - 1) / n)
    z, df = 1.959964, n - 1
    quantile = z + (z**3 + z) / (4 * df) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df**2)
    return Difference(mean, mean - quantile * spread, mean + quantile * spread)


def _starts(race: Races) -> NDArray[np.int64]:
    return np.concatenate([[0], np.flatnonzero(race[1:] != race[:-1]) + 1])


def _bins(p: Floats, n_bins: int) -> NDArray[np.int64]:
    inner = np.unique(np.quantile(p, np.arange(1, n_bins) / n_bins))
    return np.searchsorted(inner, p, side="right")
