"""How model, market and both together did by minutes to the off: logged cards beside prices of that minute.

A race counts once, as in every score (:mod:`racing.predictions.prediction_filter`), and at a minute only if
each of its starters had a price then. The market's chance of a runner is halfway between those of the best
price to back and the best to lay, else that of the last price matched; chances are shared out to 1 over the
starters, as everywhere (:func:`racing.probabilities.market_probabilities`). Reduction factors of removed
runners scale all prices of a book alike and fall out with that.

**Both together** is the log pool of :func:`racing.probabilities.combine_with_market`. Its two weights are
fitted minute by minute, for the races of each day on other days' races alone. Not those of the champion: they
are fitted to closing prices, and would trust a thin market two hours before the off as if it were the close.

Prices before the off are compared here. They enter no feature of any race, but for those of ten minutes
before it, which a model may be trained to know (:mod:`racing.importers.prices_before_off`).
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Engine, String, and_, case, cast, exists, func, or_, select

from racing.database.one_state import reading_one_state
from racing.database.tables import Race, Run, RunnerPrice, SourceRow
from racing.metrics import Difference, paired_interval, per_race_log_loss
from racing.predictions.prediction_filter import PredictionFilter, counted_cards
from racing.predictions.sums import counting
from racing.predictions.tables import LATEST, RUNNER, SUMS
from racing.probabilities import combine_with_market, fit_market_combination, market_probabilities

MINUTES = (120, 60, 30, 15, 10, 5, 4, 3, 2, 1, 0)
MAX_RACES = 500
"""The newest races with prices are judged: so many."""
LEAST_TO_FIT = 100  # races: two weights fitted on fewer say more of chance than of the market
N_FOLDS = 3
_UNKNOWN = Difference(float("nan"), float("nan"), float("nan"))
_PRICE: Any = RunnerPrice.__table__  # type: ignore[attr-defined]
_RACE: Any = Race.__table__  # type: ignore[attr-defined]
_RUN: Any = Run.__table__  # type: ignore[attr-defined]
_ROW: Any = SourceRow.__table__  # type: ignore[attr-defined]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MinuteScore:
    """The race log losses of one minute, over the same ``n_races``; NaN where there is nothing to judge by.

    Differences are paired by race, with the ends of their 95 % interval; above 0 the second is better.
    """

    minutes: int
    """To the off that was due."""
    n_races: int
    """Races whose starters all had a price then."""
    model_loss: float
    market_loss: float
    combined_loss: float
    """Of both together; NaN where too few races of other days are there to fit the weights."""
    model_behind_market: Difference
    combined_behind_market: Difference
    combined_behind_model: Difference
    n_races_to_off: int
    """Those of the races whose starters all had a price at minute 0 too."""
    market_behind_off: Difference
    """The market of this minute less that of minute 0, on those."""


@dataclass(frozen=True, slots=True)
class ByMinutes:
    """The scores by minutes to the off, and of which races they are."""

    minutes: tuple[MinuteScore, ...]
    """The earliest first; minutes at which no race has prices of all starters are left out."""
    n_races: int
    """Races with any price; the newest, at most :data:`MAX_RACES` of them."""
    is_cut: bool
    """There may be older ones with prices, which are not judged."""
    first_day: dt.date | None
    last_day: dt.date | None


@dataclass(frozen=True, slots=True)
class _Priced:
    """The starters of races with prices; arrays of shape (n_starters,), races side by side."""

    race: NDArray[np.int64]
    day: NDArray[np.int64]
    """Of each race: its number among the days."""
    share: Floats
    won: NDArray[np.bool_]
    price: Floats
    """Shape (n_starters, len(MINUTES)): decimal odds, NaN where unknown."""


def score_by_minutes(
    engine: Engine, filters: PredictionFilter, *, with_late: bool = False, max_races: int = MAX_RACES
) -> ByMinutes:
    """Judge the newest counted cards whose races have prices before the off, minute by minute."""
    with reading_one_state(engine) as connection:
        days, is_cut = _read(connection, filters, with_late=with_late, max_races=max_races)
    if not days:
        return ByMinutes((), 0, is_cut, None, None)
    priced = _priced([rows for _, rows in days])
    model = per_race_log_loss(priced.share, priced.won, priced.race)
    markets = [market_probabilities(priced.price[:, i], priced.race) for i in range(len(MINUTES))]
    market_losses = [per_race_log_loss(market, priced.won, priced.race) for market in markets]
    scores = tuple(
        _score(minutes, model, market_losses[i], _combined_loss(priced, markets[i]), market_losses[-1])
        for i, minutes in enumerate(MINUTES)
        if np.isfinite(market_losses[i]).any()
    )
    return ByMinutes(scores, len(model), is_cut, first_day=days[-1][0], last_day=days[0][0])


def _score(
    minutes: int, model: Floats, market: Floats, combined: Floats, market_at_off: Floats
) -> MinuteScore:
    known = np.isfinite(market)
    both = known & np.isfinite(market_at_off)
    return MinuteScore(
        minutes,
        int(known.sum()),
        _mean(model[known]),
        _mean(market[known]),
        _mean(combined[known]),
        _difference(model[known] - market[known]),
        _difference(combined[known] - market[known]),
        _difference(combined[known] - model[known]),
        int(both.sum()),
        _difference(market[both] - market_at_off[both]),
    )


def _mean(losses: Floats) -> float:
    return float(losses.mean()) if len(losses) else float("nan")


def _difference(gap: Floats) -> Difference:
    if not np.isfinite(gap).all():
        return _UNKNOWN
    return paired_interval(len(gap), float(gap.sum()), float((gap**2).sum()))


def _combined_loss(priced: _Priced, market: Floats) -> Floats:
    """Return the loss of model and market together, each race by weights fitted on other days; else NaN."""
    loss = np.full(len(priced.day), np.nan)
    is_known = np.isfinite(market)
    starts = np.flatnonzero(np.diff(priced.race, prepend=-1))
    races = np.flatnonzero(is_known[starts])
    fold = priced.day[races] % N_FOLDS
    share, won = priced.share[is_known], priced.won[is_known]
    known_market = market[is_known]
    sizes = np.diff(starts, append=len(priced.race))[races]
    race = np.repeat(np.arange(len(races)), sizes)
    runner_fold = fold[race]
    for i in range(N_FOLDS):
        if (fold != i).sum() < LEAST_TO_FIT or not (fold == i).any():
            continue
        others, own = runner_fold != i, runner_fold == i
        a, b = fit_market_combination(
            share[others], known_market[others], won[others], _renumbered(race[others])
        )
        own_race = _renumbered(race[own])
        p = combine_with_market(share[own], known_market[own], a, b, own_race)
        loss[races[fold == i]] = per_race_log_loss(p, won[own], own_race)
    return loss


def _renumbered(race: NDArray[Any]) -> NDArray[np.int64]:
    return np.cumsum(np.diff(race, prepend=race[:1]) != 0)


def _priced(days: list[list[Any]]) -> _Priced:
    """Return the starters of all days as arrays; a row is card, share, whether it won, chances by minute."""
    rows = np.array([tuple(row) for day in days for row in day], dtype=np.float64)
    n_rows = [len(day) for day in days]
    race = _renumbered(rows[:, 0])
    starts = np.flatnonzero(np.diff(race, prepend=-1))
    with np.errstate(divide="ignore"):
        price = 1 / rows[:, 3:]
    return _Priced(race, np.repeat(np.arange(len(days)), n_rows)[starts], rows[:, 1], rows[:, 2] == 1, price)


def _read(
    connection: Connection, filters: PredictionFilter, *, with_late: bool, max_races: int
) -> tuple[list[tuple[dt.date, list[Any]]], bool]:
    """Return the starters of the newest priced races, newest day first, and whether there are more."""
    found: list[tuple[dt.date, list[Any]]] = []
    left = max_races
    for day in _days(connection, filters, with_late=with_late):
        if left <= 0:
            return found, True
        rows = connection.execute(_starters(day, filters, with_late=with_late)).all()
        cards = sorted({row[0] for row in rows if any(row[3:])}, reverse=True)
        judged = set(cards[:left])
        if judged:
            found.append((day, [row for row in rows if row[0] in judged]))
        if len(cards) > left:
            return found, True
        left -= len(cards)
    return found, False


def _days(connection: Connection, filters: PredictionFilter, *, with_late: bool) -> Iterator[dt.date]:
    """Yield the days with counted cards and prices, the newest first."""
    way = counting(with_late=with_late, by_version=filters.version is not None)
    query = (
        select(SUMS.c.date)
        .where(SUMS.c.counting == way, *filters.conditions(SUMS))
        .where(exists().where(_PRICE.c.date == SUMS.c.date))
        .distinct()
        .order_by(SUMS.c.date.desc())
    )
    yield from connection.scalars(query).all()


def _starters(day: dt.date, filters: PredictionFilter, *, with_late: bool) -> Any:
    """Return the query of a day's starters: card, share, whether it won, and its chance at each minute.

    Where two sources have a price of the same minute the shorter counts.
    """
    chance = case(
        (
            and_(_PRICE.c.back > 1, _PRICE.c.lay >= _PRICE.c.back),
            (1.0 / _PRICE.c.back + 1.0 / _PRICE.c.lay) / 2,
        ),
        (_PRICE.c.last > 1, 1.0 / _PRICE.c.last),
    )
    of_source = exists().where(_ROW.c.run_id == _RUN.c.id, _ROW.c.race_key == _PRICE.c.race_key)
    is_of_race: ColumnElement[bool] = or_(
        _PRICE.c.race_key == "betfair:" + _RACE.c.market_id,
        _PRICE.c.race_key == _RACE.c.source_key,
        _PRICE.c.race_key == "race:" + cast(_RACE.c.id, String),
        of_source,
    )
    cards = counted_cards(filters, with_late=with_late).where(LATEST.c.date == day).subquery()
    at_minutes = [func.max(case((_PRICE.c.minutes == minutes, chance))) for minutes in MINUTES]
    return (
        select(RUNNER.c.prediction_id, RUNNER.c.share, case((RUNNER.c.won, 1), else_=0), *at_minutes)
        .join(cards, cards.c.prediction_id == RUNNER.c.prediction_id)
        .join(_RUN, _RUN.c.id == RUNNER.c.run_id)
        .join(_RACE, _RACE.c.id == _RUN.c.race_id)
        .outerjoin(
            _PRICE,
            and_(
                _PRICE.c.date == _RACE.c.date,
                _PRICE.c.dog_id == _RUN.c.dog_id,
                ~_PRICE.c.race_key.startswith("betfair-place:", autoescape=True),
                is_of_race,
            ),
        )
        .where(RUNNER.c.share.is_not(None))
        .group_by(RUNNER.c.prediction_id, RUNNER.c.box, RUNNER.c.share, RUNNER.c.won)
        .order_by(RUNNER.c.prediction_id, RUNNER.c.box)
    )
