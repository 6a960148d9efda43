"""Ratings in the database: every run's adjusted performance, and the sums behind each month's tables."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, delete, func, insert, select

from racing.database import change_log
from racing.database.bulk import ROWS_AT_ONCE, fetch, insert_columns, large_cache
from racing.database.tables import Effect, Run, RunWorth, Track
from racing.domain.runs import Floats, Ints, Runs, windows
from racing.history import EPOCH, floats, load_runs
from racing.ratings.catalog import RATINGS, REVISION_DAYS
from racing.ratings.dog_forms import forms_are_whole, write_forms
from racing.ratings.effect_rows import StoredSums, day_of_month, load_sums, rows_of, sums_of
from racing.ratings.effects import Courses, EffectBook, MonthOfEffects, months_of
from racing.ratings.performances import Performances, PerformancesByRating, columns_of
from racing.ratings.replay import Checkpoint, History, Replay, replay

_WORTH, _EFFECT = RunWorth.__table__, Effect.__table__  # type: ignore[attr-defined]
_RUN, _TRACK = Run.__table__, Track.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class RatedHistory:
    """All runs with their adjusted performances, and the tables learnt from them."""

    runs: Runs
    index: Ints
    """Each run's own form: :func:`racing.domain.runs.windows`."""
    performances: PerformancesByRating
    effects: EffectBook

    @property
    def columns(self) -> dict[str, Any]:
        """Return the runs and their performances by column, one value a run."""
        return self.runs.columns | columns_of(self.performances)


def update_ratings(
    engine: Engine, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> None:
    """Bring the performances and tables in the database up to date with its runs, in one transaction.

    Where importers noted a change, history is replayed from the month of the earliest on, which gives the
    same, bit for bit, as all of it: nothing before that month depends on the change. Where none is noted, or
    what is stored of the months before is not whole, all of it is replayed. Where nothing but the forms of
    some dogs is absent (:mod:`racing.ratings.dog_forms`), they are made from what is there.
    """
    while not (_fill_forms(engine) or _update(engine, on_progress)):
        pass  # another import came in between


def ratings_are_current(engine: Engine) -> bool:
    """Return whether :func:`update_ratings` would find nothing to do."""
    with engine.connect() as connection:
        return _runs_are_rated(connection) and forms_are_whole(connection)


def runs_are_rated(engine: Engine) -> bool:
    """Return whether no noted change waits to be replayed, and every run with a result is rated."""
    with engine.connect() as connection:
        return _runs_are_rated(connection)


def _runs_are_rated(connection: Connection) -> bool:
    rated = select(func.count()).select_from(_WORTH)
    has_result = _RUN.c.won.is_not(None) | _RUN.c.finish_position.is_not(None)
    resulted = select(func.count()).select_from(_RUN).where(_RUN.c.is_scratched.is_(False), has_result)
    if change_log.has_changes(connection, change_log.RATINGS):
        return False
    return bool(connection.execute(rated).scalar_one() == connection.execute(resulted).scalar_one())


def load_rated_history(engine: Engine, *, until: dt.date | None = None) -> RatedHistory:
    """Return all runs, to a day inclusive, with the performances and tables that the database holds."""
    runs = load_runs(engine, until=until)
    with engine.connect() as connection:
        columns = _load_columns(connection)
        effects = load_sums(connection).book()
    position = np.searchsorted(columns["run_id"], runs.run_id)
    columns = {name: column[position] for name, column in columns.items()}
    performances = {rating.name: Performances.of_columns(columns, rating) for rating in RATINGS}
    return RatedHistory(runs, windows(runs.dog_id, runs.day), performances, effects)


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


def _update(engine: Engine, on_progress: Callable[[int, int], None]) -> bool:
    """Replay and write; return ``False``, with nothing written, if races changed while it replayed."""
    with engine.connect() as connection:
        due = change_log.changes_for(connection, change_log.RATINGS)
        stored = load_sums(connection)
    runs = load_runs(engine)
    courses = Courses.seen_in(runs.track_id, runs.distance_m)
    first_day = min(due.values()).replace(day=1) if due else None
    checkpoints = {} if first_day is None else _checkpoints(engine, stored, runs, courses, first_day)
    played = _replay_all(runs, courses, checkpoints, on_progress)
    performances = {name: replayed.performances for name, replayed in played.items()}
    since = (first_day - EPOCH).days - max(REVISION_DAYS) if checkpoints and first_day else None
    with engine.begin() as connection, large_cache(connection):
        change_log.lock_races(connection)
        if change_log.changes_for(connection, change_log.RATINGS) != due:
            return False
        _write_performances(connection, runs, performances, since)
        write_forms(connection, runs, performances, since)
        _write_sums(connection, sums_of(courses, played), stored, checkpoints)
        change_log.remove_changes(connection, change_log.RATINGS, due)
    return True


def _fill_forms(engine: Engine) -> bool:
    """Make the forms of dogs that lack theirs, if nothing else is to be done; return whether that was so."""
    with engine.connect() as connection:
        if forms_are_whole(connection):
            return False
    with engine.begin() as connection:
        change_log.lock_races(connection)
        if not _runs_are_rated(connection):
            return False
        history = load_rated_history(engine)
        write_forms(connection, history.runs, history.performances, None)
    return True


def _checkpoints(
    engine: Engine, stored: StoredSums, runs: Runs, courses: Courses, first_day: dt.date
) -> dict[str, Checkpoint]:
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
    checkpoints = {}
    for rating in RATINGS:
        known = Performances.of_columns(columns, rating)
        performances = Performances.none(len(runs), rating)
        for part in ("adjusted", "noise", "shift", "innovation"):
            getattr(performances, part)[order] = getattr(known, part)
        checkpoints[rating.name] = Checkpoint(
            n_runs, performances, months, moved.by_rating[rating.name][: n_months + 1]
        )
    return checkpoints


def _replay_all(
    runs: Runs,
    courses: Courses,
    checkpoints: Mapping[str, Checkpoint],
    on_progress: Callable[[int, int], None],
) -> dict[str, Replay]:
    history = History.of(runs)
    n_to_play = len(RATINGS) * (len(runs) - _n_unchanged(checkpoints))
    n_played = 0

    def on_day(n_runs: int) -> None:
        nonlocal n_played
        n_played += n_runs
        on_progress(n_played, n_to_play)

    return {
        rating.name: replay(history, rating, courses, on_day, checkpoints.get(rating.name))
        for rating in RATINGS
    }


def _n_unchanged(checkpoints: Mapping[str, Checkpoint]) -> int:
    return next((checkpoint.n_runs for checkpoint in checkpoints.values()), 0)


def _load_columns(connection: Connection, *, before: dt.date | None = None) -> dict[str, Any]:
    """Return the table of performances by column, of runs before a day, in order of run."""
    query = select(*_WORTH.c).order_by(_WORTH.c.run_id)
    if before is not None:
        query = query.join(_RUN, _RUN.c.id == _WORTH.c.run_id).where(_RUN.c.date < before)
    names = _WORTH.c.keys()
    parts = [np.array(rows, np.float64) for rows in fetch(connection, query)]  # ids are exact below 2^53
    table = np.concatenate(parts) if parts else np.empty((0, len(names)))
    columns: dict[str, Any] = dict(zip(names, np.ascontiguousarray(table.T), strict=True))
    return columns | {"run_id": columns["run_id"].astype(np.int64)}


def _write_performances(
    connection: Connection, runs: Runs, performances: Mapping[str, Performances], since: int | None
) -> None:
    """Write the performances of runs since a day, or of all."""
    old, n_unchanged = delete(_WORTH), 0
    if since is not None:
        n_unchanged = int(np.searchsorted(runs.day, since))
        first = EPOCH + dt.timedelta(days=since)
        old = old.where(_WORTH.c.run_id.in_(select(_RUN.c.id).where(_RUN.c.date >= first)))
    connection.execute(old)
    columns: dict[str, Floats | Ints] = {
        "run_id": runs.run_id,
        "n_starters": runs.n_starters,
        "market_share": runs.market_share,
        **columns_of(performances),
    }
    for start in range(n_unchanged, len(runs), ROWS_AT_ONCE):
        part = {name: _plain(values[start : start + ROWS_AT_ONCE]) for name, values in columns.items()}
        insert_columns(connection, _WORTH, part)


def _write_sums(
    connection: Connection, sums: StoredSums, stored: StoredSums, checkpoints: Mapping[str, Checkpoint]
) -> None:
    """Write the months that were played; all of them where the courses, and so the rows, are others."""
    n_unchanged = next((len(checkpoint.months) for checkpoint in checkpoints.values()), 0)
    if list(sums.courses.rows) != list(stored.courses.rows):
        n_unchanged = 0
    old = delete(_EFFECT)
    if n_unchanged:
        old = old.where(_EFFECT.c.as_of > day_of_month(int(sums.months[n_unchanged - 1])))
    connection.execute(old)
    effects = rows_of(sums, n_unchanged)
    if effects:
        connection.execute(insert(_EFFECT), effects)


def _plain(values: Floats | Ints) -> list[float | None]:
    """Return Python numbers, ``None`` for NaN."""
    if values.dtype.kind != "f" or not (unknown := np.isnan(values)).any():
        return list(values.tolist())
    plain: list[float | None] = values.tolist()
    for i in np.flatnonzero(unknown).tolist():
        plain[i] = None
    return plain
