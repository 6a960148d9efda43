"""The stored runs of a card's dogs: packed, by their names; for past days from the runs themselves."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, func, select

from racing.database.tables import Dog, DogForm
from racing.domain.runs import WINDOW, Floats
from racing.history import EPOCH
from racing.ratings.dog_forms import COLUMNS, query_of_forms, recent_runs, unpack
from racing.ratings.level_rows import EveningReader, last_evening
from racing.ratings.levels import EveningLevels

_DOG, _FORM = Dog.__table__, DogForm.__table__  # type: ignore[attr-defined]


_NO_RUNS: Floats = np.empty((0, len(COLUMNS)))


@dataclass(frozen=True, slots=True)
class StoredForm:
    """The last runs of some dogs before a day, at most ``WINDOW`` each, with their performances."""

    dog_ids: dict[str, int]
    """By the dog's key; those that the database lacks are absent."""
    careers: dict[int, tuple[int, int]]
    """By dog that has run: how often before the day, and the day of the first."""
    runs: dict[int, Floats]
    """By dog: shape (n_runs, len(COLUMNS)), the oldest first."""

    def dog(self, key: str) -> tuple[Floats, int, int | None]:
        """Return the last runs of a dog, how many there are in all, and the day of the first."""
        dog_id = self.dog_ids.get(key, -1)
        return self.runs.get(dog_id, _NO_RUNS), *self.careers.get(dog_id, (0, None))


NOTHING_STORED = StoredForm({}, {}, {})


class FormReader:
    """Reads the form of dogs, by their keys (:func:`racing.domain.regions.dog_key`).

    What is read is as of the last update of the ratings, each dog's whole. Names are known as of the making
    of the reader.
    """

    def __init__(self, engine: Engine) -> None:
        on_server = engine.dialect.name == "postgresql"  # where a transaction is two more messages
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT") if on_server else engine
        self._evenings = EveningReader()
        self.fingerprint = forms_fingerprint(engine)  # first: a later change is found by the next check
        with engine.connect() as connection:
            self._known = frozenset(connection.scalars(select(_DOG.c.key)))

    def has_any(self, keys: Iterable[str]) -> bool:
        """Return whether one of the dogs is stored, without reading the database."""
        return not self._known.isdisjoint(keys)

    def read(self, date: dt.date, keys: Iterable[str]) -> StoredForm:
        """Return the dogs' stored runs before a day."""
        known = list(self._known.intersection(keys))
        if not known:
            return NOTHING_STORED
        day = (date - EPOCH).days
        with self._engine.connect() as connection:
            rows = connection.execute(_FORMS, {"keys": known}).all()
            is_past = any(row.evening is not None and date <= row.evening for row in rows[:1])
            evening = self._evenings.before(connection, date) if is_past else None
            form = _unpacked(rows, day, evening) if len(rows) == len(known) else None
            return form or form_from_runs(connection, date, known)


def forms_fingerprint(engine: Engine) -> tuple[int, int]:
    """Return a value that changes when dogs are added or removed."""
    with engine.connect() as connection:
        n_dogs, newest = connection.execute(select(func.count(), func.max(_FORM.c.dog_id))).one()
    return n_dogs, newest or 0


def form_from_runs(connection: Connection, date: dt.date, keys: list[str]) -> StoredForm:
    """Return the form from the runs themselves, of any day; takes milliseconds."""
    ids = {
        row.key: row.id
        for row in connection.execute(select(_DOG.c.key, _DOG.c.id).where(_DOG.c.key.in_(keys)))
    }
    recent = recent_runs(connection, ids.values(), date).known_on(last_evening(connection, date))
    dogs, start = np.unique(recent.dog_id, return_index=True)
    by_dog = dict(zip(dogs.tolist(), np.split(recent.table, start[1:]), strict=True)) if len(dogs) else {}
    return StoredForm(ids, recent.careers, by_dog)


_FORMS = query_of_forms()


def _unpacked(rows: Iterable[Any], day: int, evening: EveningLevels | None) -> StoredForm | None:
    """Return the packed form before a day; ``None`` if older runs are wanted than were packed.

    ``evening`` tells the levels as they were, of a day that is past.
    """
    form = StoredForm({}, {}, {})
    for key, dog_id, n_runs, first_day, newest_day, packed, races, changes, _ in rows:
        form.dog_ids[key] = dog_id
        if not n_runs:
            continue
        runs = unpack(packed, races, changes, evening)
        if newest_day >= day:
            if n_runs > WINDOW:
                return None
            runs = runs[runs[:, 0] < day]
            n_runs = len(runs)
        if n_runs:
            form.runs[dog_id], form.careers[dog_id] = runs, (n_runs, first_day)
    return form
