"""A card's features, from its dogs' runs in the database and those that the card brings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

from racing.database.tables import Effect, TrackAlias
from racing.domain.cards import Card, Runner
from racing.domain.errors import DatabaseUnavailable
from racing.domain.names import name_key
from racing.domain.regions import dog_keys_at
from racing.domain.runs import WINDOW
from racing.features.cards.card_blocks import CardBlocks
from racing.features.cards.card_view import card_formulas
from racing.features.cards.remembered_form import RememberedForm
from racing.features.cards.stored_form import NOTHING_STORED, FormReader, StoredForm, forms_fingerprint
from racing.features.table import codes_of_tracks, track_codes
from racing.ratings.store import (
    book_of,
    book_of_document,
    load_effects,
    load_name_words,
    runs_are_rated,
    words_of_document,
)
from racing.ratings.word_rows import words_fingerprint
from racing.ratings.words import WordBook

_ALIAS, _EFFECT = TrackAlias.__table__, Effect.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class CardWarning:
    """Something about a card that the reader of its answer should know."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class CardFeatures:
    """Features of a card's runners, one row or entry a runner, in the card's order."""

    values: NDArray[np.float32]
    """Shape (n_runners, n_features), in the order of ``FEATURE_NAMES``, with runs of ``INPUT_NAMES``; NaN is
    unknown."""
    is_known: NDArray[np.bool_]
    """Whether the database has the dog."""
    n_prior_runs: NDArray[np.int64]
    warnings: tuple[CardWarning, ...]


class CardFeaturizer:
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
        self._fingerprint = 0
        self._is_rated = True
        effects, words, codes = book_of([]), WordBook.of_months([]), dict[int, int]()
        if engine is not None:
            with _database():
                self._fingerprint = _tables_fingerprint(engine)  # first: see is_current
                self._is_rated = runs_are_rated(engine)
                self._reader = FormReader(engine)
                effects, words = load_effects(engine), load_name_words(engine)
                codes = track_codes(engine)
                self._tracks = _tracks_of(engine)
        elif tables:
            effects, words = book_of_document(tables), words_of_document(tables)
            self._tracks = {name_key(name): int(track) for track, name in tables.get("tracks", {}).items()}
            codes = codes_of_tracks({track: name for name, track in self._tracks.items()})
        self._remembered = RememberedForm()
        self._blocks = CardBlocks(effects, words, self._tracks, codes)

    def is_current(self) -> bool:
        """Return whether the database still holds the tables that this one has read.

        Form is remembered (:meth:`read`), so that and the tables of an import need a new featurizer.

        Raises
        ------
        DatabaseUnavailable
            If the database does not answer.
        """
        if self._engine is None or self._reader is None:
            return True
        with _database():
            is_same = (
                _tables_fingerprint(self._engine) == self._fingerprint
                and _tracks_of(self._engine) == self._tracks
            )
            return is_same and forms_fingerprint(self._engine) == self._reader.fingerprint

    def is_in_memory(self, card: Card) -> bool:
        """Return whether :meth:`read` will not wait for the database.

        It has none of the dogs, as of the making of this one, or the card was read before.
        """
        if self._reader is None:
            return True
        keys = _keys_of(card)
        return not self._reader.has_any(keys) or self._remembered.get(card.date, keys) is not None

    def read(self, card: Card) -> StoredForm:
        """Return the stored runs of a card's dogs before its day.

        A card's form is remembered whole, as one read of the database gave it, so that no card has some dogs
        of before an import and others of after it.

        Raises
        ------
        DatabaseUnavailable
            If the database does not answer.
        """
        if self._reader is None:
            return NOTHING_STORED
        keys = _keys_of(card)
        stored = self._remembered.get(card.date, keys)
        if stored is None:
            with _database():
                stored = self._reader.read(card.date, keys)
            if stored.dog_ids:
                self._remembered.put(card.date, keys, stored)
        return stored

    def features_of_card(
        self, card: Card, stored: StoredForm | None = None, *, with_runs: bool = False
    ) -> CardFeatures:
        """Return the features of a card's runners as of the morning of its day.

        A run on or after race day is left out; a run that both the database and the card hold counts once.
        ``stored`` is what :meth:`read` returned, if it was called before; everything else is in memory.
        ``with_runs`` adds the numbers of single runs, which only some models take.

        Raises
        ------
        DatabaseUnavailable
            If the database does not answer, or there is none and no runner brings form. One that does is
            enough: a runner without is then like a dog at its debut.
        """
        if self._engine is None and not any(runner.form for runner in card.runners):
            raise DatabaseUnavailable(
                "no runner carries form, and there is no race database now to look their names up"
            )
        stored = self.read(card) if stored is None else stored
        keys = _keys_of(card)
        # In the order of history, so that sums over the race are those of training, bit for bit.
        keyed = sorted((runner.box, keys[i], i) for i, runner in enumerate(card.runners))
        order = [i for _, _, i in keyed]
        runners = [card.runners[i] for i in order]
        dogs = [stored.dog(key) for _, key, _ in keyed]
        longest = max([len(dog[0]) + len(runner.form) for dog, runner in zip(dogs, runners, strict=True)])
        formulas = card_formulas(len(runners), longest, with_runs=with_runs)
        with formulas.lock:
            counts = self._blocks.fill(formulas, card, runners, dogs)
            values = formulas.features()
        n_runs = [min(n_before, WINDOW) for n_before, _ in counts]
        if order != list(range(len(order))):
            back = sorted(range(len(order)), key=order.__getitem__)
            values, n_runs = values[back], [n_runs[i] for i in back]
        return CardFeatures(
            values=values,
            is_known=np.array([key in stored.dog_ids for key in keys]),
            n_prior_runs=np.array(n_runs),
            warnings=(*self._warnings(card), *_warnings_of_form(card, runners, keyed, counts, stored)),
        )

    def _warnings(self, card: Card) -> list[CardWarning]:
        warnings = []
        if not self._is_rated:
            text = "not all stored runs are rated yet; an import or `greyhound prepare` rates them"
            warnings.append(CardWarning("ratings_behind", text))
        if self._tracks and self._blocks.track_id(card.track, card.distance_m) < 0:
            warnings.append(CardWarning("unknown_track", f"no race at track {card.track!r} is known"))
        return warnings


def _keys_of(card: Card) -> list[str]:
    return dog_keys_at([runner.name for runner in card.runners], card.track)


def _warnings_of_form(
    card: Card,
    runners: list[Runner],
    keyed: list[tuple[int, str, int]],
    counts: list[tuple[int, int]],
    stored: StoredForm,
) -> Iterator[CardWarning]:
    for runner, (_, key, _), (_, n_late) in zip(runners, keyed, counts, strict=True):
        if not runner.form and key not in stored.dog_ids:
            yield CardWarning("unknown_dog", f"no run on file: nothing is known of {runner.name!r}")
        if n_late:
            text = f"{n_late} run(s) of {runner.name!r} on or after race day {card.date} left out"
            yield CardWarning("late_run", text)


def _tables_fingerprint(engine: Engine) -> int:
    """Return a number that changes with the stored tables: any run that changes moves the newest effects."""
    newest = select(func.max(_EFFECT.c.as_of)).scalar_subquery()
    query = select(_EFFECT.c.name, _EFFECT.c.as_of, _EFFECT.c.cells).where(_EFFECT.c.as_of == newest)
    with engine.connect() as connection:
        effects = sorted(map(tuple, connection.execute(query).all()))
        return hash((tuple(effects), words_fingerprint(connection)))


def _tracks_of(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        rows = connection.execute(select(_ALIAS.c.alias, _ALIAS.c.track_id)).all()
    return {row.alias: row.track_id for row in rows}


class _database:  # noqa: N801
    """Turns the database's own errors into ours."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DBAPIError):
            raise DatabaseUnavailable(f"the race database does not answer: {error.orig}") from error
