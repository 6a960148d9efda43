"""The form book: a card's features, from what the database knows of its dogs and what the card brings."""

import datetime as dt
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

from racing.cards import Card, PastRun, Runner
from racing.classes import grade_class
from racing.database.tables import Effect, TrackAlias
from racing.errors import DatabaseUnavailable
from racing.features.card_view import BROUGHT_COLUMNS, CARD_COLUMNS, READ, SAID, CardFormulas, card_formulas
from racing.features.stored_form import NOTHING_STORED, FormReader, StoredForm, mark_of_forms
from racing.features.table import codes_of_tracks, track_codes
from racing.kernels import read_runs
from racing.names import name_key
from racing.ratings.alone import UsualEffects
from racing.ratings.dog_forms import COLUMNS
from racing.ratings.store import book_of, book_of_document, load_effects, runs_are_rated
from racing.runs import WINDOW, Floats
from racing.tracks import known_track

_ALIAS, _EFFECT = TrackAlias.__table__, Effect.__table__  # type: ignore[attr-defined]
_ORDINAL_OF_EPOCH = dt.date(1970, 1, 1).toordinal()
_MONTH_OF_EPOCH = 1970 * 12 + 1
_NEWEST_FIRST = attrgetter("date")
_WHERE = [READ.index(name) for name in ("month", "course", "box", "grade")]
_BOX = CARD_COLUMNS.index("box")
_N = UsualEffects.N_BOXES
_N_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class CardWarning:
    """Something about a card that the reader of its answer should know."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class CardFeatures:
    """What is known of a card's runners, one row or entry a runner, in the card's order."""

    values: NDArray[np.float32]
    """Shape (n_runners, n_features), in the order of ``FEATURE_NAMES``; NaN is unknown."""
    is_known: NDArray[np.bool_]
    """Whether the database knows the dog."""
    n_prior_runs: NDArray[np.int64]
    warnings: tuple[CardWarning, ...]


@dataclass(slots=True)
class _Dog:
    """What is known of one runner's dog."""

    is_stored: bool
    stored: Floats
    """Runs of the database, oldest first; shape (n_runs, n_columns)."""
    brought: list[PastRun]
    """Runs that the card brings and the database lacks, newest first."""
    career_runs: int
    first_day: int | None


_NO_RUNS = np.empty((0, len(COLUMNS)))


class FormBook:
    """Reads form for cards, from a database or, without one, from the cards alone.

    Parameters
    ----------
    engine
        The race database; ``None`` for cards that carry their form.
    tables
        What :func:`racing.ratings.store.effects_document` wrote into a model's artifact, for use without a
        database.
    """

    def __init__(self, engine: Engine | None, tables: Mapping[str, Any] | None = None) -> None:
        self._engine = engine
        self._reader: FormReader | None = None
        self._tracks: dict[str, int] = {}
        self._track_codes: dict[int, int] = {}
        self._mark = 0
        self._is_rated = True
        effects = book_of([])
        if engine is not None:
            with _database():
                self._mark = _mark_of(engine)  # first: what changes meanwhile is seen by the next look
                self._is_rated = runs_are_rated(engine)
                self._reader = FormReader(engine)
                effects = load_effects(engine)
                self._track_codes = track_codes(engine)
                self._tracks = _tracks_of(engine)
        elif tables:
            effects = book_of_document(tables)
            self._tracks = {name_key(name): int(track) for track, name in tables.get("tracks", {}).items()}
            self._track_codes = codes_of_tracks({track: name for name, track in self._tracks.items()})
        self._effects = effects
        self._usual = UsualEffects(effects)
        self._courses: dict[tuple[str, int], tuple[float, float]] = {}
        self._grades: dict[str | None, float] = {}
        self._track = lru_cache(4096)(self._look_up_track)

    def is_current(self) -> bool:
        """Return whether the database still holds the tables that this book has read.

        Runs are read anew for every card; the tables and the new dogs of an import need a new book.

        Raises
        ------
        DatabaseUnavailable
            If the database does not answer.
        """
        if self._engine is None or self._reader is None:
            return True
        with _database():
            is_same = _mark_of(self._engine) == self._mark and _tracks_of(self._engine) == self._tracks
            return is_same and mark_of_forms(self._engine) == self._reader.mark

    def knows_any(self, card: Card) -> bool:
        """Return whether the database knows one of the dogs, as far as this book has seen.

        If not, :meth:`features_of_card` does not look at the database, and so does not wait for it.
        """
        return self._reader is not None and self._reader.knows_any(
            name_key(runner.name) for runner in card.runners
        )

    def read(self, card: Card) -> StoredForm:
        """Return what the database has of a card's dogs before its day.

        Raises
        ------
        DatabaseUnavailable
            If the database does not answer.
        """
        if self._reader is None:
            return NOTHING_STORED
        with _database():
            return self._reader.read(card.date, [name_key(runner.name) for runner in card.runners])

    def features_of_card(self, card: Card, stored: StoredForm | None = None) -> CardFeatures:
        """Return the features of a card's runners as of the morning of its day.

        A run on or after race day is left out; a run that both the database and the card hold counts once.
        ``stored`` is what :meth:`read` returned, if it was called before; everything else is in memory.

        Raises
        ------
        DatabaseUnavailable
            If the database does not answer, or there is none and no runner brings form. One that does is
            enough: a runner without is then a stranger, as a dog at its debut would be.
        """
        if self._engine is None and not any(runner.form for runner in card.runners):
            raise DatabaseUnavailable(
                "no runner carries form, and there is no race database now to look their names up"
            )
        stored = self.read(card) if stored is None else stored
        # In the order of history, so that sums over the race are those of training, bit for bit.
        keyed = [(runner.box, name_key(runner.name), i) for i, runner in enumerate(card.runners)]
        keyed.sort()
        order = [i for _, _, i in keyed]
        runners = [card.runners[i] for i in order]
        warnings = self._warnings(card)
        dogs = []
        for runner, (_, key, _) in zip(runners, keyed, strict=True):
            dogs.append(_dog(card, runner, stored.dog_ids.get(key), stored, warnings))
        n_runs = [min(len(dog.stored) + len(dog.brought), WINDOW) for dog in dogs]
        formulas = card_formulas(len(runners), max(n_runs))
        with formulas.lock:
            self._fill_card(formulas, card, runners, dogs)
            self._fill_form(formulas, dogs)
            values = formulas.features()
        back = np.argsort(order)
        return CardFeatures(
            values=values[back],
            is_known=np.array([dog.is_stored for dog in dogs])[back],
            n_prior_runs=np.array(n_runs)[back],
            warnings=tuple(warnings),
        )

    def _warnings(self, card: Card) -> list[CardWarning]:
        warnings = []
        if not self._is_rated:
            text = "not all stored runs are rated yet; an import rates them"
            warnings.append(CardWarning("ratings_behind", text))
        if self._tracks and self._track(card.track, card.distance_m) < 0:
            warnings.append(CardWarning("unknown_track", f"no race at track {card.track!r} is known"))
        return warnings

    def _fill_card(self, formulas: CardFormulas, card: Card, runners: list[Runner], dogs: list[_Dog]) -> None:
        day, grade, distance_m = _day(card.date), grade_class(card.grade), card.distance_m
        track_id, course = self._course(card.track, distance_m)
        track = self._track_codes.get(int(track_id), 0)
        rows = [
            (
                day, track_id, distance_m, runner.box if runner.box <= 8 else None, runner.box, grade,
                runner.weight_kg, runner.rated_price, runner.early_speed, dog.career_runs,
                day if dog.first_day is None else dog.first_day, track,
            )
            for runner, dog in zip(runners, dogs, strict=True)
        ]  # fmt: skip
        block, n_said = formulas.card, len(rows[0])
        block[:, :n_said] = np.array(rows, np.float64)
        month = card.date.year * 12 + card.date.month - _MONTH_OF_EPOCH
        block[:, n_said:-_N], block[:, -_N:] = self._usual.of(month, course, block[:, _BOX], grade)

    def _fill_form(self, formulas: CardFormulas, dogs: list[_Dog]) -> None:
        """Write every dog's runs into the blocks, newest first."""
        n_places = formulas.brought.shape[1]
        formulas.stored.fill(np.nan)
        formulas.brought.fill(np.nan)
        runs: list[PastRun] = []
        at: list[int] = []
        for i, dog in enumerate(dogs):
            places = _write_stored(formulas.stored[i], dog) if len(dog.stored) else range(n_places)
            n_brought = min(len(dog.brought), len(places))
            runs += dog.brought[:n_brought]
            at += [i * n_places + place for place in places[:n_brought]]
        if runs:
            brought = formulas.brought.reshape(-1, len(BROUGHT_COLUMNS))
            read = self._read(runs)
            brought[at, : len(READ)] = read
            brought[at, len(READ) : -_N], brought[at, -_N:] = self._usual.of(*read[:, _WHERE].T)

    def _read(self, runs: list[PastRun]) -> Floats:
        """Return runs as numbers, see ``READ``."""
        read = np.empty((len(runs), len(READ)))
        while (unknown := read_runs(runs, SAID, self._courses, self._grades, read)) >= 0:
            run = runs[unknown]
            if len(self._courses) >= _N_REMEMBERED:
                self._courses = {}
            self._courses[run.track, run.distance_m] = self._course(run.track, run.distance_m)
            if len(self._grades) >= _N_REMEMBERED:
                self._grades = {}
            self._grades[run.grade] = float(grade_class(run.grade))
        return read

    def _course(self, track: str, distance_m: int) -> tuple[float, float]:
        """Return a track's id and the row of the course among those of the tables."""
        track_id = self._track(track, distance_m)
        return float(track_id), float(self._effects.courses.rows.get((track_id, distance_m), 0))

    def _look_up_track(self, name: str, distance_m: int) -> int:
        key = name_key(known_track(name, distance_m) or name)
        # Below 0 for a track that is not known, but still another for every name.
        return self._tracks.get(key, -1 - zlib.crc32(key.encode()))


def _dog(
    card: Card, runner: Runner, dog_id: int | None, stored: StoredForm, warnings: list[CardWarning]
) -> _Dog:
    """Return what is known of a runner's dog, and add what is worth a warning."""
    runs = _NO_RUNS if dog_id is None else stored.runs.get(dog_id, _NO_RUNS)
    n_runs, first = (0, None) if dog_id is None else stored.careers.get(dog_id, (0, None))
    if dog_id is None and not runner.form:
        text = f"nothing is known of {runner.name!r}: no form"
        warnings.append(CardWarning("unknown_dog", text))
    days = set(runs[:, 0].tolist())
    brought: list[PastRun] = []
    n_late = 0
    for run in sorted(runner.form, key=_NEWEST_FIRST, reverse=True):
        day = run.date.toordinal() - _ORDINAL_OF_EPOCH
        if run.date >= card.date:
            n_late += 1
        elif day not in days:
            days.add(day)
            brought.append(run)
    if n_late:
        text = f"{n_late} run(s) of {runner.name!r} on or after race day {card.date} left out"
        warnings.append(CardWarning("late_run", text))
    if brought:
        oldest = _day(brought[-1].date)
        first = oldest if first is None else min(first, oldest)
    # What a card brings counts if it is newer than the stored runs that were looked at: of older ones nobody
    # knows whether they are among those counted.
    is_cut = len(runs) == WINDOW
    n_newer = sum(_day(run.date) > runs[0, 0] for run in brought) if is_cut else len(brought)
    return _Dog(dog_id is not None, runs, brought, n_runs + n_newer, first)


def _write_stored(block: Floats, dog: _Dog) -> list[int]:
    """Write stored runs where they belong among those brought, and return the places of the latter."""
    if not dog.brought:
        newest_first = dog.stored[::-1]
        block[: len(newest_first)] = newest_first
        return []
    runs = [(day, 0, row) for row, day in enumerate(dog.stored[:, 0].tolist())]
    runs += [(_day(run.date), 1, -row) for row, run in enumerate(dog.brought)]
    runs.sort(reverse=True)
    newest = list(enumerate(runs[: len(block)]))
    kept = [(place, row) for place, (_, is_brought, row) in newest if not is_brought]
    block[[place for place, _ in kept]] = dog.stored[[row for _, row in kept]]
    return [place for place, (_, is_brought, _) in newest if is_brought]


def _mark_of(engine: Engine) -> int:
    """Return a number that changes with the stored tables: any run that changes moves the newest."""
    newest = select(func.max(_EFFECT.c.as_of)).scalar_subquery()
    query = select(_EFFECT.c.name, _EFFECT.c.as_of, _EFFECT.c.cells).where(_EFFECT.c.as_of == newest)
    with engine.connect() as connection:
        return hash(tuple(sorted(map(tuple, connection.execute(query).all()))))


def _tracks_of(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        rows = connection.execute(select(_ALIAS.c.alias, _ALIAS.c.track_id)).all()
    return {row.alias: row.track_id for row in rows}


def _day(date: dt.date) -> int:
    return date.toordinal() - _ORDINAL_OF_EPOCH


class _database:  # noqa: N801
    """Turns the database's own errors into ours."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DBAPIError):
            raise DatabaseUnavailable(f"the race database does not answer: {error.orig}") from error
