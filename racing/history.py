"""Every run of the database as arrays."""

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import Engine, Select, func, select

from racing.database.tables import Race, Run
from racing.domain.classes import grade_class
from racing.domain.runs import Floats, Ints, Runs, careers
from racing.probabilities import n_places

EPOCH = dt.date(1970, 1, 1)
_BOOKMAKERS_MARGIN = 1.22  # of starting prices, where the field's are not all known
_FULL_FIELD = 8.0  # taken where a field is not known whole
_N_COLUMNS = 22  # of result_query
_RUN, _RACE = Run.__table__, Race.__table__  # type: ignore[attr-defined]


def load_runs(engine: Engine, *, until: dt.date | None = None) -> Runs:
    """Return every run with a result, to a day inclusive, in race order."""
    query = result_query()
    if until is not None:
        query = query.where(_RUN.c.date <= until)
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    runs = runs_of(rows)
    career_runs, first_day = careers(runs.dog_id, runs.day)
    return replace(runs, career_runs=career_runs, first_day=first_day)


def result_query() -> Select[Any]:
    """Return the query of all runs with a result, with the columns that :func:`runs_of` reads."""
    number = func.coalesce(_RUN.c.box, _RUN.c.rug, 0)
    has_result = _RUN.c.won.is_not(None) | _RUN.c.finish_position.is_not(None)
    return (
        select(
            _RUN.c.id, _RUN.c.race_id, _RUN.c.dog_id, _RUN.c.date, _RACE.c.track_id, _RACE.c.distance_m,
            number, _RUN.c.box, _RACE.c.grade, _RUN.c.weight_kg, _RUN.c.finish_position, _RUN.c.won,
            _RUN.c.placed, _RUN.c.time_s, _RUN.c.first_split_s, _RUN.c.margin_lengths,
            _RUN.c.position_in_running, _RUN.c.bsp, _RUN.c.starting_price, _RACE.c.is_whole,
            _RUN.c.rated_price, _RUN.c.early_speed,
        )
        .join(_RACE, _RACE.c.id == _RUN.c.race_id)
        .where(_RUN.c.is_scratched.is_(False), has_result)
        .order_by(_RUN.c.date, _RUN.c.race_id, number, _RUN.c.dog_id)
    )  # fmt: skip


def runs_of(rows: Any, *, n_starters: Floats | None = None, share: Floats | None = None) -> Runs:
    """Return the rows of :func:`result_query` as arrays; careers are unknown, since rows may be missing.

    ``n_starters`` and ``share`` (of the market) are worked out from the rows, which then must be whole races,
    unless they are given.
    """
    columns = list(zip(*rows, strict=True)) if len(rows) else [()] * _N_COLUMNS
    (run, race, dog, date, track, distance, number, box, grade, weight, position, won, placed, time, split,
     margin, in_running, bsp, starting_price, is_whole, rated_price, early_speed) = columns  # fmt: skip
    race_id = np.array(race, np.int64)
    finish_position = floats(position)
    won_known = floats(won)
    won_known = np.where(np.isnan(won_known), _truth(finish_position, 1.0), won_known)
    whole = np.array(is_whole, bool)
    if n_starters is None:
        n_starters = np.where(whole, _count_by_race(race_id), np.nan)
    if share is None:
        share = market_share(floats(bsp), floats(starting_price), race_id, whole)
    places = n_places(np.nan_to_num(n_starters, nan=_FULL_FIELD))
    placed_known = floats(placed)
    placed_known = np.where(np.isnan(placed_known), _truth(finish_position, places), placed_known)
    return Runs(
        run_id=np.array(run, np.int64),
        race_id=race_id,
        dog_id=np.array(dog, np.int64),
        day=np.array(date, "datetime64[D]").astype(np.int64),
        track_id=np.array(track, np.int64),
        distance_m=floats(distance),
        number=np.array(number, np.int64),
        box=floats(box),
        grade=np.array([grade_class(name) for name in grade], np.float64),
        weight_kg=floats(weight),
        finish_position=finish_position,
        won=won_known,
        placed=placed_known,
        time_s=floats(time),
        first_split_s=floats(split),
        margin_lengths=floats(margin),
        early_position=np.array([first_call(calls) for calls in in_running], np.float64),
        n_starters=n_starters,
        market_share=share,
        rated_price=floats(rated_price),
        early_speed=floats(early_speed),
        career_runs=np.full(len(race_id), np.nan),
        first_day=np.full(len(race_id), np.nan),
    )


def market_share(bsp: Floats, starting_price: Floats, race_id: Ints, is_whole: Any) -> Floats:
    """Return the market's probability of each run: 1/price, shared out where its whole race is priced."""
    share = lone_market_share(bsp, starting_price)
    for price in (starting_price, bsp):
        _, race = np.unique(race_id, return_inverse=True)
        total = np.bincount(race, 1.0 / price)  # NaN where a price is unknown
        share = np.where(is_whole & ~np.isnan(total[race]), 1.0 / price / total[race], share)
    return np.minimum(share, 0.99)


def lone_market_share(bsp: Floats, starting_price: Floats) -> Floats:
    """Return the market's probability from a run's own price.

    A BSP is taken as fair, a starting price as bearing a typical bookmaker's margin.
    """
    alone = np.where(np.isnan(bsp), 1.0 / (starting_price * _BOOKMAKERS_MARGIN), 1.0 / bsp)
    return np.minimum(alone, 0.99)


def first_call(position_in_running: str | None) -> float:
    """Return the position at the first call, NaN where unknown.

    A single digit is no call: sources that know none write the finishing position there.

    >>> first_call("2345"), first_call("3")
    (2.0, nan)
    """
    calls = position_in_running or ""
    return float(calls[0]) if len(calls) > 1 and calls[0] in "12345678" else np.nan


def floats(values: Any) -> Floats:
    """Return values, ``None`` as NaN."""
    return np.array(values, dtype=np.float64)


def _truth(finish_position: Floats, at_most: Any) -> Floats:
    return np.where(np.isnan(finish_position), np.nan, (finish_position <= at_most).astype(np.float64))


def _count_by_race(race_id: Ints) -> Floats:
    _, race, counts = np.unique(race_id, return_inverse=True, return_counts=True)
    return counts[race].astype(np.float64) if len(race_id) else np.zeros(0)
