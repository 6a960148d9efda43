"""What the ratings keep in the database: the worth of every run, and what each month's tables are made of."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, delete, func, insert, select

from racing.database.tables import Effect, RatingsDue, Run, RunWorth, Track
from racing.history import EPOCH, floats, load_runs
from racing.importers.ids import lock_for_import
from racing.ratings.catalog import RATINGS, Rating
from racing.ratings.effect_rows import StoredSums, day_of_month, load_sums, rows_of, sums_of
from racing.ratings.effects import Courses, EffectBook, MonthOfEffects, months_of
from racing.ratings.posterior import REVISION_DAYS, Worths
from racing.ratings.replay import Neighbours, Past, Replay, no_worths, replay
from racing.runs import Floats, Ints, Runs, windows

_WORTH, _EFFECT = RunWorth.__table__, Effect.__table__  # type: ignore[attr-defined]
_DUE = RatingsDue.__table__  # type: ignore[attr-defined]
_RUN, _TRACK = Run.__table__, Track.__table__  # type: ignore[attr-defined]
_BATCH = 20_000

RatedWorths = dict[str, Worths]
"""The worths of some runs, by name of rating."""


@dataclass(frozen=True, slots=True)
class RatedHistory:
    """All runs with what they were worth, and the tables learnt from them."""

    runs: Runs
    index: Ints
    """Each run's own form: :func:`racing.runs.windows`."""
    worths: RatedWorths
    effects: EffectBook


def update_ratings(
    engine: Engine, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> None:
    """Bring the worths and tables in the database up to date with its runs, in one transaction.

    Where importers noted a change, history is replayed from the month of the earliest on, which gives the
    same, bit for bit, as all of it: nothing before that month depends on the change. Where none is noted, or
    what was kept of the months before is not whole, all of it is replayed.
    """
    while not _update(engine, on_progress):
        pass  # another import came in between


def ratings_are_current(engine: Engine) -> bool:
    """Return whether no noted change waits to be replayed, and every run with a result has its worth."""
    rated = select(func.count()).select_from(_WORTH)
    has_result = _RUN.c.won.is_not(None) | _RUN.c.finish_position.is_not(None)
    resulted = select(func.count()).select_from(_RUN).where(_RUN.c.is_scratched.is_(False), has_result)
    with engine.connect() as connection:
        if connection.execute(select(_DUE.c.id).limit(1)).first() is not None:
            return False
        return connection.execute(rated).scalar_one() == connection.execute(resulted).scalar_one()


def load_rated_history(engine: Engine, *, until: dt.date | None = None) -> RatedHistory:
    """Return all runs, to a day inclusive, with the worths and tables that the database holds."""
    runs = load_runs(engine, until=until)
    with engine.connect() as connection:
        columns = _load_columns(connection)
        effects = load_sums(connection).book()
    position = np.searchsorted(columns["run_id"], runs.run_id)
    columns = {name: column[position] for name, column in columns.items()}
    worths = {rating.name: worths_of(columns, rating) for rating in RATINGS}
    return RatedHistory(runs, windows(runs.dog_id, runs.day), worths, effects)


def load_effects(engine: Engine) -> EffectBook:
    """Return the tables of every month."""
    with engine.connect() as connection:
        return load_sums(connection).book()


def effects_document(engine: Engine, until: dt.date) -> dict[str, Any]:
    """Return the newest tables made on or before a day, as JSON types, with the names of their tracks."""
    with engine.connect() as connection:
        stored = load_sums(connection)
        tracks = connection.execute(select(_TRACK.c.id, _TRACK.c.name)).all()
    row = stored.book().month_row(np.array([(until - EPOCH).days]))[0]
    pairs = [list(pair) for pair in stored.courses.rows]
    tables = {}
    for name, months in stored.by_rating.items() if row >= 0 else ():
        table = months[row].month()
        tables[name] = {
            "courses": pairs,
            "box": table.box.tolist(),
            "level": _plain(table.level),
            "overall": None if np.isnan(table.overall) else table.overall,
        }
    return {
        "as_of": str(day_of_month(int(stored.months[row]))) if tables else None,
        "tracks": {str(track.id): track.name for track in tracks},
        "tables": tables,
    }


def book_of_document(document: Mapping[str, Any]) -> EffectBook:
    """Return the look-up of what :func:`effects_document` wrote: one month, that holds for any later day."""
    if not document["tables"]:
        return book_of([])
    as_of = dt.date.fromisoformat(document["as_of"])
    return book_of([(name, as_of, cells) for name, cells in document["tables"].items()])


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


def worths_of(columns: Mapping[str, Floats], rating: Rating) -> Worths:
    """Return the worths of one rating from columns of the table of worths."""
    worth, noise = (np.stack([columns[name] for name in names], axis=1) for names in _names_of(rating))
    shift = columns.get(f"{rating.name}_shift", np.zeros(len(worth)))
    innovation = columns.get(f"{rating.name}_innovation", np.full(len(worth), np.nan))
    return Worths(worth, noise, np.nan_to_num(shift), innovation)


def _names_of(rating: Rating) -> tuple[list[str], list[str]]:
    """Return the columns of a rating's worths and of their noises: fresh, then as revised."""
    suffixes = ["", *(f"_{days}" for days in REVISION_DAYS)][: rating.n_revisions]
    worths, noises = ([f"{rating.name}_{part}{suffix}" for suffix in suffixes] for part in ("worth", "noise"))
    return worths, noises


def _update(engine: Engine, on_progress: Callable[[int, int], None]) -> bool:
    """Replay and write; return ``False``, with nothing written, if races changed meanwhile."""
    with engine.connect() as connection:
        due = {row.id: row.since for row in connection.execute(select(_DUE))}
        stored = load_sums(connection)
    runs = load_runs(engine)
    courses = Courses.seen_in(runs.track_id, runs.distance_m)
    first_day = min(due.values()).replace(day=1) if due else None
    pasts = {} if first_day is None else _pasts(engine, stored, runs, courses, first_day)
    played = _replay_all(runs, courses, pasts, on_progress)
    with engine.begin() as connection:
        lock_for_import(connection)
        if set(connection.scalars(select(_DUE.c.id))) != set(due):
            return False
        _write_worths(connection, runs, played, pasts, first_day)
        _write_sums(connection, sums_of(courses, played), stored, pasts)
        connection.execute(delete(_DUE))
    return True


def _pasts(
    engine: Engine, stored: StoredSums, runs: Runs, courses: Courses, first_day: dt.date
) -> dict[str, Past]:
    """Return what each rating's replay left of the days before a month; nothing if it is not whole."""
    n_runs = int(np.searchsorted(runs.day, (first_day - EPOCH).days))
    months = np.unique(months_of(runs.day[:n_runs]))
    n_months = len(months)
    if not n_months or len(stored.months) <= n_months or (stored.months[:n_months] != months).any():
        return {}
    with engine.connect() as connection:
        columns = _load_columns(connection, before=first_day)
    order = np.argsort(runs.run_id[:n_runs])
    if not np.array_equal(columns["run_id"], runs.run_id[:n_runs][order]):
        return {}
    moved = stored.moved_to(courses)
    pasts = {}
    for rating in RATINGS:
        known, worths = worths_of(columns, rating), no_worths(len(runs), rating)
        for part in ("worth", "noise", "shift", "innovation"):
            getattr(worths, part)[order] = getattr(known, part)
        pasts[rating.name] = Past(n_runs, worths, months, moved.by_rating[rating.name][: n_months + 1])
    return pasts


def _replay_all(
    runs: Runs, courses: Courses, pasts: Mapping[str, Past], on_progress: Callable[[int, int], None]
) -> dict[str, Replay]:
    neighbours = Neighbours.of(runs)
    n_to_play = len(RATINGS) * (len(runs) - _n_kept(pasts))
    n_played = 0

    def on_day(n_runs: int) -> None:
        nonlocal n_played
        n_played += n_runs
        on_progress(n_played, n_to_play)

    return {
        rating.name: replay(runs, neighbours, rating, courses, on_day, pasts.get(rating.name))
        for rating in RATINGS
    }


def _n_kept(pasts: Mapping[str, Past]) -> int:
    return next((past.n_runs for past in pasts.values()), 0)


def _load_columns(connection: Connection, *, before: dt.date | None = None) -> dict[str, Any]:
    """Return the table of worths by column, of runs before a day, in order of run."""
    query = select(*_WORTH.c).order_by(_WORTH.c.run_id)
    if before is not None:
        query = query.join(_RUN, _RUN.c.id == _WORTH.c.run_id).where(_RUN.c.date < before)
    rows = connection.execute(query).all()
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(_WORTH.c)
    values: dict[str, Any] = {
        name: floats(column) for name, column in zip(_WORTH.c.keys(), columns, strict=True)
    }
    return values | {"run_id": np.array(columns[0], np.int64)}


def _write_worths(
    connection: Connection,
    runs: Runs,
    played: Mapping[str, Replay],
    pasts: Mapping[str, Past],
    first_day: dt.date | None,
) -> None:
    old, n_kept = delete(_WORTH), 0
    if pasts and first_day is not None:
        first_revised = first_day - dt.timedelta(days=max(REVISION_DAYS))
        n_kept = int(np.searchsorted(runs.day, (first_revised - EPOCH).days))
        old = old.where(_WORTH.c.run_id.in_(select(_RUN.c.id).where(_RUN.c.date >= first_revised)))
    connection.execute(old)
    columns: dict[str, Floats | Ints] = {
        "run_id": runs.run_id,
        "n_starters": runs.n_starters,
        "market_share": runs.market_share,
    }
    for rating in RATINGS:
        worths = played[rating.name].worths
        names = _names_of(rating)
        columns |= dict(zip(names[0], worths.worth.T, strict=True))
        columns |= dict(zip(names[1], worths.noise.T, strict=True))
        if rating.shift is not None:
            columns[f"{rating.name}_shift"] = worths.shift
        if rating.is_revised:
            columns[f"{rating.name}_innovation"] = worths.innovation
    for start in range(n_kept, len(runs), _BATCH):
        part = [_plain(values[start : start + _BATCH]) for values in columns.values()]
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*part, strict=True)]
        connection.execute(insert(_WORTH), rows)


def _write_sums(
    connection: Connection, sums: StoredSums, stored: StoredSums, pasts: Mapping[str, Past]
) -> None:
    """Write the months that were played; all of them where the courses, and so the rows, are others."""
    n_kept = next((len(past.months) for past in pasts.values()), 0)
    if list(sums.courses.rows) != list(stored.courses.rows):
        n_kept = 0
    old = delete(_EFFECT)
    if n_kept:
        old = old.where(_EFFECT.c.as_of > day_of_month(int(sums.months[n_kept - 1])))
    connection.execute(old)
    effects = rows_of(sums, n_kept)
    if effects:
        connection.execute(insert(_EFFECT), effects)


def _plain(values: Floats | Ints) -> list[float | None]:
    """Return Python numbers, ``None`` for NaN."""
    if values.dtype.kind != "f":
        return list(values.tolist())
    return [None if value != value else value for value in values.tolist()]
