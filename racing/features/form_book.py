"""The form book: a card's features, from what the database knows of its dogs and what the card brings."""

import datetime as dt
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

from racing.cards import Card, PastRun, Runner
from racing.classes import grade_class
from racing.database.tables import Effect, TrackAlias
from racing.errors import DatabaseUnavailable
from racing.features.matrix import feature_matrix
from racing.features.stored_form import NOTHING_STORED, FormReader, StoredForm, mark_of_forms
from racing.features.table import codes_of_tracks, track_codes
from racing.features.view import RaceView
from racing.history import first_call, floats, share_alone
from racing.names import name_key
from racing.probabilities import n_places
from racing.ratings.alone import worths_alone
from racing.ratings.posterior import Worths
from racing.ratings.store import book_of, book_of_document, load_effects, runs_are_rated
from racing.ratings.worth_columns import RatedWorths
from racing.runs import WINDOW, Entries, Form, Runs, concatenate, windows
from racing.tracks import known_track

_ALIAS, _EFFECT = TrackAlias.__table__, Effect.__table__  # type: ignore[attr-defined]


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
        self._effects = book_of([])
        self._tracks: dict[str, int] = {}
        self._track_codes: dict[int, int] = {}
        self._mark = 0
        self._is_rated = True
        if engine is not None:
            with _database():
                self._mark = _mark_of(engine)  # first: what changes meanwhile is seen by the next look
                self._is_rated = runs_are_rated(engine)
                self._reader = FormReader(engine)
                self._effects = load_effects(engine)
                self._track_codes = track_codes(engine)
                self._tracks = _tracks_of(engine)
        elif tables:
            self._effects = book_of_document(tables)
            self._tracks = {name_key(name): int(track) for track, name in tables.get("tracks", {}).items()}
            self._track_codes = codes_of_tracks({track: name for name, track in self._tracks.items()})

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
        return self._reader is not None and self._reader.knows_any(map(_key, card.runners))

    def features_of_card(self, card: Card) -> CardFeatures:
        """Return the features of a card's runners as of the morning of its day.

        A run on or after race day is left out; a run that both the database and the card hold counts once.

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
        order = sorted(range(len(card.runners)), key=lambda i: (card.runners[i].box, _key(card.runners[i])))
        runners = [card.runners[i] for i in order]
        dog_id, stored = self._stored(card.date, runners)
        brought, warnings = self._brought(card, runners, dog_id, stored.runs)
        careers = _careers(dog_id, stored.careers, stored.runs, brought)
        runs = _join(stored.runs, brought)
        worths = _join_worths(stored.worths, worths_alone(brought, self._effects))
        entries = self._entries(card, runners, dog_id, careers)
        view = RaceView(entries, _form(runs, entries), worths, self._effects, self._track_codes)
        back = np.argsort(order)
        return CardFeatures(
            values=feature_matrix(view)[back],
            is_known=(dog_id >= 0)[back],
            n_prior_runs=(view.form.index >= 0).sum(axis=1)[back],
            warnings=tuple(warnings),
        )

    def _stored(self, date: dt.date, runners: list[Runner]) -> tuple[NDArray[np.int64], StoredForm]:
        """Return the dogs' ids (below 0 for strangers), and what is stored of them before a day."""
        keys = [_key(runner) for runner in runners]
        stored = NOTHING_STORED
        if self._reader is not None:
            with _database():
                stored = self._reader.read(date, keys)
        return np.array([stored.dog_ids.get(key, -2 - i) for i, key in enumerate(keys)], np.int64), stored

    def _brought(
        self, card: Card, runners: list[Runner], dog_id: NDArray[np.int64], stored: Runs
    ) -> tuple[Runs, list[CardWarning]]:
        """Return the runs that a card brings and the database lacks."""
        warnings: list[CardWarning] = []
        if not self._is_rated:
            warnings.append(
                CardWarning("ratings_behind", "not all stored runs are rated yet; an import rates them")
            )
        if self._track(card.track, card.distance_m) < 0 and self._tracks:
            warnings.append(CardWarning("unknown_track", f"no race at track {card.track!r} is known"))
        known_days = set(zip(stored.dog_id.tolist(), stored.day.tolist(), strict=True))
        records = []
        for runner, dog in zip(runners, dog_id.tolist(), strict=True):
            if dog < 0 and not runner.form:
                warnings.append(CardWarning("unknown_dog", f"nothing is known of {runner.name!r}: no form"))
            late = [run.date for run in runner.form if run.date >= card.date]
            if late:
                text = f"{len(late)} run(s) of {runner.name!r} on or after race day {card.date} left out"
                warnings.append(CardWarning("late_run", text))
            for run in runner.form:
                day = _day(run.date)
                if run.date < card.date and (dog, day) not in known_days:
                    known_days.add((dog, day))
                    records.append(self._record(run, dog, day))
        return concatenate(records), warnings

    def _record(self, run: PastRun, dog: int, day: int) -> dict[str, float | int | None]:
        position = run.finish_position
        share = share_alone(floats([run.bsp]), floats([run.starting_price]))[0]
        return {
            "dog_id": dog,
            "day": day,
            "track_id": self._track(run.track, run.distance_m),
            "distance_m": run.distance_m,
            "box": run.box if run.box is not None and run.box <= 8 else None,
            "grade": grade_class(run.grade),
            "weight_kg": run.weight_kg,
            "finish_position": position,
            "won": None if position is None else float(position == 1),
            "placed": None if position is None else float(position <= _PLACES_OF_UNKNOWN_FIELD),
            "time_s": run.time_s,
            "first_split_s": run.first_split_s,
            "margin_lengths": run.margin_lengths,
            "early_position": first_call(run.position_in_running),
            "market_share": share,
            "rated_price": run.rated_price,
            "early_speed": run.early_speed,
        }

    def _entries(
        self,
        card: Card,
        runners: list[Runner],
        dog_id: NDArray[np.int64],
        careers: list[tuple[int, int | None]],
    ) -> Entries:
        n = len(runners)
        box = floats([runner.box if runner.box <= 8 else None for runner in runners])
        return Entries(
            race=np.zeros(n, np.int64),
            day=np.full(n, _day(card.date)),
            dog_id=dog_id,
            track_id=np.full(n, self._track(card.track, card.distance_m)),
            distance_m=np.full(n, float(card.distance_m)),
            box=box,
            number=np.array([runner.box for runner in runners], np.int64),
            grade=np.full(n, float(grade_class(card.grade))),
            weight_kg=floats([runner.weight_kg for runner in runners]),
            rated_price=floats([runner.rated_price for runner in runners]),
            early_speed=floats([runner.early_speed for runner in runners]),
            career_runs=floats([n_runs for n_runs, _ in careers]),
            first_day=floats([_day(card.date) if first is None else first for _, first in careers]),
        )

    def _track(self, name: str, distance_m: int) -> int:
        key = name_key(known_track(name, distance_m) or name)
        # Below 0 for a track that is not known, but still another for every name.
        return self._tracks.get(key, -1 - zlib.crc32(key.encode()))


_PLACES_OF_UNKNOWN_FIELD = n_places(8)


def _form(runs: Runs, entries: Entries) -> Form:
    """Return the form of entries whose runs all lie before their day."""
    everything = np.concatenate([runs.dog_id, entries.dog_id]), np.concatenate([runs.day, entries.day])
    return Form(runs, windows(*everything)[len(runs) :])


def _careers(
    dog_id: NDArray[np.int64], of_stored: dict[int, tuple[int, int]], stored: Runs, brought: Runs
) -> list[tuple[int, int | None]]:
    """Return each dog's number of runs before the card's day, and the day of the first.

    What a card brings counts if it is newer than the stored runs that were looked at: of older ones nobody
    knows whether they are among those counted.
    """
    if not len(brought):
        return [of_stored.get(dog, (0, None)) for dog in dog_id.tolist()]
    careers: list[tuple[int, int | None]] = []
    for dog in dog_id.tolist():
        n_runs, first = of_stored.get(dog, (0, None))
        looked_at = stored.day[stored.dog_id == dog]
        days = brought.day[brought.dog_id == dog]
        if len(looked_at) == WINDOW:
            days = days[days > looked_at.min()]
        known = [*days.tolist(), *([] if first is None else [first])]
        careers.append((n_runs + len(days), min(known, default=None)))
    return careers


def _join(stored: Runs, brought: Runs) -> Runs:
    if not len(brought):
        return stored
    return Runs(
        **{name: np.concatenate([getattr(stored, name), getattr(brought, name)]) for name in _COLUMNS}
    )


def _join_worths(stored: RatedWorths, brought: RatedWorths) -> RatedWorths:
    """Join worths of stored runs, revised or not, and of brought ones, of which nobody's rivals are known."""

    def both(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([one, np.repeat(other, one.shape[1], axis=1)])

    return {
        name: Worths(
            both(known.worth, brought[name].worth),
            both(known.noise, brought[name].noise),
            np.concatenate([known.shift, brought[name].shift]),
            np.concatenate([known.innovation, brought[name].innovation]),
        )
        for name, known in stored.items()
    }


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


_COLUMNS = tuple(Runs.__dataclass_fields__)


def _key(runner: Runner) -> str:
    return name_key(runner.name)


def _day(date: dt.date) -> int:
    return (date - dt.date(1970, 1, 1)).days


class _database:  # noqa: N801
    """Turns the database's own errors into ours."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DBAPIError):
            raise DatabaseUnavailable(f"the race database does not answer: {error.orig}") from error
