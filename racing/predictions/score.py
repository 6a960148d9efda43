"""How good the logged predictions were: race log loss beside the market's, by week, track or version.

A race counts once, by the last card that was answered for it; by version, by the last of each. Cards answered
after race day count only with ``with_late``: the model sees only runs before the card's date, but it may have
learnt from the race itself.

Nothing is added up card by card here: :mod:`racing.predictions.sums` has the sums by day, track and version.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, func, select

from racing.database.one_state import reading_one_state
from racing.metrics import paired_interval
from racing.predictions.prediction_filter import PredictionFilter
from racing.predictions.sums import N_LEVELS, count_levels, counting
from racing.predictions.tables import SUMS

BY = ("week", "track", "version")
N_BINS = 10
_N_DAYS = 400  # whose shares are in memory at once: 1 MB where 100 races a day count


@dataclass(frozen=True, slots=True)
class Bin:
    """Runners of about the same probability: how many, their mean probability, and how often they won."""

    n_runners: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Score:
    """How good the predictions of some races were; NaN where there is nothing to judge by.

    ``log_loss`` is the race log loss over all races, ``uniform_log_loss`` that of knowing but the field size.
    The market is judged where every starter has a price (BSP, else SP), and ``log_loss_with_market`` is the
    model's own on just those ``n_with_market`` races. ``behind_market`` is how much more it is than the
    market's there, above 0 the market is better, with the ends of its 95 % interval, paired by race.
    """

    group: str
    """The week's Monday, the track's key or the version; ``all`` for everything."""
    n_races: int
    log_loss: float
    uniform_log_loss: float
    top_pick_rate: float
    n_with_market: int
    log_loss_with_market: float
    market_log_loss: float
    behind_market: float
    behind_market_low: float
    behind_market_high: float


@dataclass(frozen=True, slots=True)
class Scores:
    """All together, group by group, and predicted beside observed frequencies."""

    total: Score
    groups: tuple[Score, ...]
    bins: tuple[Bin, ...]
    """About ten, of about equally many runners each, over everything."""


Sums = tuple[float, ...]
"""Races, their loss, the uniform loss, top picks that won; races with a market, both losses on them, and the
squares of their differences."""
_SUMMED = (
    SUMS.c.n_races, SUMS.c.loss, SUMS.c.uniform_loss, SUMS.c.top_picks, SUMS.c.n_with_market,
    SUMS.c.loss_with_market, SUMS.c.market_loss, SUMS.c.squared_gaps,
)  # fmt: skip


def score_predictions(
    engine: Engine, filters: PredictionFilter, *, by: str | None = None, with_late: bool = False
) -> Scores:
    """Judge the predictions whose outcomes are known."""
    one_version = filters.version is not None
    way = counting(with_late=with_late, by_version=one_version)
    with reading_one_state(engine) as connection:
        bins = _bins(connection, filters, way)
        of_all = _sums(connection, filters, way, None if by == "version" else by)
        sums = of_all
        if by == "version":
            sums = _sums(connection, filters, counting(with_late=with_late, by_version=True), by)
    total = _add(*of_all.values())
    groups = () if by is None else tuple(_score(key, sums[key]) for key in sorted(sums, key=_order))
    return Scores(_score("all", total), groups, bins)


def _sums(connection: Connection, filters: PredictionFilter, way: int, by: str | None) -> dict[str, Sums]:
    column = {"track": SUMS.c.track, "version": SUMS.c.model_version}.get(by or "", SUMS.c.date)
    query = (
        select(column, *map(func.sum, _SUMMED))
        .where(SUMS.c.counting == way, *filters.conditions(SUMS))
        .group_by(column)
    )
    parts: dict[str, list[Sums]] = defaultdict(list)
    for key, *sums in connection.execute(query):
        parts[_monday(key) if by == "week" else str(key)].append(tuple(sums))
    return {key: _add(*some) for key, some in parts.items()}


def _monday(date: dt.date) -> str:
    return (date - dt.timedelta(days=date.weekday())).isoformat()


def _add(*parts: Sums) -> Sums:
    return tuple(map(sum, zip(*parts, strict=True))) if parts else (0.0,) * 8


def _score(group: str, sums: Sums) -> Score:
    n, loss, uniform, top, n_priced, loss_priced, market, squares = sums

    def mean(total: float, number: float) -> float:
        return total / number if number else float("nan")

    means = (mean(loss, n), mean(uniform, n), mean(top, n))
    beside = (int(n_priced), mean(loss_priced, n_priced), mean(market, n_priced))
    return Score(
        group, int(n), *means, *beside, *paired_interval(int(n_priced), loss_priced - market, squares)
    )


def _order(key: str) -> tuple[int, str]:
    return (int(key) if key.isdecimal() else 0, key)


def _bins(connection: Connection, filters: PredictionFilter, way: int) -> tuple[Bin, ...]:
    n = _levels(connection, filters, way)
    n_runners = n.sum(axis=1)
    used = np.flatnonzero(n_runners)
    if not len(used):
        return ()
    n_runners, n_won = n_runners[used], n[used, 1]
    predicted = n_runners * (used + 0.5) / N_LEVELS
    middle = np.cumsum(n_runners) - n_runners / 2
    _, starts = np.unique((middle * N_BINS / n_runners.sum()).astype(np.int64), return_index=True)
    sizes, sums, wins = (np.add.reduceat(values, starts) for values in (n_runners, predicted, n_won))
    return tuple(
        Bin(int(n), float(p / n), float(won / n)) for n, p, won in zip(sizes, sums, wins, strict=True)
    )


def _levels(connection: Connection, filters: PredictionFilter, way: int) -> NDArray[np.int64]:
    """Return the number of starters by level of their share, as :func:`racing.predictions.sums.count_levels`.

    The database puts the shares of each day together, so that the interpreter gets few rows.
    """
    is_sqlite = connection.dialect.name == "sqlite"  # it joins texts only
    shares: Any = (
        func.group_concat(func.hex(SUMS.c.shares), "") if is_sqlite else func.string_agg(SUMS.c.shares, b"")
    )
    query = select(shares).where(SUMS.c.counting == way, *filters.conditions(SUMS)).group_by(SUMS.c.date)
    levels = np.zeros((N_LEVELS, 2), np.int64)
    with connection.execute(query, execution_options={"yield_per": _N_DAYS}) as result:
        for some in result.scalars().partitions():
            levels += count_levels(bytes.fromhex("".join(some)) if is_sqlite else b"".join(some))
    return levels
