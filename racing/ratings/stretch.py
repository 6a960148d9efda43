"""A stretch of history: the runs of some days, behind the earlier runs of their dogs that ratings look at."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, select

from racing.database.bulk import ROWS_AT_ONCE, among, fetch, insert_columns
from racing.database.tables import Race, Run, RunWorth
from racing.domain.runs import WINDOW, Floats, Ints, Runs
from racing.history import EPOCH, plain, runs_between
from racing.ratings.catalog import REVISION_DAYS
from racing.ratings.dog_forms import (
    COLUMNS,
    FACTS,
    RecentRuns,
    Row,
    careers_before,
    packed_runs,
    recent_runs,
    stored_forms,
)
from racing.ratings.replay import RUNS_BEFORE

_WORTH = RunWorth.__table__  # type: ignore[attr-defined]
_RUN, _RACE = Run.__table__, Race.__table__  # type: ignore[attr-defined]
_WHOLE_NUMBERS = ("run_id", "race_id", "dog_id", "day", "track_id", "number")


@dataclass(frozen=True, slots=True)
class Stretch:
    """The runs of some days, with what the database keeps of them; one entry a run in every array."""

    runs: Runs
    """By day, of each day in race order; earlier runs lack what tells their race."""
    n_earlier: int
    """So many in front are earlier runs of the dogs: to look at, not to be written."""
    columns: dict[str, Floats]
    """Performances as they are stored, NaN where there are none."""
    is_rated: NDArray[np.bool_]
    gone: list[int]
    """Runs of these days with performances stored, but no result any more."""
    careers: dict[int, tuple[int, int]]
    """By dog: how many earlier runs it has in all, and the day of the first."""
    n_stored: int
    """Of how many runs of these days performances are stored."""
    forms: dict[int, Row] | None
    """The stored forms of the dogs, where they were read."""
    race_id: Ints
    """The race of each run, of earlier ones too."""

    def recent_runs(self, columns: dict[str, Floats]) -> RecentRuns:
        """Return the last runs of the dogs that ran on these days, with other performances."""
        runs = self.runs
        order = np.argsort(runs.dog_id, kind="stable")
        dogs, start, n_rows = np.unique(runs.dog_id[order], return_index=True, return_counts=True)
        n_own = np.bincount(np.searchsorted(dogs, runs.dog_id[self.n_earlier :]), minlength=len(dogs))
        runs_ago = np.repeat(start + n_rows, n_rows) - np.arange(len(order))
        rows = order[runs_ago <= WINDOW]
        columns = {name: getattr(runs, name) for name in FACTS} | columns
        table = np.stack([columns[name][rows] for name in COLUMNS], axis=1)
        careers = {}
        first_days = runs.day[order[start]].tolist()
        for dog, n, first_day in zip(dogs.tolist(), n_own.tolist(), first_days, strict=True):
            n_before, first_before = self.careers.get(dog, (0, first_day))
            careers[dog] = n_before + n, first_before if n_before else first_day
        return RecentRuns(runs.dog_id[rows], table, careers, self.race_id[rows])


def load_stretch(
    connection: Connection,
    since: dt.date | None,
    until: dt.date | None,
    *,
    first_day: int,
    forms_are_current: bool,
) -> Stretch:
    """Return the runs of some days, both inclusive, behind what went before in their dogs' careers.

    Parameters
    ----------
    first_day
        From it on days are judged, of those before only revised.
    forms_are_current
        Whether the stored forms tell of all runs before these days: they are read much faster than the runs.
    """
    own = runs_between(connection, since, until)
    stored = load_performances(connection, since, until)
    gone = np.setdiff1d(stored["run_id"], own.run_id).tolist()
    position = np.searchsorted(stored["run_id"], own.run_id)
    position = np.minimum(position, max(len(stored["run_id"]) - 1, 0))
    is_rated = np.zeros(len(own), bool)
    if len(stored["run_id"]):
        is_rated = stored["run_id"][position] == own.run_id
    stored_columns = {
        name: np.where(is_rated, values[position], np.nan) if len(values) else np.full(len(own), np.nan)
        for name, values in stored.items()
        if name != "run_id"
    }
    if since is None:
        return Stretch(own, 0, stored_columns, is_rated, gone, {}, len(stored["run_id"]), None, own.race_id)
    dogs = np.unique(own.dog_id).tolist()
    forms = stored_forms(connection, dogs) if forms_are_current else None
    if forms is None:
        parts = [recent_runs(connection, dogs, since)]
    else:
        parts = _earlier(connection, own, since, first_day, packed_runs(forms, (since - EPOCH).days))
    dog_id, table, race_id = (
        np.concatenate(arrays)
        for arrays in ([p.dog_id for p in parts], [p.table for p in parts], [p.race_id for p in parts])
    )
    in_order = np.argsort(table[:, COLUMNS.index("day")], kind="stable")
    earlier = dict(zip(COLUMNS, np.ascontiguousarray(table[in_order].T), strict=True))
    careers = {dog: career for part in parts for dog, career in part.careers.items()}
    return Stretch(
        _behind(earlier | {"dog_id": dog_id[in_order]}, own),
        len(table),
        {name: np.concatenate([earlier[name], values]) for name, values in stored_columns.items()},
        np.concatenate([np.ones(len(table), bool), is_rated]),
        gone,
        careers,
        len(stored["run_id"]),
        forms,
        np.concatenate([race_id[in_order], own.race_id]),
    )


def _earlier(
    connection: Connection, own: Runs, since: dt.date, first_day: int, packed: RecentRuns
) -> list[RecentRuns]:
    """Return the runs before a day of the dogs that ran since: what is packed, where ratings see no more."""
    dogs = np.unique(own.dog_id)
    n_runs = np.array([packed.careers.get(dog, (-1,))[0] for dog in dogs.tolist()], np.int64)
    n_packed = np.bincount(np.searchsorted(dogs, packed.dog_id), minlength=len(dogs))

    def n_before(day: int) -> Ints:
        """Return how many runs of each dog there are before a day, packed ones among them."""
        return n_packed + np.bincount(np.searchsorted(dogs, own.dog_id[own.day < day]), minlength=len(dogs))

    is_seen = (n_before(first_day - max(REVISION_DAYS)) >= RUNS_BEFORE) & (n_before(first_day) >= WINDOW)
    is_enough = (n_packed == n_runs) | is_seen
    enough = np.isin(packed.dog_id, dogs[is_enough])
    sure = {dog: packed.careers[dog] for dog in dogs[is_enough].tolist() if dog in packed.careers}
    unsure = [dog for dog in dogs[is_enough].tolist() if dog not in sure]
    careers = sure | careers_before(connection, unsure, since)
    return [
        RecentRuns(packed.dog_id[enough], packed.table[enough], careers, packed.race_id[enough]),
        recent_runs(connection, dogs[~is_enough].tolist(), since),
    ]


def _behind(earlier: dict[str, Floats | Ints], own: Runs) -> Runs:
    """Return earlier runs and, behind them, those of some days."""
    n_earlier = len(earlier["dog_id"])
    columns: dict[str, Any] = {}
    for name, values in own.columns.items():
        before = earlier.get(name, np.full(n_earlier, -1.0 if name in _WHOLE_NUMBERS else np.nan))
        columns[name] = np.concatenate([before.astype(values.dtype), values])
    return Runs(**columns)


def load_performances(
    connection: Connection, since: dt.date | None = None, until: dt.date | None = None
) -> dict[str, Any]:
    """Return the table of performances by column, in order of run: of some days, both inclusive."""
    query = select(*_WORTH.c).order_by(_WORTH.c.run_id)
    if since is not None or until is not None:
        query = query.join(_RUN, _RUN.c.id == _WORTH.c.run_id).join(_RACE, _RACE.c.id == _RUN.c.race_id)
    if since is not None:
        query = query.where(_RACE.c.date >= since)
    if until is not None:
        query = query.where(_RACE.c.date <= until)
    names = _WORTH.c.keys()
    parts = [np.array(rows, np.float64) for rows in fetch(connection, query)]  # ids are exact below 2^53
    table = np.concatenate(parts) if parts else np.empty((0, len(names)))
    columns: dict[str, Any] = dict(zip(names, np.ascontiguousarray(table.T), strict=True))
    return columns | {"run_id": columns["run_id"].astype(np.int64)}


def write_performances(connection: Connection, stretch: Stretch, columns: Mapping[str, Floats]) -> None:
    """Write the performances that are others than those stored."""
    runs, n_earlier = stretch.runs, stretch.n_earlier
    new = {"n_starters": runs.n_starters, "market_share": runs.market_share, **columns}
    is_same = stretch.is_rated.copy()
    for name, values in new.items():
        known = stretch.columns[name]
        is_same &= (values == known) | (np.isnan(values) & np.isnan(known))
    is_same[:n_earlier] = True
    old = [*stretch.gone, *runs.run_id[stretch.is_rated & ~is_same].tolist()]
    for first in range(0, len(old), ROWS_AT_ONCE):
        connection.execute(delete(_WORTH).where(among(_WORTH.c.run_id, old[first : first + ROWS_AT_ONCE])))
    changed = np.flatnonzero(~is_same)
    for start in range(0, len(changed), ROWS_AT_ONCE):
        rows = changed[start : start + ROWS_AT_ONCE]
        part = {name: plain(values[rows]) for name, values in new.items()}
        insert_columns(connection, _WORTH, {"run_id": runs.run_id[rows].tolist()} | part)
