"""The words of names in the database: one row a month, with what its runs sum up to by word."""

import datetime as dt
import zlib
from collections.abc import Iterator, Mapping

import numpy as np
from sqlalchemy import Connection, delete, insert, select

from racing.database.bulk import ROWS_AT_ONCE, among, fetch
from racing.database.tables import Dog, MonthOfWords, Track
from racing.domain.outer_words import Words, outer_words
from racing.domain.regions import state_of
from racing.domain.runs import Floats, Ints, careers
from racing.history import EPOCH
from racing.ratings.effects import months_of
from racing.ratings.stretch import Stretch
from racing.ratings.words import SUMS, RunningSums, WordBook, WordSums, sums_of_month

_DOG, _TRACK = Dog.__table__, Track.__table__  # type: ignore[attr-defined]
_WORDS = MonthOfWords.__table__  # type: ignore[attr-defined]
_DOUBLE = np.dtype("<f8")


def load_words(connection: Connection) -> WordBook:
    """Return the means of every word and month that the database holds."""
    return WordBook.of_months(_stored(connection))


def words_before(connection: Connection, day: dt.date) -> RunningSums:
    """Return what the runs of all months before that of a day sum up to, by word."""
    so_far = RunningSums()
    for _, sums in _stored(connection, day.replace(day=1)):
        so_far.add(sums)
    return so_far


def words_fingerprint(connection: Connection) -> int:
    """Return a number that changes with what :func:`load_words` returns."""
    return hash(tuple(map(tuple, connection.execute(select(_WORDS.c.month, _WORDS.c.checksum)))))


def words_of_runs(connection: Connection, dog_id: Ints, track_id: Ints) -> tuple[list[Words], Ints]:
    """Return the words of dogs' names at the tracks where they ran, each once, and which are each run's."""
    dogs, dog = np.unique(dog_id, return_inverse=True)
    tracks, track = np.unique(track_id, return_inverse=True)
    pairs, which = np.unique(dog * len(tracks) + track, return_inverse=True)
    names = _names(connection, dogs.tolist())
    states = [state_of(name) for name in _names_of_tracks(connection, tracks.tolist())]
    words = [outer_words(names[pair // len(tracks)], states[pair % len(tracks)]) for pair in pairs.tolist()]
    return words, which


def write_words(
    connection: Connection, stretch: Stretch, columns: Mapping[str, Floats], first_day: dt.date | None
) -> None:
    """Write the words of all months from that of a day on, given all runs of these months, rated.

    ``first_day`` ``None``: of all months. ``columns`` are the performances of the stretch.
    """
    own = slice(stretch.n_earlier, None)
    runs, day = stretch.runs, stretch.runs.day[own]
    outdated = delete(_WORDS)
    is_due = np.ones(len(day), bool)
    if first_day is not None:
        outdated = outdated.where(_WORDS.c.month >= first_day.replace(day=1))
        is_due = day >= (first_day.replace(day=1) - EPOCH).days
    connection.execute(outdated)
    if not is_due.any():
        return
    n_before, _ = careers(runs.dog_id[own], day)
    n_before += [stretch.careers.get(dog, (0, 0))[0] for dog in runs.dog_id[own].tolist()]
    words, which = words_of_runs(connection, runs.dog_id[own], runs.track_id[own])
    month = months_of(day)
    for number in np.unique(month[is_due]).tolist():
        rows = np.flatnonzero(month == number)
        found = sums_of_month(
            [words[word] for word in which[rows].tolist()],
            n_before[rows],
            {name: values[own][rows] for name, values in columns.items()},
        )
        connection.execute(insert(_WORDS), [_row(number, found)])


def _row(month: int, found: WordSums) -> dict[str, object]:
    words = " ".join(found.words)
    packed = zlib.compress(found.sums.astype(_DOUBLE).tobytes(), 1)
    return {
        "month": np.datetime64(month, "M").astype("datetime64[D]").item(),
        "words": words,
        "sums": packed,
        "checksum": zlib.crc32(packed, zlib.crc32(words.encode())),
    }


def _stored(connection: Connection, before: dt.date | None = None) -> Iterator[tuple[int, WordSums]]:
    query = select(_WORDS.c.month, _WORDS.c.words, _WORDS.c.sums).order_by(_WORDS.c.month)
    if before is not None:
        query = query.where(_WORDS.c.month < before)
    for month, words, packed in connection.execute(query):
        sums = np.frombuffer(zlib.decompress(packed), _DOUBLE).reshape(-1, len(SUMS))
        yield (month.year - 1970) * 12 + month.month - 1, WordSums(tuple(words.split(" ")), sums)


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
