"""Fills the arrays that a card's formulas read, from the card and its dogs' runs."""

import datetime as dt
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from racing.domain.cards import Card, PastRun, Runner
from racing.domain.classes import grade_class
from racing.domain.names import name_key
from racing.domain.runs import Floats
from racing.domain.tracks import known_track
from racing.features.cards.card_view import ATTRIBUTES, BROUGHT_COLUMNS, CARD_COLUMNS, READ, CardFormulas
from racing.ops import read_runs
from racing.ratings.effects import EffectBook
from racing.ratings.single_run import UsualEffects

ORDINAL_OF_EPOCH = dt.date(1970, 1, 1).toordinal()
_MONTH_OF_EPOCH = 1970 * 12 + 1
_WHERE = [READ.index(name) for name in ("month", "course", "box", "grade")]
_BOX = CARD_COLUMNS.index("box")
_N = len(UsualEffects.LEVEL_COLUMNS)  # of levels, and as many of boxes before them
_CACHE_SIZE = 4096


@dataclass(slots=True)
class Dog:
    """One runner's dog: its runs, stored and brought."""

    is_stored: bool
    stored: Floats
    """Runs of the database, oldest first; shape (n_runs, n_columns)."""
    brought: list[PastRun]
    """Runs that the card brings and the database lacks, newest first."""
    career_runs: int
    first_day: int | None


class CardBlocks:
    """Fills blocks from the tables of one database or of one artifact; caches what it looks up.

    Parameters
    ----------
    effects
        What is usual at each course, box, class and month.
    tracks
        Id of each track, by the key of every name that it goes by.
    track_codes
        What the formulas call a track, by its id.
    """

    def __init__(
        self, effects: EffectBook, tracks: Mapping[str, int], track_codes: Mapping[int, int]
    ) -> None:
        self._effects = effects
        self._usual = UsualEffects(effects)
        self._tracks = tracks
        self._track_codes = track_codes
        self._courses: dict[tuple[str, int], tuple[float, float]] = {}
        self._grades: dict[str | None, float] = {}
        self.track_id = lru_cache(4096)(self._look_up_track)
        """Of a track's name and a distance; below 0 for a track that is not known."""

    def fill(self, formulas: CardFormulas, card: Card, runners: list[Runner], dogs: list[Dog]) -> None:
        """Write the card and every dog's runs; the formulas' lock is held."""
        self._fill_card(formulas, card, runners, dogs)
        self._fill_form(formulas, dogs)

    def _fill_card(self, formulas: CardFormulas, card: Card, runners: list[Runner], dogs: list[Dog]) -> None:
        day, grade, distance_m = day_of(card.date), grade_class(card.grade), card.distance_m
        track_id, course = self._course(card.track, distance_m)
        track = self._track_codes.get(int(track_id), 0)
        rows = [
            (
                day, track_id, distance_m, runner.box if runner.box <= 8 else None, grade,
                runner.weight_kg, runner.rated_price, runner.early_speed, dog.career_runs,
                day if dog.first_day is None else dog.first_day, track,
            )
            for runner, dog in zip(runners, dogs, strict=True)
        ]  # fmt: skip
        block, n_given = formulas.card, len(rows[0])
        block[:, :n_given] = np.array(rows, np.float64)
        month = card.date.year * 12 + card.date.month - _MONTH_OF_EPOCH
        block[:, n_given:-_N], block[:, -_N:] = self._usual.of(month, course, block[:, _BOX], grade)

    def _fill_form(self, formulas: CardFormulas, dogs: list[Dog]) -> None:
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
        while (unknown := read_runs(runs, ATTRIBUTES, self._courses, self._grades, read)) >= 0:
            run = runs[unknown]
            if len(self._courses) >= _CACHE_SIZE:
                self._courses = {}
            self._courses[run.track, run.distance_m] = self._course(run.track, run.distance_m)
            if len(self._grades) >= _CACHE_SIZE:
                self._grades = {}
            self._grades[run.grade] = float(grade_class(run.grade))
        return read

    def _course(self, track: str, distance_m: int) -> tuple[float, float]:
        """Return a track's id and the row of the course among those of the tables."""
        track_id = self.track_id(track, distance_m)
        return float(track_id), float(self._effects.courses.rows.get((track_id, distance_m), 0))

    def _look_up_track(self, name: str, distance_m: int) -> int:
        key = name_key(known_track(name, distance_m) or name)
        # Below 0 for a track that is not known, but still another for every name.
        return self._tracks.get(key, -1 - zlib.crc32(key.encode()))


def day_of(date: dt.date) -> int:
    """Return a day as a number, counted from 1970."""
    return date.toordinal() - ORDINAL_OF_EPOCH


def _write_stored(block: Floats, dog: Dog) -> list[int]:
    """Write stored runs where they belong among those brought, and return the places of the latter."""
    if not dog.brought:
        newest_first = dog.stored[::-1]
        block[: len(newest_first)] = newest_first
        return []
    runs = [(day, 0, row) for row, day in enumerate(dog.stored[:, 0].tolist())]
    runs += [(day_of(run.date), 1, -row) for row, run in enumerate(dog.brought)]
    runs.sort(reverse=True)
    newest = list(enumerate(runs[: len(block)]))
    stored = [(place, row) for place, (_, is_brought, row) in newest if not is_brought]
    block[[place for place, _ in stored]] = dog.stored[[row for _, row in stored]]
    return [place for place, (_, is_brought, _) in newest if is_brought]
