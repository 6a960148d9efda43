"""Ratings in the database: every run's adjusted performance, and the sums behind each month's tables."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Engine, select

from racing.database.tables import Track
from racing.domain.runs import Floats, Form, Ints, Runs, careers, windows
from racing.history import EPOCH, floats, load_runs, plain
from racing.ratings.catalog import RATINGS
from racing.ratings.dog_forms import CHANGES, forms_are_whole
from racing.ratings.effect_rows import day_of_month, load_sums
from racing.ratings.effects import Courses, EffectBook, MonthOfEffects
from racing.ratings.level_rows import load_evenings
from racing.ratings.levels import changes_on_mornings
from racing.ratings.performances import Performances, PerformancesByRating, columns_of
from racing.ratings.stretch import load_performances, load_stretch
from racing.ratings.update import runs_are_rated as _runs_are_rated
from racing.ratings.word_rows import load_words, words_before
from racing.ratings.words import WordBook

_TRACK = Track.__table__  # type: ignore[attr-defined]
(_CHANGE,) = CHANGES  # the market's


@dataclass(frozen=True, slots=True)
class RatedHistory:
    """All runs with their adjusted performances, and the tables learnt from them."""

    runs: Runs
    index: Ints
    """Each run's own form: :func:`racing.domain.runs.windows`."""
    performances: PerformancesByRating
    effects: EffectBook
    changes: Floats
    """How far the levels behind each run's form had moved by its morning; of the shape of ``index``."""

    @property
    def columns(self) -> dict[str, Any]:
        """Return the runs and their performances by column, one value a run."""
        return self.runs.columns | columns_of(self.performances)

    def form(self, rows: Ints) -> Form:
        """Return the form of some runs, as it was known on the morning of their day."""
        return Form.gathered(self.columns, self.index[rows], dict.fromkeys(CHANGES, self.changes[rows]))


def ratings_are_current(engine: Engine) -> bool:
    """Return whether :func:`racing.ratings.update_ratings` would find nothing to do."""
    with engine.connect() as connection:
        return _runs_are_rated(connection) and forms_are_whole(connection)


def runs_are_rated(engine: Engine) -> bool:
    """Return whether no noted change waits to be replayed, and every run with a result is rated."""
    with engine.connect() as connection:
        return _runs_are_rated(connection)


def load_rated_history(engine: Engine, *, until: dt.date | None = None) -> RatedHistory:
    """Return all runs, to a day inclusive, with the performances and tables that the database holds."""
    runs = load_runs(engine, until=until)
    with engine.connect() as connection:
        columns = load_performances(connection)
        effects = load_sums(connection).book()
        evenings = load_evenings(connection, until=until)
    position = np.searchsorted(columns["run_id"], runs.run_id)
    columns = {name: column[position] for name, column in columns.items()}
    performances = {rating.name: Performances.of_columns(columns, rating) for rating in RATINGS}
    index = windows(runs.dog_id, runs.day)
    final = columns[_CHANGE] if len(runs) else np.zeros(0)
    changes = changes_on_mornings(runs.day, index, runs.race_id, final, evenings)
    return RatedHistory(runs, index, performances, effects, changes)


def load_rated_days(engine: Engine, start: dt.date, until: dt.date | None = None) -> RatedHistory:
    """Return the runs of some days, both inclusive, behind the earlier runs that are their form.

    Each of those days' runs is as :func:`load_rated_history` gives it; of the earlier runs, which come first,
    careers and races are unknown.
    """
    with engine.connect() as connection:
        stretch = load_stretch(connection, start, until, first_day=0, forms_are_current=False)
        effects = load_sums(connection, start).book()
        evenings = load_evenings(connection, start, until)
    runs, n = stretch.runs, stretch.n_earlier
    n_runs, first_day = careers(runs.dog_id[n:], runs.day[n:])
    before = [stretch.careers.get(dog, (0, np.inf)) for dog in runs.dog_id[n:].tolist()]
    n_before, first_before = np.array(before, np.float64).reshape(-1, 2).T
    unknown = np.full(n, np.nan)
    runs = replace(
        runs,
        career_runs=np.concatenate([unknown, n_runs + n_before]),
        first_day=np.concatenate([unknown, np.minimum(first_day, first_before)]),
    )
    performances = {rating.name: Performances.of_columns(stretch.columns, rating) for rating in RATINGS}
    index = windows(runs.dog_id, runs.day)
    changes = np.zeros(index.shape)
    changes[n:] = changes_on_mornings(
        runs.day[n:], index[n:], stretch.race_id, stretch.columns[_CHANGE], evenings
    )
    return RatedHistory(runs, index, performances, effects, changes)


def load_effects(engine: Engine) -> EffectBook:
    """Return the tables of every month."""
    with engine.connect() as connection:
        return load_sums(connection).book()


def load_name_words(engine: Engine) -> WordBook:
    """Return what the words of names tell, by month."""
    with engine.connect() as connection:
        return load_words(connection)


def effects_document(engine: Engine, until: dt.date) -> dict[str, Any]:
    """Return the newest tables made on or before a day, as JSON types, with the names of their tracks.

    Of words of names those of the most runs, see :data:`racing.ratings.words.MOST_WORDS`.
    """
    with engine.connect() as connection:
        stored = load_sums(connection)
        words = words_before(connection, until)
        tracks = connection.execute(select(_TRACK.c.id, _TRACK.c.name)).all()
    row = stored.book().month_row(np.array([(until - EPOCH).days]))[0]
    pairs = [list(pair) for pair in stored.courses.rows]
    tables = {}
    for name, months in stored.by_rating.items() if row >= 0 else ():
        table = months[row].month()
        tables[name] = {
            "courses": pairs,
            "box": table.box.tolist(),
            "level": plain(table.level),
            "overall": None if np.isnan(table.overall) else table.overall,
        }
    return {
        "as_of": str(day_of_month(int(stored.months[row]))) if tables else None,
        "tracks": {str(track.id): track.name for track in tracks},
        "tables": tables,
        "words": words.document() if tables else {},
    }


def book_of_document(document: Mapping[str, Any]) -> EffectBook:
    """Return the look-up of what :func:`effects_document` wrote: one month, that holds for any later day."""
    if not document["tables"]:
        return book_of([])
    as_of = dt.date.fromisoformat(document["as_of"])
    return book_of([(name, as_of, cells) for name, cells in document["tables"].items()])


def words_of_document(document: Mapping[str, Any]) -> WordBook:
    """Return the look-up of words in what :func:`effects_document` wrote; older documents have none."""
    if not document.get("words"):
        return WordBook.of_months([])
    month = np.datetime64(document["as_of"], "M").astype(np.int64)
    return WordBook.of_document(document["words"], int(month))


def book_of(documents: list[tuple[str, dt.date, dict[str, Any]]]) -> EffectBook:
    """Return the look-up of tables that were written out."""
    courses = Courses(tuple(pair) for pair in documents[0][2]["courses"]) if documents else Courses()
    months = sorted({as_of for _, as_of, _ in documents})
    numbers = np.array(months, "datetime64[D]").astype("datetime64[M]").astype(np.int64)
    by_month = {(name, as_of): cells for name, as_of, cells in documents}
    by_rating = {
        rating.name: tuple(
            MonthOfEffects(
                box=floats(by_month[rating.name, month]["box"]),
                level=floats(by_month[rating.name, month]["level"]),
                overall=float(floats(by_month[rating.name, month]["overall"])),
            )
            for month in months
        )
        for rating in RATINGS
        if documents
    }
    return EffectBook(courses, numbers, by_rating)
