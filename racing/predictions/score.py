"""How good the logged predictions were: race log loss beside the market's, by week, track or version.

A race counts once, by the last card that was answered for it; by version, by the last of each. Cards answered
after race day count only where asked for: the model sees only runs before the card's date, but it may have
learnt from the race itself.

The losses lie beside each card (:mod:`racing.predictions.outcomes`, by :mod:`racing.metrics`), so that the
database adds them up by itself: 100,000 cards take it less than a second.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Integer, case, cast, func, select

from racing.metrics import paired_interval
from racing.predictions.asked import Asked, last_words
from racing.predictions.tables import RACE, RUNNER

BY = ("week", "track", "version")
N_BINS = 10
_FINE = 500  # steps of probability that the database counts, from which the bins are put together


@dataclass(frozen=True, slots=True)
class Bin:
    """Runners of about the same probability: how many, what was said on average, and how often they won."""

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
    """All together, group by group, and what was said beside what happened."""

    total: Score
    groups: tuple[Score, ...]
    bins: tuple[Bin, ...]
    """About ten, of about equally many runners each, over everything."""


Sums = tuple[float, ...]
"""Races, their loss, the uniform loss, top picks that won; races with a market, both losses on them, and the
squares of their differences."""


def score_predictions(
    engine: Engine, asked: Asked, *, by: str | None = None, with_late: bool = False
) -> Scores:
    """Judge the predictions whose outcomes are known."""
    with engine.connect() as connection:
        last = last_words(asked, with_late=with_late)
        bins = _bins(connection, last)
        of_all = _sums(connection, last, None if by == "version" else by)
        sums = of_all
        if by == "version":
            sums = _sums(connection, last_words(asked, with_late=with_late, by_version=True), by)
    total = _add(*of_all.values())
    groups = () if by is None else tuple(_score(key, sums[key]) for key in sorted(sums, key=_order))
    return Scores(_score("all", total), groups, bins)


def _sums(connection: Connection, last: Any, by: str | None) -> dict[str, Sums]:
    column = {"track": RACE.c.track, "version": RACE.c.model_version}.get(by or "", RACE.c.date)
    is_priced, gap = RACE.c.market_loss.is_not(None), RACE.c.loss - RACE.c.market_loss
    query = (
        select(
            column,
            func.count(),
            func.sum(RACE.c.loss),
            func.sum(RACE.c.uniform_loss),
            func.sum(RACE.c.top_pick),
            func.count(RACE.c.market_loss),
            func.sum(case((is_priced, RACE.c.loss), else_=0.0)),
            func.sum(case((is_priced, RACE.c.market_loss), else_=0.0)),
            func.sum(case((is_priced, gap * gap), else_=0.0)),
        )
        .join(last, last.c.prediction_id == RACE.c.prediction_id)
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


def _bins(connection: Connection, last: Any) -> tuple[Bin, ...]:
    step = cast(RUNNER.c.share * _FINE, Integer).label("step")
    query = (
        select(step, func.count(), func.sum(RUNNER.c.share), func.sum(case((RUNNER.c.won, 1), else_=0)))
        .join(last, last.c.prediction_id == RUNNER.c.prediction_id)
        .where(RUNNER.c.share.is_not(None))
        .group_by(step)
        .order_by(step)
    )
    steps = [(int(n), float(said), int(won)) for _, n, said, won in connection.execute(query)]
    total, done = sum(n for n, _, _ in steps), 0
    bins: dict[int, list[tuple[int, float, int]]] = defaultdict(list)
    for n, said, won in steps:
        bins[int((done + n / 2) * N_BINS / total)].append((n, said, won))
        done += n
    return tuple(_bin(some) for some in bins.values())


def _bin(steps: list[tuple[int, float, int]]) -> Bin:
    n, said, won = map(sum, zip(*steps, strict=True))
    return Bin(int(n), said / n, won / n)
