"""What the ratings keep in the database: the worth of every run, and the tables of every month."""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Engine, delete, func, insert, select

from racing.database.tables import Effect, Run, RunWorth, Track
from racing.history import floats, load_runs
from racing.ratings.catalog import RATINGS
from racing.ratings.effects import Courses, EffectBook, MonthOfEffects
from racing.ratings.posterior import Worths
from racing.ratings.replay import replay
from racing.runs import Floats, Ints, Runs, windows

_WORTH, _EFFECT = RunWorth.__table__, Effect.__table__  # type: ignore[attr-defined]
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


def rate(runs: Runs, on_progress: Callable[[int, int], None] = lambda done, total: None) -> RatedHistory:
    """Replay a history for every rating."""
    index = windows(runs.dog_id, runs.day)
    courses = Courses.seen_in(runs.track_id, runs.distance_m)
    worths: RatedWorths = {}
    tables: dict[str, tuple[MonthOfEffects, ...]] = {}
    months: Ints = np.zeros(0, np.int64)
    for done, rating in enumerate(RATINGS):
        done_before = done * len(runs)
        seen = 0

        def on_day(n_runs: int, done_before: int = done_before) -> None:
            nonlocal seen
            seen += n_runs
            on_progress(done_before + seen, len(RATINGS) * len(runs))

        played = replay(runs, index, rating, courses, on_day)
        worths[rating.name], tables[rating.name], months = played.worths, played.tables, played.months
    return RatedHistory(runs, index, worths, EffectBook(courses, months, tables))


def update_ratings(
    engine: Engine, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> None:
    """Bring the worths and tables in the database up to date with its runs, in one transaction."""
    history = rate(load_runs(engine), on_progress)
    columns = _columns_of(history)
    with engine.begin() as connection:
        connection.execute(delete(_WORTH))
        connection.execute(delete(_EFFECT))
        for start in range(0, len(history.runs), _BATCH):
            part = [_plain(values[start : start + _BATCH]) for values in columns.values()]
            rows = [dict(zip(columns, row, strict=True)) for row in zip(*part, strict=True)]
            connection.execute(insert(_WORTH), rows)
        effects = _documents_of(history.effects)
        if effects:
            connection.execute(insert(_EFFECT), effects)


def ratings_are_current(engine: Engine) -> bool:
    """Return whether every run with a result has its worth."""
    rated = select(func.count()).select_from(_WORTH)
    has_result = _RUN.c.won.is_not(None) | _RUN.c.finish_position.is_not(None)
    resulted = select(func.count()).select_from(_RUN).where(_RUN.c.is_scratched.is_(False), has_result)
    with engine.connect() as connection:
        return connection.execute(rated).scalar_one() == connection.execute(resulted).scalar_one()


def load_rated_history(engine: Engine, *, until: dt.date | None = None) -> RatedHistory:
    """Return all runs, to a day inclusive, with the worths and tables that the database holds."""
    runs = load_runs(engine, until=until)
    with engine.connect() as connection:
        rows = connection.execute(select(*_WORTH.c).order_by(_WORTH.c.run_id)).all()
    values = dict(zip(_WORTH.c.keys(), zip(*rows, strict=True), strict=True)) if rows else {}
    position = np.searchsorted(np.array(values.get("run_id", ()), np.int64), runs.run_id)
    worths = {
        rating.name: worths_of(
            {name: floats(column)[position] for name, column in values.items()}, rating.name
        )
        for rating in RATINGS
    }
    return RatedHistory(runs, windows(runs.dog_id, runs.day), worths, load_effects(engine))


def load_effects(engine: Engine) -> EffectBook:
    """Return the tables of every month."""
    with engine.connect() as connection:
        rows = connection.execute(select(_EFFECT.c.name, _EFFECT.c.as_of, _EFFECT.c.cells)).all()
    return book_of([(name, as_of, json.loads(cells)) for name, as_of, cells in rows])


def effects_document(engine: Engine, until: dt.date) -> dict[str, Any]:
    """Return the newest tables made on or before a day, as JSON types, with the names of their tracks."""
    newest = select(func.max(_EFFECT.c.as_of)).where(_EFFECT.c.as_of <= until).scalar_subquery()
    query = select(_EFFECT.c.name, _EFFECT.c.as_of, _EFFECT.c.cells).where(_EFFECT.c.as_of == newest)
    with engine.connect() as connection:
        rows = connection.execute(query).all()
        tracks = connection.execute(select(_TRACK.c.id, _TRACK.c.name)).all()
    return {
        "as_of": str(rows[0].as_of) if rows else None,
        "tracks": {str(track.id): track.name for track in tracks},
        "tables": {row.name: json.loads(row.cells) for row in rows},
    }


def book_of_document(document: Mapping[str, Any]) -> EffectBook:
    """Return the look-up of what :func:`effects_document` wrote: one month, that holds for any later day."""
    if not document["tables"]:
        return book_of([])
    as_of = dt.date.fromisoformat(document["as_of"])
    return book_of([(name, as_of, cells) for name, cells in document["tables"].items()])


def worths_of(columns: dict[str, Floats], rating: str) -> Worths:
    """Return the worths of one rating from columns of the table of worths."""
    worth = columns[f"{rating}_worth"]
    shift = columns.get(f"{rating}_shift", np.zeros(len(worth)))
    return Worths(worth, columns[f"{rating}_noise"], np.nan_to_num(shift))


def _columns_of(history: RatedHistory) -> dict[str, Floats | Ints]:
    runs = history.runs
    columns: dict[str, Floats | Ints] = {
        "run_id": runs.run_id,
        "n_starters": runs.n_starters,
        "market_share": runs.market_share,
    }
    for rating in RATINGS:
        worths = history.worths[rating.name]
        columns[f"{rating.name}_worth"] = worths.worth
        columns[f"{rating.name}_noise"] = worths.noise
        if rating.shift is not None:
            columns[f"{rating.name}_shift"] = worths.shift
    return columns


def _plain(values: Floats | Ints) -> list[float | None]:
    """Return Python numbers, ``None`` for NaN."""
    if values.dtype.kind != "f":
        return values.tolist()
    return [None if value != value else value for value in values.tolist()]


def _documents_of(book: EffectBook) -> list[dict[str, object]]:
    pairs = list(book.courses.rows)
    documents: list[dict[str, object]] = []
    for name, months in book.by_rating.items():
        for month, table in zip(book.months.tolist(), months, strict=True):
            cells = {
                "courses": [list(pair) for pair in pairs],
                "box": table.box.tolist(),
                "level": _plain(table.level),
                "overall": None if np.isnan(table.overall) else table.overall,
            }
            as_of = np.datetime64(month, "M").astype("datetime64[D]").item()
            documents.append({"name": name, "as_of": as_of, "cells": json.dumps(cells)})
    return documents


def book_of(documents: list[tuple[str, dt.date, dict[str, Any]]]) -> EffectBook:
    """Return the look-up of stored tables."""
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
