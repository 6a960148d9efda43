"""The update of the ratings: the days from the first change on are replayed, behind what is stored before.

Nothing before a change depends on it, so that the same comes out, bit for bit, as by a replay of
everything. Where days were added behind all others the replay goes on from the newest sums, else from those
of the month of the first change. What is read is little: the runs of the months whose races are still open
(:mod:`racing.ratings.levels`), and of their dogs the last runs before that. A long history is replayed in
blocks of some months, each written before the next is read, so that memory is flat; what is derived from
all of them, the forms, comes last.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, exists, func, select

from racing.database import change_log
from racing.database.bulk import ROWS_AT_ONCE, large_cache
from racing.database.tables import DogForm, Race, Run, RunWorth
from racing.domain.runs import Floats, Ints
from racing.history import EPOCH, has_result
from racing.ratings.affix_rows import write_affixes
from racing.ratings.catalog import RATINGS, REVISION_DAYS, Rating
from racing.ratings.dog_forms import dogs_without_form, forms_are_whole, rewrite_forms, write_forms
from racing.ratings.effect_rows import StoredSums, load_sums, sums_of, write_sums
from racing.ratings.effects import Courses, months_of
from racing.ratings.level_rows import changes_known, last_evening, write_evenings
from racing.ratings.levels import OPEN_DAYS, EveningLevels
from racing.ratings.performances import Performances, columns_of
from racing.ratings.replay import BEFORE_ALL, Checkpoint, History, Replay, replay
from racing.ratings.stretch import Stretch, load_stretch, write_performances

_WORTH = RunWorth.__table__  # type: ignore[attr-defined]
_RUN, _RACE, _FORM = Run.__table__, Race.__table__, DogForm.__table__  # type: ignore[attr-defined]
_REACH = dt.timedelta(days=max(REVISION_DAYS))
_OPEN = dt.timedelta(days=OPEN_DAYS)
RACES_AT_ONCE = 75_000
"""Races of a block, some 500,000 runs: they take 0.6 GB of memory."""


def update_ratings(
    engine: Engine, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> None:
    """Bring the performances and tables in the database up to date with its runs.

    Where importers noted a change, history is replayed from there on. Where none is noted, or what is stored
    of the days before is not whole, all of it is replayed. Where nothing but the forms of some dogs is absent
    (:mod:`racing.ratings.dog_forms`), they are made from what is there. An update of at most
    :data:`RACES_AT_ONCE` races is one transaction; until a longer one is over, ratings are not current.
    """
    while not (_fill_forms(engine) or _update(engine, on_progress)):
        pass  # another import came in between


def runs_are_rated(connection: Connection) -> bool:
    """Return whether no noted change waits to be replayed, and every run with a result is rated."""
    if change_log.has_changes(connection, change_log.RATINGS):
        return False
    n_rated = connection.scalar(select(func.count()).select_from(_WORTH))
    return bool(n_rated == connection.scalar(select(func.count()).select_from(_RUN).where(has_result)))


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a replay goes on, and what is stored of the months before."""

    first_day: dt.date | None
    """``None``: with the first of all runs, from nothing."""
    n_months: int
    """So many months of ``sums`` stand; the next is what the days before ``first_day`` sum up to."""
    sums: StoredSums
    evening: EveningLevels | None = None
    """The last before that day."""
    is_before_a_run: bool = True
    """Whether runs of that day or later have been replayed before."""

    @property
    def since(self) -> dt.date | None:
        """Return the first of the days whose performances may change."""
        if self.first_day is None:
            return None
        settled = [] if self.evening is None else [_date(self.evening.day) - _OPEN]
        return min([self.first_day - _REACH, *settled])


def _fill_forms(engine: Engine) -> bool:
    """Make the forms of dogs that lack theirs, if nothing else is to be done; return whether that was so."""
    with engine.connect() as connection:
        if change_log.has_changes(connection, change_log.RATINGS) or forms_are_whole(connection):
            return False
    with engine.begin() as connection:
        change_log.lock_races(connection)
        if not runs_are_rated(connection):
            return False
        rewrite_forms(connection, dogs_without_form(connection))
    return True


def _update(engine: Engine, on_progress: Callable[[int, int], None], *, from_nothing: bool = False) -> bool:
    """Replay and write; return ``False`` if races of days that had been read changed meanwhile."""
    with engine.connect() as connection:
        due = change_log.changes_for(connection, change_log.RATINGS)
        start = _FROM_NOTHING if from_nothing or not due else _start(connection, min(due.values()))
        since = start.since
        courses = _courses(connection, start)
        blocks = list(_blocks(connection, start.first_day))
        n_to_play = 0 if len(blocks) == 1 else len(RATINGS) * _count(connection, _RUN, start.first_day)
    n_played = 0

    def on_day(n_runs: int) -> None:
        nonlocal n_played
        n_played += n_runs
        on_progress(n_played, n_to_play)

    for number, (first, last) in enumerate(blocks):
        with engine.connect() as connection:
            if number and first is not None:
                start = _after_a_block(connection, first)
            stretch = load_stretch(
                connection, start.since, last, first_day=_number(first), forms_are_current=number == 0
            )
            is_whole = number > 0 or _is_whole(connection, stretch, start, last)
        if len(blocks) == 1:
            n_to_play = len(RATINGS) * int((stretch.runs.day >= _number(first)).sum())
        if not is_whole:
            return _update(engine, on_progress, from_nothing=True)
        played = _replay_all(stretch, start, courses, on_day)
        with engine.begin() as connection, large_cache(connection):
            change_log.lock_races(connection)
            if _has_changed(connection, due, last):
                return False
            columns = columns_of(_performances(played))
            write_performances(connection, stretch, columns)
            write_evenings(connection, start.first_day, _evenings(played))
            write_affixes(connection, stretch, columns, start.first_day)
            new = sums_of(courses, played, _newest_day(connection, stretch, start))
            write_sums(connection, new, start.n_months, None if start.first_day is None else start.sums)
            if len(blocks) == 1:
                _write_forms(connection, stretch, columns | _changes(played), start)
                change_log.remove_changes(connection, change_log.RATINGS, due)
                return True
    return _finish(engine, due, since)


def _start(connection: Connection, first_change: dt.date) -> _Start:
    """Return where to go on, given the first day on which races changed."""
    month = first_change.replace(day=1)
    sums = load_sums(connection, month - _REACH)
    if not len(sums.months):
        return _FROM_NOTHING
    if sums.until is not None and sums.until < _number(first_change):
        evening = last_evening(connection, first_change)
        return _Start(first_change, len(sums.months) - 1, sums, evening, is_before_a_run=False)
    n_months = int((sums.months[:-1] < months_of(_days_of(month))).sum())
    return _Start(month, n_months, sums, last_evening(connection, month))


def _after_a_block(connection: Connection, first_day: dt.date) -> _Start:
    """Return where to go on when all days before have just been written."""
    sums = load_sums(connection, first_day - _REACH)
    if not len(sums.months):
        return _FROM_NOTHING
    return _Start(first_day, len(sums.months) - 1, sums, last_evening(connection, first_day))


def _is_whole(connection: Connection, stretch: Stretch, start: _Start, last: dt.date | None) -> bool:
    """Return whether what is stored of the days before the first is all that a replay needs."""
    if start.first_day is None:
        return True
    n_later = [0, 0]
    if last is not None:
        n_later = [_count(connection, table, last + dt.timedelta(days=1)) for table in (_RUN, _WORTH)]
    n_runs = _count(connection, _RUN, None) - (len(stretch.runs) - stretch.n_earlier) - n_later[0]
    n_rated = _count(connection, _WORTH, None) - stretch.n_stored - n_later[1]
    if n_runs != n_rated:
        return False
    day = stretch.runs.day[stretch.n_earlier :]
    is_before = day < _number(start.first_day)
    months = np.unique(months_of(day[is_before & (day >= _number(start.first_day - _REACH))]))
    known = start.sums.months[: start.n_months]
    is_settled = start.evening is not None or not is_before.any()
    are_known = stretch.is_rated[stretch.n_earlier :][is_before].all() and np.isin(months, known).all()
    return bool(is_settled and are_known)


def _blocks(
    connection: Connection, first_day: dt.date | None
) -> Iterator[tuple[dt.date | None, dt.date | None]]:
    """Yield the first and the last day of blocks of whole months; the last block has no end."""
    query = select(_RACE.c.date, func.count()).group_by(_RACE.c.date).order_by(_RACE.c.date)
    if first_day is not None:
        query = query.where(_RACE.c.date >= first_day)
    by_month: dict[dt.date, int] = {}
    for day, n_races in connection.execute(query):
        month = day.replace(day=1)
        by_month[month] = by_month.get(month, 0) + n_races
    first, n_in_block = first_day, 0
    for month, n_races in by_month.items():
        if n_in_block and n_in_block + n_races > RACES_AT_ONCE:
            yield first, month - dt.timedelta(days=1)
            first, n_in_block = month, 0
        n_in_block += n_races
    yield first, None


def _count(connection: Connection, table: Any, since: dt.date | None) -> int:
    """Return how many runs with a result there are, or how many rated ones, from a day on."""
    query = select(func.count()).select_from(table)
    if table is _RUN:
        query = query.where(has_result)
    if since is not None:
        if table is _WORTH:
            query = query.join(_RUN, _RUN.c.id == _WORTH.c.run_id)
        query = query.join(_RACE, _RACE.c.id == _RUN.c.race_id).where(_RACE.c.date >= since)
    return connection.scalar(query) or 0


def _courses(connection: Connection, start: _Start) -> Courses:
    """Return the courses of all runs: those of the days that are read, and of days before."""
    has_run = exists().where(_RUN.c.race_id == _RACE.c.id, has_result)
    query = select(_RACE.c.track_id, _RACE.c.distance_m).where(has_run).distinct()
    if start.since is None:
        return Courses(sorted(map(tuple, connection.execute(query))))
    seen = set(map(tuple, connection.execute(query.where(_RACE.c.date >= start.since))))
    rows, before = start.sums.courses.rows, [sums[start.n_months] for sums in start.sums.by_rating.values()]
    others = {pair: any(sums.box_count[row].any() for sums in before) for pair, row in rows.items()}
    if not all(is_seen or pair in seen for pair, is_seen in others.items()):  # of runs that measure nothing
        seen |= set(map(tuple, connection.execute(query.where(_RACE.c.date < start.since))))
    return Courses(sorted(seen | {pair for pair, is_seen in others.items() if is_seen}))


def _replay_all(
    stretch: Stretch, start: _Start, courses: Courses, on_day: Callable[[int], None]
) -> dict[str, Replay]:
    """Return each rating's replay of the days from the first on."""
    history = History.of(stretch.runs)
    if start.first_day is None:
        return {rating.name: replay(history, rating, courses, on_day) for rating in RATINGS}
    first_day = _number(start.first_day)
    is_open = stretch.runs.day >= first_day
    months, sums = start.sums.months[: start.n_months], start.sums.moved_to(courses).by_rating
    return {
        rating.name: replay(
            history,
            rating,
            courses,
            on_day,
            Checkpoint(
                first_day,
                Performances.of_columns(stretch.columns, rating).without(is_open),
                months,
                sums[rating.name][: start.n_months + 1],
                _changes_before(stretch, rating, start.evening),
                BEFORE_ALL if start.evening is None else start.evening.day,
            ),
        )
        for rating in RATINGS
    }


def _has_changed(connection: Connection, due: Mapping[str, dt.date], last: dt.date | None) -> bool:
    """Return whether changes came or went, other than of later days that are still to be read."""
    now = change_log.changes_for(connection, change_log.RATINGS)
    came = (day for key, day in now.items() if key not in due)
    return not due.keys() <= now.keys() or any(last is None or day <= last for day in came)


def _newest_day(connection: Connection, stretch: Stretch, start: _Start) -> int | None:
    """Return the day of the newest run that has been replayed."""
    if len(stretch.runs) > stretch.n_earlier:
        return int(stretch.runs.day[-1])
    if start.since is None:
        return None
    query = select(_RACE.c.date).join(_RUN, _RUN.c.race_id == _RACE.c.id).where(has_result)
    newest = query.where(_RACE.c.date < start.since).order_by(_RACE.c.date.desc()).limit(1)
    day = connection.scalar(newest)
    return None if day is None else _number(day)


def _write_forms(connection: Connection, stretch: Stretch, columns: dict[str, Floats], start: _Start) -> None:
    """Write the forms of the dogs of a stretch that reaches to the end, and of those that left it."""
    dogs = set(np.unique(stretch.runs.dog_id).tolist())
    write_forms(connection, dogs, stretch.recent_runs(columns), stretch.forms)
    others = _dogs_that_changed(connection, start.since) if start.is_before_a_run else set()
    rewrite_forms(connection, (others | dogs_without_form(connection)) - dogs)


def _dogs_that_changed(connection: Connection, since: dt.date | None) -> set[int]:
    """Return the dogs whose form, as it is stored, has runs since a day."""
    query = select(_FORM.c.dog_id)
    if since is not None:  # as long as the runs that are gone were there
        query = query.where(_FORM.c.newest_day >= _number(since))
    return set(connection.scalars(query))


def _finish(engine: Engine, due: Mapping[str, dt.date], since: dt.date | None) -> bool:
    """Write the forms after the last block, some dogs a transaction; return whether nothing else is due."""
    with engine.connect() as connection:
        ran = select(_RUN.c.dog_id).join(_RACE, _RACE.c.id == _RUN.c.race_id).distinct()
        ran = ran if since is None else ran.where(_RACE.c.date >= since)
        others = _dogs_that_changed(connection, since) | dogs_without_form(connection)
        dogs = sorted(others | set(connection.scalars(ran)))
    for start in range(0, len(dogs), ROWS_AT_ONCE):
        with engine.begin() as connection:
            change_log.lock_races(connection)
            rewrite_forms(connection, dogs[start : start + ROWS_AT_ONCE])
    with engine.begin() as connection:
        change_log.lock_races(connection)
        is_done = not _has_changed(connection, due, None)
        change_log.remove_changes(connection, change_log.RATINGS, due)
    return is_done


def _changes_before(stretch: Stretch, rating: Rating, evening: EveningLevels | None) -> Floats | None:
    """Return how far the levels of all runs had moved on the morning on which a replay goes on."""
    if not rating.is_settled:
        return None
    return changes_known(stretch.race_id, stretch.columns[f"{rating.name}_change"], evening)


def _evenings(played: Mapping[str, Replay]) -> tuple[EveningLevels, ...]:
    """Return those of the one rating whose levels are settled."""
    return next(played[rating.name].evenings for rating in RATINGS if rating.is_settled)


def _changes(played: Mapping[str, Replay]) -> dict[str, Floats]:
    """Return how far levels have moved as it is known now, by column."""
    newest = {f"{name}_change": replayed.newest_change for name, replayed in played.items()}
    return {name: change for name, change in newest.items() if change is not None}


def _performances(played: Mapping[str, Replay]) -> dict[str, Performances]:
    return {name: replayed.performances for name, replayed in played.items()}


def _number(day: dt.date | None) -> int:
    """Return a day as it is counted in arrays; before all others where there is none."""
    return BEFORE_ALL if day is None else (day - EPOCH).days


def _date(day: int) -> dt.date:
    return EPOCH + dt.timedelta(days=day)


def _days_of(day: dt.date) -> Ints:
    return np.array([_number(day)], np.int64)


_FROM_NOTHING = _Start(None, 0, StoredSums(Courses(), np.zeros(0, np.int64), {}))
