"""Every run of the database as arrays."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, Select, func, select

from racing.database.bulk import fetch
from racing.database.tables import Race, Run
from racing.domain.classes import grade_class
from racing.domain.runs import Floats, Ints, Runs, careers
from racing.probabilities import n_places

EPOCH = dt.date(1970, 1, 1)
_BOOKMAKERS_MARGIN = 1.22  # of starting prices, where the field's are not all known
_FULL_FIELD = 8.0  # taken where a field is not known whole
_N_COLUMNS = 22  # of result_query
_PRICES = ("bsp", "starting_price")
_RUN, _RACE = Run.__table__, Race.__table__  # type: ignore[attr-defined]


def load_runs(engine: Engine, *, until: dt.date | None = None) -> Runs:
    """Return every run with a result, to a day inclusive, in race order."""
    with engine.connect() as connection:
        runs = runs_between(connection, None, until)
    career_runs, first_day = careers(runs.dog_id, runs.day)
    return replace(runs, career_runs=career_runs, first_day=first_day)


has_result = _RUN.c.is_scratched.is_(False) & (_RUN.c.won.is_not(None) | _RUN.c.finish_position.is_not(None))
"""Whether a run has a result, in SQL."""


def runs_between(connection: Connection, since: dt.date | None, until: dt.date | None) -> Runs:
    """Return the runs with a result of some days, both inclusive, in race order; careers are unknown."""
    query = result_query()
    if since is not None:  # the race's date has an index, the run's has none
        query = query.where(_RACE.c.date >= since)
    if until is not None:
        query = query.where(_RACE.c.date <= until)
    parts = [_columns_of(rows) for rows in fetch(connection, query)]
    return _runs_of_columns(_joined(parts) if parts else _columns_of(()))


def result_query() -> Select[Any]:
    """Return the query of all runs with a result, with the columns that :func:`runs_of` reads."""
    number = func.coalesce(_RUN.c.box, _RUN.c.rug, 0)
    return (
        select(
            _RUN.c.id, _RUN.c.race_id, _RUN.c.dog_id, _RUN.c.date, _RACE.c.track_id, _RACE.c.distance_m,
            number, _RUN.c.box, _RACE.c.grade, _RUN.c.weight_kg, _RUN.c.finish_position, _RUN.c.won,
            _RUN.c.placed, _RUN.c.time_s, _RUN.c.first_split_s, _RUN.c.margin_lengths,
            _RUN.c.position_in_running, _RUN.c.bsp, _RUN.c.starting_price, _RACE.c.is_whole,
            _RUN.c.rated_price, _RUN.c.early_speed,
        )
        .join(_RACE, _RACE.c.id == _RUN.c.race_id)
        .where(has_result)
        .order_by(_RUN.c.date, _RUN.c.race_id, number, _RUN.c.dog_id)
    )  # fmt: skip


def runs_of(rows: Any, *, n_starters: Floats | None = None, share: Floats | None = None) -> Runs:
    """Return the rows of :func:`result_query` as arrays; careers are unknown, since rows may be missing.

    ``n_starters`` and ``share`` (of the market) are worked out from the rows, which then must be whole races,
    unless they are given.
    """
    return _runs_of_columns(_columns_of(rows), n_starters=n_starters, share=share)


def _columns_of(rows: Any) -> dict[str, NDArray[Any]]:
    """Return the columns of :func:`result_query` as arrays."""
    columns = list(zip(*rows, strict=True)) if len(rows) else [()] * _N_COLUMNS
    (run, race, dog, date, track, distance, number, box, grade, weight, position, won, placed, time, split,
     margin, in_running, bsp, starting_price, is_whole, rated_price, early_speed) = columns  # fmt: skip
    whole_numbers = {"run_id": run, "race_id": race, "dog_id": dog, "track_id": track, "number": number}
    numbers = {
        "distance_m": distance, "box": box, "weight_kg": weight, "finish_position": position, "won": won,
        "placed": placed, "time_s": time, "first_split_s": split, "margin_lengths": margin, "bsp": bsp,
        "starting_price": starting_price, "rated_price": rated_price, "early_speed": early_speed,
    }  # fmt: skip
    grades = {name: grade_class(name) for name in set(grade)}
    calls = {text: first_call(text) for text in set(in_running)}
    days = {day: np.datetime64(day, "D").astype(np.int64) for day in set(date)}
    return (
        {name: np.array(values, np.int64) for name, values in whole_numbers.items()}
        | {name: floats(values) for name, values in numbers.items()}
        | {
            "day": np.array([days[day] for day in date], np.int64),
            "grade": np.array([grades[name] for name in grade], np.float64),
            "early_position": np.array([calls[text] for text in in_running], np.float64),
            "is_whole": np.array(is_whole, bool),
        }
    )


def _joined(parts: list[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _runs_of_columns(
    columns: Mapping[str, NDArray[Any]], *, n_starters: Floats | None = None, share: Floats | None = None
) -> Runs:
    race_id, whole, finish_position = columns["race_id"], columns["is_whole"], columns["finish_position"]
    own = {name: values for name, values in columns.items() if name not in ("is_whole", *_PRICES)}
    won = np.where(np.isnan(columns["won"]), _truth(finish_position, 1.0), columns["won"])
    if n_starters is None:
        n_starters = np.where(whole, _count_by_race(race_id), np.nan)
    if share is None:
        share = market_share(columns["bsp"], columns["starting_price"], race_id, whole)
    places = n_places(np.nan_to_num(n_starters, nan=_FULL_FIELD))
    placed = np.where(np.isnan(columns["placed"]), _truth(finish_position, places), columns["placed"])
    unknown = np.full(len(race_id), np.nan)
    worked_out = {"won": won, "placed": placed, "n_starters": n_starters, "market_share": share}
    return Runs(**own | worked_out, career_runs=unknown, first_day=unknown.copy())


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


def plain(values: Floats | Ints) -> list[float | None]:
    """Return Python numbers, ``None`` for NaN."""
    if values.dtype.kind != "f" or not (unknown := np.isnan(values)).any():
        return list(values.tolist())
    numbers: list[float | None] = values.tolist()
    for i in np.flatnonzero(unknown).tolist():
        numbers[i] = None
    return numbers


def _truth(finish_position: Floats, at_most: Any) -> Floats:
    return np.where(np.isnan(finish_position), np.nan, (finish_position <= at_most).astype(np.float64))


def _count_by_race(race_id: Ints) -> Floats:
    _, race, counts = np.unique(race_id, return_inverse=True, return_counts=True)
    return counts[race].astype(np.float64) if len(race_id) else np.zeros(0)
