"""Each dog's last runs with their adjusted performances, packed in one row a dog.

What is packed are doubles, little-endian: one row a run, oldest first, one column each of :data:`COLUMNS`.
All of it can be made again from the runs and their performances, the same bit for bit.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, bindparam, delete, select

from racing.database.bulk import insert_columns
from racing.database.tables import Dog, DogForm
from racing.domain.runs import WINDOW, Floats, Ints, Runs
from racing.ratings.catalog import RATINGS
from racing.ratings.performances import Performances, columns_of, names_of

_DOGS_AT_ONCE = 5_000  # values in one IN list
FORMAT = 1
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
        if rating.is_revised:
            yield f"{rating.name}_innovation"


COLUMNS = (*FACTS, *_performance_columns())
Row = tuple[int, str, int, int, int | None, int | None, bytes]
"""A row of the table, in the order of its columns."""
_DOUBLE = np.dtype("<f8")
_RUN_BYTES = len(COLUMNS) * _DOUBLE.itemsize
_FORM, _DOG = DogForm.__table__, Dog.__table__  # type: ignore[attr-defined]


def query_of_forms() -> Select[Any]:
    """Return the query of the forms of dogs, by their ``keys``."""
    return select(
        _FORM.c.key, _FORM.c.dog_id, _FORM.c.n_runs, _FORM.c.first_day, _FORM.c.newest_day, _FORM.c.runs
    ).where(_FORM.c.key.in_(bindparam("keys", expanding=True)), _FORM.c.format == FORMAT)


def unpack(packed: bytes) -> Floats:
    """Return the runs of a dog: shape (n_runs, len(COLUMNS)), oldest first."""
    return np.frombuffer(packed, _DOUBLE).reshape(-1, len(COLUMNS))


def table_of(runs: Runs, performances: Mapping[str, Performances]) -> Floats:
    """Return runs as they are packed: shape (n_runs, len(COLUMNS))."""
    columns = _columns(runs, performances)
    return np.stack([columns[name] for name in COLUMNS], axis=1)


def _columns(runs: Runs, performances: Mapping[str, Performances]) -> dict[str, Any]:
    columns = {name: getattr(runs, name) for name in FACTS} | columns_of(performances)
    return columns | {"market_shift": np.nan_to_num(columns["market_shift"])}


def forms_are_whole(connection: Connection) -> bool:
    """Return whether every dog has its form."""
    return connection.execute(_lacking.limit(1)).first() is None


_lacking = (
    select(_DOG.c.id)
    .outerjoin(_FORM, (_FORM.c.dog_id == _DOG.c.id) & (_FORM.c.format == FORMAT))
    .where(_FORM.c.dog_id.is_(None))
)


def write_forms(
    connection: Connection, runs: Runs, performances: Mapping[str, Performances], first_day: int | None
) -> None:
    """Write the forms of dogs with a change on a day or since, and of dogs that lack theirs.

    ``runs`` are all that there are; without a day, all dogs are written. A form that is the same as
    before is left as it is.
    """
    if first_day is None:
        dogs = set(connection.scalars(select(_DOG.c.id)))
    else:
        dogs = set(connection.scalars(_lacking))
        # who ran since, and who did so as long as the runs that are gone were there
        dogs |= set(runs.dog_id[np.searchsorted(runs.day, first_day) :].tolist())
        dogs |= set(connection.scalars(select(_FORM.c.dog_id).where(_FORM.c.newest_day >= first_day)))
    columns = _columns(runs, performances)
    by_dog = np.argsort(runs.dog_id, kind="stable")  # in race order
    in_order = sorted(dogs)
    for start in range(0, len(in_order), _DOGS_AT_ONCE):
        some = in_order[start : start + _DOGS_AT_ONCE]
        _replace(connection, some, _rows(connection, some, runs, columns, by_dog))


def _rows(
    connection: Connection, dogs: list[int], runs: Runs, columns: Mapping[str, Any], by_dog: Ints
) -> Iterator[Row]:
    named = connection.execute(select(_DOG.c.id, _DOG.c.key).where(_DOG.c.id.in_(dogs)))
    keys = {dog.id: dog.key for dog in named}
    start, stop = (np.searchsorted(runs.dog_id[by_dog], dogs, side=side) for side in ("left", "right"))
    n_packed = np.minimum(stop - start, WINDOW)
    end = np.cumsum(n_packed)
    packed_rows = by_dog[np.arange(n_packed.sum()) + np.repeat(stop - end, n_packed)]
    table = np.stack([columns[name][packed_rows] for name in COLUMNS], axis=1).astype(_DOUBLE)
    day, packed = runs.day[by_dog].tolist(), table.tobytes()
    for dog, first, last, n, at in zip(
        dogs, *(a.tolist() for a in (start, stop, n_packed, end)), strict=True
    ):
        days = (day[first], day[last - 1]) if n else (None, None)
        yield dog, keys[dog], FORMAT, last - first, *days, packed[(at - n) * _RUN_BYTES : at * _RUN_BYTES]


def _replace(connection: Connection, dogs: list[int], rows: Iterable[Row]) -> None:
    """Write rows in place of what there is of these dogs, where they are others."""
    before = set(map(tuple, connection.execute(select(*_FORM.c).where(_FORM.c.dog_id.in_(dogs)))))
    new = [row for row in rows if row not in before]
    if new:
        columns = dict(zip(_FORM.c.keys(), zip(*new, strict=True), strict=True))
        connection.execute(delete(_FORM).where(_FORM.c.dog_id.in_(columns["dog_id"])))
        insert_columns(connection, _FORM, columns)
