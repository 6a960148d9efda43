"""Fills the arrays that a card's formulas read, from the card and its dogs' runs."""

import zlib
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from racing.domain.cards import Card, Runner
from racing.domain.classes import grade_class
from racing.domain.name_affixes import name_affixes
from racing.domain.names import name_key
from racing.domain.regions import state_of
from racing.domain.runs import WINDOW, Floats
from racing.domain.tracks import known_track
from racing.features.cards.card_view import ATTRIBUTES, OF_RUNNER, CardFormulas
from racing.ops import read_card
from racing.ratings.affixes import AffixBook
from racing.ratings.effects import EffectBook
from racing.ratings.single_run import UsualEffects

_NAMES_OF_RUNNER = (*OF_RUNNER, "form")
_NAMES_OF_RUN = ("date", "track", "distance_m", "grade", "box", "position_in_running", *ATTRIBUTES)
_ORDINAL_OF_EPOCH = 719_163  # 1970-01-01
_MONTH_OF_EPOCH = 1970 * 12 + 1
_CACHE_SIZE = 4096

StoredDog = tuple[Floats, int, int | None]
"""A dog's last stored runs, oldest first, of shape (n_runs, n_columns); how many there are, and the day
of the first."""


class CardBlocks:
    """Fills blocks from the tables of one database or of one artifact; caches what it looks up.

    Parameters
    ----------
    effects
        What is usual at each course, box, class and month.
    affixes
        What the affixes of names tell, by month.
    tracks
        Id of each track, by the key of every name that it goes by.
    track_codes
        What the formulas call a track, by its id.
    """

    def __init__(
        self,
        effects: EffectBook,
        affixes: AffixBook,
        tracks: Mapping[str, int],
        track_codes: Mapping[int, int],
    ) -> None:
        self._effects = effects
        self._affixes = affixes
        self._usual = UsualEffects(effects).tables
        self._tracks = tracks
        self._track_codes = track_codes
        self._courses: dict[tuple[str, int], tuple[float, float]] = {}
        self._grades: dict[str | None, float] = {}
        self.track_id = lru_cache(_CACHE_SIZE)(self._look_up_track)
        """Of a track's name and a distance; below 0 for a track that is not known."""
        self._by_name = lru_cache(4 * _CACHE_SIZE)(self._look_up_name)

    def fill(
        self, formulas: CardFormulas, card: Card, runners: list[Runner], dogs: list[StoredDog]
    ) -> list[tuple[int, int]]:
        """Write the card and every dog's runs, stored and brought; the formulas' lock is held.

        Return for each runner how many runs it has before the race in all, and how many of those that it
        brings were left out as they are not before it.
        """
        date, distance_m = card.date, card.distance_m
        track_id, course = self._course(card.track, distance_m)
        month = date.year * 12 + date.month - _MONTH_OF_EPOCH
        state = state_of(card.track)
        formulas.affixes[:] = [self._by_name(runner.name, state, month) for runner in runners]
        formulas.early[:, 0] = [runner.price_10m for runner in runners]
        race = (
            month, course, date.toordinal() - _ORDINAL_OF_EPOCH,
            track_id, distance_m, grade_class(card.grade), self._track_codes.get(int(track_id), 0),
        )  # fmt: skip
        counts = np.empty((len(runners), 2), np.int64)
        while (
            unknown := read_card(
                runners, dogs, race, _NAMES_OF_RUNNER, _NAMES_OF_RUN, self._courses, self._grades,
                self._usual, WINDOW, formulas.card, formulas.stored, formulas.brought, counts,
            )
        ) is not None:  # fmt: skip
            self._look_up(unknown.track, unknown.distance_m, unknown.grade)
        return [(n_runs, n_late) for n_runs, n_late in counts.tolist()]

    def _look_up(self, track: str, distance_m: int, grade: str | None) -> None:
        if len(self._courses) >= _CACHE_SIZE:
            self._courses = {}
        self._courses[track, distance_m] = self._course(track, distance_m)
        if len(self._grades) >= _CACHE_SIZE:
            self._grades = {}
        self._grades[grade] = float(grade_class(grade))

    def _course(self, track: str, distance_m: int) -> tuple[float, float]:
        """Return a track's id and the row of the course among those of the tables."""
        track_id = self.track_id(track, distance_m)
        return float(track_id), float(self._effects.courses.rows.get((track_id, distance_m), 0))

    def _look_up_name(self, name: str, state: str, month: int) -> tuple[float, ...]:
        """Return what is known of a dog by its name, as of the beginning of a month."""
        row = self._affixes.rows_of([name_affixes(name, state)])
        means: list[float] = self._affixes.of(row, month)[0].tolist()
        return tuple(means)

    def _look_up_track(self, name: str, distance_m: int) -> int:
        key = name_key(known_track(name, distance_m) or name)
        # Below 0 for a track that is not known, but still another for every name.
        return self._tracks.get(key, -1 - zlib.crc32(key.encode()))
