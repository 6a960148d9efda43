"""Each dog's last runs with their adjusted performances, packed in one row a dog.

What is packed are doubles, little-endian: one row a run, oldest first, one column each of :data:`PACKED`.
Beside them, in a table of their own since they change more often, are the changes of levels as known now
(:data:`CHANGES`), in single precision. All of it can be made again from the runs and their performances,
the same bit for bit.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, bindparam, delete, func, select

from racing.database.bulk import among, fetch, insert_columns
from racing.database.tables import Dog, DogForm, DogLevels, LevelChanges, Run, RunWorth
from racing.domain.runs import WINDOW, Floats, Ints, Runs
from racing.history import EPOCH, floats, has_result, result_query, runs_of
from racing.ratings.catalog import RATINGS
from racing.ratings.level_rows import changes_known, last_evening
from racing.ratings.levels import EveningLevels
from racing.ratings.performances import Performances, columns_of, names_of

_DOGS_AT_ONCE = 5_000  # values in one IN list
FORMAT = 2
"""Another number for other columns: rows of any other are passed over, and made anew by the next import."""

FACTS = (
    "day", "track_id", "distance_m", "box", "grade", "weight_kg", "finish_position", "won", "placed",
    "time_s", "first_split_s", "margin_lengths", "early_position", "n_starters", "market_share",
    "rated_price", "early_speed",
)  # fmt: skip
"""The columns of :class:`racing.domain.runs.Runs` that features may use."""


def _performance_columns() -> Iterator[str]:
    for rating in RATINGS:
        for names in names_of(rating):
            yield from names
        if rating.shift is not None:
            yield f"{rating.name}_shift"
        if rating.has_innovation:
            yield f"{rating.name}_innovation"


PACKED = (*FACTS, *_performance_columns())
CHANGES = tuple(f"{rating.name}_change" for rating in RATINGS if rating.is_settled)
COLUMNS = (*PACKED, *CHANGES)
Row = tuple[int, str, int, int, int | None, int | None, bytes, bytes, bytes]
"""A row of the table of forms, in the order of its columns, and beside it races and changes."""
_N_OF_FORM = 7
_DOUBLE, _SINGLE, _ID = np.dtype("<f8"), np.dtype("<f4"), np.dtype("<u4")
_FORM, _DOG, _LEVELS = DogForm.__table__, Dog.__table__, DogLevels.__table__  # type: ignore[attr-defined]
_RUN, _WORTH = Run.__table__, RunWorth.__table__  # type: ignore[attr-defined]
_EVENING = LevelChanges.__table__  # type: ignore[attr-defined]
_PERFORMED = _WORTH.c[1:]


def query_of_forms() -> Select[Any]:
    """Return the query of the forms of dogs, by their ``keys``, beside the last evening that is in them."""
    evening = select(func.max(_EVENING.c.day)).scalar_subquery().label("evening")
    return select(
        _FORM.c.key, _FORM.c.dog_id, _FORM.c.n_runs, _FORM.c.first_day, _FORM.c.newest_day, _FORM.c.runs,
        _LEVELS.c.races, _LEVELS.c.changes, evening,
    ).join(_LEVELS, _LEVELS.c.dog_id == _FORM.c.dog_id).where(
        _FORM.c.key.in_(bindparam("keys", expanding=True)), _FORM.c.format == FORMAT
    )  # fmt: skip


def unpack(packed: bytes, races: bytes, changes: bytes, evening: EveningLevels | None = None) -> Floats:
    """Return the runs of a dog: shape (n_runs, len(COLUMNS)), oldest first.

    With an evening, levels are as they were known then.
    """
    runs = np.frombuffer(packed, _DOUBLE).reshape(-1, len(PACKED))
    table = np.empty((len(runs), len(COLUMNS)))
    table[:, : len(PACKED)] = runs
    table[:, len(PACKED) :] = np.frombuffer(changes, _SINGLE).reshape(len(runs), len(CHANGES))
    return table if evening is None else _with_levels_of(table, np.frombuffer(races, _ID), evening)


def _with_levels_of(table: Floats, race_id: Any, evening: EveningLevels | None) -> Floats:
    for column in range(len(PACKED), len(COLUMNS)):
        table[:, column] = changes_known(race_id, table[:, column], evening)
    return table


def table_of(runs: Runs, performances: Mapping[str, Performances]) -> Floats:
    """Return runs as they are packed: shape (n_runs, len(COLUMNS))."""
    columns = _columns(runs, performances)
    return np.stack([columns[name] for name in COLUMNS], axis=1)


def _columns(runs: Runs, performances: Mapping[str, Performances]) -> dict[str, Any]:
    columns = {name: getattr(runs, name) for name in FACTS} | columns_of(performances)
    return columns | {"market_shift": np.nan_to_num(columns["market_shift"])}


@dataclass(frozen=True, slots=True)
class RecentRuns:
    """The last runs of some dogs with their performances, at most ``WINDOW`` each."""

    dog_id: Ints
    """One entry a run: ascending, and of a dog the oldest run first."""
    table: Floats
    """Shape (n_runs, len(COLUMNS))."""
    careers: dict[int, tuple[int, int]]
    """By dog that has run: how often in all, and the day of its first run."""
    race_id: Ints
    """One entry a run."""

    def known_on(self, evening: EveningLevels | None) -> "RecentRuns":
        """Return them with the changes of levels as they were known on an evening."""
        return replace(self, table=_with_levels_of(self.table.copy(), self.race_id, evening))


def recent_runs(connection: Connection, dogs: Iterable[int], before: dt.date | None = None) -> RecentRuns:
    """Return the last runs of dogs, before a day if one is given, from the runs themselves.

    Changes of levels are those that are final, NaN elsewhere: see :meth:`RecentRuns.known_on`.
    """
    wanted = sorted(set(dogs))
    parts: list[tuple[Ints, Floats, Ints]] = []
    careers: dict[int, tuple[int, Any]] = {}
    for start in range(0, len(wanted), _DOGS_AT_ONCE):
        for rows in fetch(connection, _latest(wanted[start : start + _DOGS_AT_ONCE], before)):
            n_runs, first, *columns = zip(*rows, strict=True)
            values = columns[-len(_PERFORMED) :]
            known = {column.name: floats(of_runs) for column, of_runs in zip(_PERFORMED, values, strict=True)}
            facts = list(zip(*columns[: -len(_PERFORMED)], strict=True))
            runs = runs_of(facts, n_starters=known["n_starters"], share=known["market_share"])
            of_rating = {rating.name: Performances.of_columns(known, rating) for rating in RATINGS}
            parts.append((runs.dog_id, table_of(runs, of_rating), runs.race_id))
            careers |= zip(runs.dog_id.tolist(), zip(n_runs, first, strict=True), strict=True)
    days = {day: int(np.datetime64(day, "D").astype(np.int64)) for _, day in careers.values()}
    return RecentRuns(
        np.concatenate([dog_id for dog_id, *_ in parts]) if parts else np.zeros(0, np.int64),
        np.concatenate([table for _, table, _ in parts]) if parts else np.empty((0, len(COLUMNS))),
        {dog: (n, days[first_day]) for dog, (n, first_day) in careers.items()},
        np.concatenate([race_id for *_, race_id in parts]) if parts else np.zeros(0, np.int64),
    )


def careers_before(
    connection: Connection, dogs: Iterable[int], before: dt.date
) -> dict[int, tuple[int, int]]:
    """Return of dogs that ran before a day how often, and the day of the first run."""
    wanted = sorted(set(dogs))
    careers: dict[int, tuple[int, int]] = {}
    for start in range(0, len(wanted), _DOGS_AT_ONCE):
        some = among(_RUN.c.dog_id, wanted[start : start + _DOGS_AT_ONCE])
        query = (
            select(_RUN.c.dog_id, func.count(), func.min(_RUN.c.date))
            .where(some, _RUN.c.date < before, has_result)
            .group_by(_RUN.c.dog_id)
        )
        for dog, n_runs, first in connection.execute(query):
            careers[dog] = n_runs, (first - EPOCH).days
    return careers


def _latest(dogs: list[int], before: dt.date | None) -> Select[Any]:
    """Return the query of dogs' last runs: length and begin of the career, run, performances."""
    results = result_query().order_by(None).where(among(_RUN.c.dog_id, dogs))
    if before is not None:
        results = results.where(_RUN.c.date < before)
    newest_first = func.row_number().over(
        partition_by=_RUN.c.dog_id, order_by=(_RUN.c.date.desc(), _RUN.c.race_id.desc())
    )
    n_runs, first = (
        function.over(partition_by=_RUN.c.dog_id) for function in (func.count(), func.min(_RUN.c.date))
    )
    numbered = results.add_columns(
        newest_first.label("runs_ago"), n_runs.label("n_runs"), first.label("first")
    ).subquery()
    facts = [column for column in numbered.c if column.name not in ("runs_ago", "n_runs", "first")]
    return (
        select(numbered.c.n_runs, numbered.c.first, *facts, *_PERFORMED)
        .outerjoin(_WORTH, _WORTH.c.run_id == numbered.c.id)
        .where(numbered.c.runs_ago <= WINDOW)
        .order_by(numbered.c.dog_id, numbered.c.runs_ago.desc())
    )


def stored_forms(connection: Connection, dogs: Iterable[int]) -> dict[int, Row]:
    """Return the rows of dogs that have a form, as they are."""
    wanted = sorted(set(dogs))
    rows: dict[int, Row] = {}
    for start in range(0, len(wanted), _DOGS_AT_ONCE):
        query = (
            select(*_FORM.c, _LEVELS.c.races, _LEVELS.c.changes)
            .join(_LEVELS, _LEVELS.c.dog_id == _FORM.c.dog_id)
            .where(among(_FORM.c.dog_id, wanted[start : start + _DOGS_AT_ONCE]))
        )
        for part in fetch(connection, query):
            rows |= {row[0]: row for row in part}
    return rows


def packed_runs(forms: Mapping[int, Row], before_day: int) -> RecentRuns:
    """Return what forms hold of their dogs' runs before a day; dogs are absent of whom that is unsure.

    Their runs from that day on may have changed since; and so a dog may have fewer runs than ``WINDOW``
    here though it has more: see ``careers``.
    """
    rows = sorted(row for row in forms.values() if row[2] == FORMAT)
    dogs = np.array([row[0] for row in rows], np.int64)
    n_runs = np.array([row[3] for row in rows], np.int64)
    first_day = np.array([-1 if row[4] is None else row[4] for row in rows], np.int64)
    races = b"".join(row[7] for row in rows)
    table = unpack(b"".join(row[6] for row in rows), races, b"".join(row[8] for row in rows))
    n_packed = np.minimum(n_runs, WINDOW)
    which = np.repeat(np.arange(len(rows)), n_packed)
    is_before = table[:, COLUMNS.index("day")] < before_day
    n_before = np.bincount(which[is_before], minlength=len(rows))
    n_runs = n_runs - n_packed + n_before
    is_sure = (n_before > 0) | (n_runs == 0)  # else older runs than are packed are the ones before
    taken = is_before & is_sure[which]
    careers = zip(n_runs[is_sure].tolist(), first_day[is_sure].tolist(), strict=True)
    return RecentRuns(
        dogs[which[taken]],
        table[taken],
        dict(zip(dogs[is_sure].tolist(), careers, strict=True)),
        np.frombuffer(races, _ID).astype(np.int64)[taken],
    )


def dogs_without_form(connection: Connection) -> set[int]:
    """Return the dogs that lack their form."""
    return set(connection.scalars(_lacking))


def forms_are_whole(connection: Connection) -> bool:
    """Return whether every dog has its form."""
    return connection.execute(_lacking.limit(1)).first() is None


_lacking = (
    select(_DOG.c.id)
    .outerjoin(_FORM, (_FORM.c.dog_id == _DOG.c.id) & (_FORM.c.format == FORMAT))
    .outerjoin(_LEVELS, _LEVELS.c.dog_id == _DOG.c.id)
    .where(_FORM.c.dog_id.is_(None) | _LEVELS.c.dog_id.is_(None))
)


def write_forms(
    connection: Connection, dogs: Iterable[int], recent: RecentRuns, before: Mapping[int, Row] | None = None
) -> None:
    """Write the forms of dogs, given the last runs of all of them; what is the same stays as it is.

    ``before`` are the forms of these dogs as they are stored, if they have been read.
    """
    in_order = sorted(set(dogs))
    for start in range(0, len(in_order), _DOGS_AT_ONCE):
        some = in_order[start : start + _DOGS_AT_ONCE]
        stored = stored_forms(connection, some) if before is None else before
        keys = {dog: stored[dog][1] for dog in some if dog in stored}
        named = select(_DOG.c.id, _DOG.c.key).where(
            among(_DOG.c.id, (dog for dog in some if dog not in keys))
        )
        keys |= {row.id: row.key for row in connection.execute(named)}
        rows = list(_rows(some, keys, recent))
        before_of = [stored.get(row[0], _NO_ROW) for row in rows]
        pairs = list(zip(rows, before_of, strict=True))
        n = _N_OF_FORM
        _replace(connection, _FORM, [row[:n] for row, old in pairs if row[:n] != old[:n]])
        _replace(connection, _LEVELS, [(row[0], *row[n:]) for row, old in pairs if row[n:] != old[n:]])


def _replace(connection: Connection, table: Any, rows: list[tuple[Any, ...]]) -> None:
    """Write rows of dogs in place of those there are."""
    if rows:
        columns = dict(zip(table.c.keys(), zip(*rows, strict=True), strict=True))
        connection.execute(delete(table).where(among(table.c.dog_id, columns["dog_id"])))
        insert_columns(connection, table, columns)


_NO_ROW = (None,) * 9


def rewrite_forms(connection: Connection, dogs: Iterable[int]) -> None:
    """Write the forms of dogs from their stored runs and performances, some dogs at a time."""
    in_order = sorted(set(dogs))
    evening = last_evening(connection) if in_order else None
    for start in range(0, len(in_order), _DOGS_AT_ONCE):
        some = in_order[start : start + _DOGS_AT_ONCE]
        write_forms(connection, some, recent_runs(connection, some).known_on(evening))


def _rows(dogs: list[int], keys: Mapping[int, str], recent: RecentRuns) -> Iterator[Row]:
    start, stop = (np.searchsorted(recent.dog_id, dogs, side=side).tolist() for side in ("left", "right"))
    packed = np.ascontiguousarray(recent.table[:, : len(PACKED)], _DOUBLE)
    changes = np.ascontiguousarray(recent.table[:, len(PACKED) :], _SINGLE)
    races = recent.race_id.astype(_ID)
    newest_days = recent.table[:, COLUMNS.index("day")]
    for dog, first, last in zip(dogs, start, stop, strict=True):
        n_runs, first_day = recent.careers.get(dog, (0, None))
        newest = int(newest_days[last - 1]) if last > first else None
        runs = packed[first:last].tobytes()
        levels = races[first:last].tobytes(), changes[first:last].tobytes()
        yield dog, keys[dog], FORMAT, n_runs, first_day, newest, runs, *levels
