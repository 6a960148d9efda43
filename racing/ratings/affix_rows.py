"""The affixes of names in the database: one row a month, with what its runs sum up to by affix."""

import datetime as dt
import zlib
from collections.abc import Iterator, Mapping

import numpy as np
from sqlalchemy import Connection, delete, insert, select

from racing.database.bulk import ROWS_AT_ONCE, among, fetch
from racing.database.tables import Dog, MonthOfAffixes, Track
from racing.domain.name_affixes import Affixes, name_affixes
from racing.domain.regions import state_of
from racing.domain.runs import Floats, Ints, careers
from racing.history import EPOCH
from racing.ratings.affixes import SUMS, AffixBook, AffixSums, RunningSums, sums_of_month
from racing.ratings.effects import months_of
from racing.ratings.stretch import Stretch

_DOG, _TRACK = Dog.__table__, Track.__table__  # type: ignore[attr-defined]
_AFFIXES = MonthOfAffixes.__table__  # type: ignore[attr-defined]
_DOUBLE = np.dtype("<f8")


def load_affixes(connection: Connection) -> AffixBook:
    """Return the means of every affix and month that the database holds."""
    return AffixBook.of_months(_stored(connection))


def affixes_before(connection: Connection, day: dt.date) -> RunningSums:
    """Return what the runs of all months before that of a day sum up to, by affix."""
    so_far = RunningSums()
    for _, sums in _stored(connection, day.replace(day=1)):
        so_far.add(sums)
    return so_far


def affix_fingerprint(connection: Connection) -> int:
    """Return a number that changes with what :func:`load_affixes` returns."""
    return hash(tuple(map(tuple, connection.execute(select(_AFFIXES.c.month, _AFFIXES.c.checksum)))))


def affixes_of_runs(connection: Connection, dog_id: Ints, track_id: Ints) -> tuple[list[Affixes], Ints]:
    """Return the affixes of dogs' names at the tracks where they ran, each once, and which are each run's."""
    dogs, dog = np.unique(dog_id, return_inverse=True)
    tracks, track = np.unique(track_id, return_inverse=True)
    pairs, which = np.unique(dog * len(tracks) + track, return_inverse=True)
    names = _names(connection, dogs.tolist())
    states = [state_of(name) for name in _names_of_tracks(connection, tracks.tolist())]
    affixes = [
        name_affixes(names[pair // len(tracks)], states[pair % len(tracks)]) for pair in pairs.tolist()
    ]
    return affixes, which


def write_affixes(
    connection: Connection, stretch: Stretch, columns: Mapping[str, Floats], first_day: dt.date | None
) -> None:
    """Write the affixes of all months from that of a day on, given all runs of these months, rated.

    ``first_day`` ``None``: of all months. ``columns`` are the performances of the stretch.
    """
    own = slice(stretch.n_earlier, None)
    runs, day = stretch.runs, stretch.runs.day[own]
    outdated = delete(_AFFIXES)
    is_due = np.ones(len(day), bool)
    if first_day is not None:
        outdated = outdated.where(_AFFIXES.c.month >= first_day.replace(day=1))
        is_due = day >= (first_day.replace(day=1) - EPOCH).days
    connection.execute(outdated)
    if not is_due.any():
        return
    n_before, _ = careers(runs.dog_id[own], day)
    n_before += [stretch.careers.get(dog, (0, 0))[0] for dog in runs.dog_id[own].tolist()]
    affixes, which = affixes_of_runs(connection, runs.dog_id[own], runs.track_id[own])
    month = months_of(day)
    for number in np.unique(month[is_due]).tolist():
        rows = np.flatnonzero(month == number)
        found = sums_of_month(
            [affixes[affix] for affix in which[rows].tolist()],
            n_before[rows],
            {name: values[own][rows] for name, values in columns.items()},
        )
        connection.execute(insert(_AFFIXES), [_row(number, found)])


def _row(month: int, found: AffixSums) -> dict[str, object]:
    affixes = " ".join(found.affixes)
    packed = zlib.compress(found.sums.astype(_DOUBLE).tobytes(), 1)
    return {
        "month": np.datetime64(month, "M").astype("datetime64[D]").item(),
        "affixes": affixes,
        "sums": packed,
        "checksum": zlib.crc32(packed, zlib.crc32(affixes.encode())),
    }


def _stored(connection: Connection, before: dt.date | None = None) -> Iterator[tuple[int, AffixSums]]:
    query = select(_AFFIXES.c.month, _AFFIXES.c.affixes, _AFFIXES.c.sums).order_by(_AFFIXES.c.month)
    if before is not None:
        query = query.where(_AFFIXES.c.month < before)
    for month, affixes, packed in connection.execute(query):
        sums = np.frombuffer(zlib.decompress(packed), _DOUBLE).reshape(-1, len(SUMS))
        yield (month.year - 1970) * 12 + month.month - 1, AffixSums(tuple(affixes.split(" ")), sums)


def _names(connection: Connection, dogs: list[int]) -> list[str]:
    names: dict[int, str] = {}
    for start in range(0, len(dogs), ROWS_AT_ONCE):
        some = among(_DOG.c.id, dogs[start : start + ROWS_AT_ONCE])
        for part in fetch(connection, select(_DOG.c.id, _DOG.c.name).where(some)):
            names |= part
    return [names[dog] for dog in dogs]


def _names_of_tracks(connection: Connection, tracks: list[int]) -> list[str]:
    found = connection.execute(select(_TRACK.c.id, _TRACK.c.name)).all()
    names: dict[int, str] = dict(map(tuple, found))
    return [names[track] for track in tracks]
