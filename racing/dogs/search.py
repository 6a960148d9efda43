"""Dogs by any part of their name, however spelt, and names that were probably meant.

The database looks through the keys of all its dogs, which are in an index of their own: 60,000 in some
milliseconds, with nothing in memory that could grow or be out of date.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, case, func, literal, or_, select

from racing.database.one_state import reading_one_state
from racing.database.tables import Dog, Race, Run, Track
from racing.dogs.spelling import MAX_KEY, most_edits, nearest, pieces
from racing.domain.names import name_key, plain_name

MAX_QUERY = 60
"""Characters of a query; a name has no more."""
MAX_PARTS = 8
"""Words of a query that are looked for."""
MAX_SUGGESTIONS = 5
_MAX_CANDIDATES = 5_000
_MARK = 3
"""Signs behind a key that tell dogs of one name apart, as ``/GB``."""
_DOG, _RUN = Dog.__table__, Run.__table__  # type: ignore[attr-defined]
_RACE, _TRACK = Race.__table__, Track.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class FoundDog:
    """A dog of the database, in short."""

    id: int
    name: str
    sex: str | None
    n_runs: int
    """Runs that took place or are to come, without scratchings."""
    last_run: dt.date | None
    tracks: tuple[str, ...]
    """Where it ran, the track of most runs first."""


@dataclass(frozen=True, slots=True)
class FoundDogs:
    """The dogs that a query matches."""

    dogs: tuple[FoundDog, ...]
    """The dog of just that name first, then those whose names begin with it, then the others, by name."""
    has_more: bool
    """Whether more match than the limit lets through."""
    did_you_mean: tuple[str, ...]
    """Names of the database that are spelt nearly so; empty where a dog is found."""


def find_dogs(engine: Engine, query: str, *, limit: int = 20) -> FoundDogs:
    """Return the dogs whose names hold all parts of a query, and if none does, names that are near it.

    Case, accents, apostrophes, spaces and the number on a card do not matter; ``%`` and ``_`` mean nothing.
    """
    key, parts = _keys_of(query)
    if not parts:
        return FoundDogs((), has_more=False, did_you_mean=())
    with reading_one_state(engine) as connection:
        ids = _matching(connection, key, parts, limit + 1)
        if not ids:
            return FoundDogs((), has_more=False, did_you_mean=_near(connection, key))
        return FoundDogs(_in_short(connection, ids[:limit]), has_more=len(ids) > limit, did_you_mean=())


def near_names(engine: Engine, name: str) -> tuple[str, ...]:
    """Return names of stored dogs that are spelt nearly like a name, the nearest first."""
    with engine.connect() as connection:
        return _near(connection, _keys_of(name)[0])


def _keys_of(query: str) -> tuple[str, list[str]]:
    """Return the key of a query, and those of its words."""
    query = plain_name(query[: 2 * MAX_QUERY])[:MAX_QUERY]
    parts = [part for word in query.split() if (part := name_key(word))]
    return name_key(query)[:MAX_KEY], parts[:MAX_PARTS]


def _matching(connection: Connection, key: str, parts: Iterable[str], limit: int) -> list[int]:
    whole = case((_DOG.c.key == key, 0), (_DOG.c.key.startswith(key, autoescape=True), 1), else_=2)
    holds = [_DOG.c.key.contains(part, autoescape=True) for part in parts]
    query = select(_DOG.c.id).where(and_(*holds)).order_by(whole, _DOG.c.key).limit(limit)
    return list(connection.scalars(query))


def _near(connection: Connection, key: str) -> tuple[str, ...]:
    n_letters, at_most = func.length(_DOG.c.key), most_edits(key)
    if not at_most:
        return ()
    intact: list[ColumnElement[bool]] = [_DOG.c.key.contains(piece, autoescape=True) for piece in pieces(key)]
    query = (
        select(_DOG.c.key, _DOG.c.id)
        .where(n_letters.between(len(key) - at_most, len(key) + at_most + _MARK), or_(*intact))
        .order_by(sum((case((piece, 0), else_=1) for piece in intact), literal(0)), _DOG.c.key)
        .limit(_MAX_CANDIDATES)
    )
    # of dogs of one name one is offered
    ids: dict[str, int] = {row.key.partition("/")[0]: row.id for row in connection.execute(query)}
    wanted = [ids[one] for one in nearest(key, list(ids))[:MAX_SUGGESTIONS]]
    named = connection.execute(select(_DOG.c.id, _DOG.c.name).where(_DOG.c.id.in_(wanted)))
    names = {row.id: row.name for row in named}
    return tuple(names[one] for one in wanted)


def _in_short(connection: Connection, ids: list[int]) -> tuple[FoundDog, ...]:
    dogs = {row.id: row for row in connection.execute(select(_DOG).where(_DOG.c.id.in_(ids)))}
    by_track: dict[int, list[Any]] = {one: [] for one in ids}
    query = (
        select(_RUN.c.dog_id, _TRACK.c.name, func.count().label("n"), func.max(_RUN.c.date).label("last"))
        .join(_RACE, _RACE.c.id == _RUN.c.race_id)
        .join(_TRACK, _TRACK.c.id == _RACE.c.track_id)
        .where(_RUN.c.dog_id.in_(ids), _RUN.c.is_scratched.is_(False))
        .group_by(_RUN.c.dog_id, _TRACK.c.name)
        .order_by(func.count().desc(), _TRACK.c.name)
    )
    for row in connection.execute(query):
        by_track[row.dog_id].append(row)
    return tuple(
        FoundDog(
            id=one,
            name=dogs[one].name,
            sex=dogs[one].sex,
            n_runs=sum(row.n for row in by_track[one]),
            last_run=max((row.last for row in by_track[one]), default=None),
            tracks=tuple(row.name for row in by_track[one]),
        )
        for one in ids
    )
