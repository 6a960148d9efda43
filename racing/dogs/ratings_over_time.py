"""A dog's ratings as its runs until the evening of each day showed them."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from racing.database.tables import Run, RunWorth
from racing.domain.runs import WINDOW, Entries, Floats, Form, Ints
from racing.history import EPOCH, floats, result_query, runs_of
from racing.ratings.catalog import RATINGS
from racing.ratings.dog_forms import CHANGES
from racing.ratings.level_rows import changes_known, evenings_of
from racing.ratings.performances import observe
from racing.ratings.posterior import condition

MAX_DAYS = 100
"""The newest days of a dog that are rated; few dogs run more often."""
_RUN, _WORTH = Run.__table__, RunWorth.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class RatedDay:
    """What the runs of a dog until the evening of a day say of its ability by one rating."""

    date: dt.date
    rating: str
    """A name of :data:`racing.ratings.catalog.RATINGS`; higher is better."""
    mean: float
    """In the rating's unit: ln share (market), result score, per cent (time and split), places, lengths."""
    sd: float


def ratings_over_time(
    connection: Connection, dog_id: int, *, track_id: int, distance_m: int
) -> tuple[RatedDay, ...]:
    """Return a dog's ratings on the evening of each day that it ran, the oldest first.

    All are for one track and distance and no certain box, so that a line moves by what the runs showed and
    not by where they were. Each is the posterior of :mod:`racing.ratings.posterior` over the last twelve
    runs, with the adjusted performances that were known that evening. Rivals, who say something of a dog
    without runs, are left out. Where the runs say nothing by a rating, it is not among them.
    """
    form_columns = _rated_runs(connection, dog_id)
    day = form_columns["day"].astype(np.int64)
    if not len(day):
        return ()
    days, first = np.unique(day, return_index=True)
    last = np.append(first[1:], len(day))[-MAX_DAYS:] - 1  # of each day, its last run
    days = days[-MAX_DAYS:]
    index = np.maximum(last[:, None] - np.arange(WINDOW), -1)
    known = _changes_known(connection, form_columns, index, days)
    form = Form.gathered(form_columns, index, dict.fromkeys(CHANGES, known))
    return _rated(form, days, _next_mornings(days, track_id, distance_m))


def _rated(form: Form, days: Ints, mornings: Entries) -> tuple[RatedDay, ...]:
    rated = []
    for rating in RATINGS:
        posterior = condition(observe(form, mornings, rating), mornings, rating.kernel)
        columns = (days, posterior.is_known, posterior.mean, np.sqrt(posterior.variance))
        for day, is_known, mean, sd in zip(*(column.tolist() for column in columns), strict=True):
            if is_known:
                rated.append(RatedDay(EPOCH + dt.timedelta(days=day), rating.name, mean, sd))
    return tuple(sorted(rated, key=lambda one: one.date))


def _next_mornings(days: Ints, track_id: int, distance_m: int) -> Entries:
    """Return races on the days after: what is known then is what the evenings knew."""
    unknown: Floats = np.full(len(days), np.nan)
    return Entries(
        race=np.arange(len(days)),
        day=days + 1,
        track_id=np.full(len(days), track_id, np.int64),
        distance_m=np.full(len(days), float(distance_m)),
        **dict.fromkeys(
            ("box", "grade", "weight_kg", "rated_price", "early_speed", "career_runs", "first_day"), unknown
        ),
    )


def _changes_known(connection: Connection, columns: dict[str, Floats], index: Ints, days: Ints) -> Floats:
    """Return how far the levels behind each day's form had moved on its evening; shape of ``index``."""
    evenings = {evening.day: evening for evening in evenings_of(connection, days.tolist())}
    found = np.empty(index.shape)
    for row, (day, runs) in enumerate(zip(days.tolist(), index, strict=True)):
        race_id = columns["race_id"][runs].astype(np.int64)
        found[row] = changes_known(race_id, columns["market_change"][runs], evenings.get(day))
    return np.where(index >= 0, found, 0.0)


def _rated_runs(connection: Connection, dog_id: int) -> dict[str, Floats]:
    """Return the newest runs of a dog that have a result, the oldest first, with their performances."""
    results = result_query()
    n_facts = len(results.selected_columns)
    query = (
        results.add_columns(*_WORTH.c[1:])
        .outerjoin(_WORTH, _WORTH.c.run_id == _RUN.c.id)
        .where(_RUN.c.dog_id == dog_id)
        .order_by(None)
        .order_by(_RUN.c.date.desc(), _RUN.c.id.desc())
        .limit(MAX_DAYS + WINDOW)
    )
    rows = connection.execute(query).all()[::-1]
    columns = {
        column.name: floats([row[n_facts + i] for row in rows]) for i, column in enumerate(_WORTH.c[1:])
    }
    runs = runs_of(
        [row[:n_facts] for row in rows], n_starters=columns["n_starters"], share=columns["market_share"]
    )
    # the shift of a run that is not rated yet adds nothing
    return runs.columns | columns | {"market_shift": np.nan_to_num(columns["market_shift"])}
