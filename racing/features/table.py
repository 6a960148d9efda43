"""All races of some days as a table, each seen as of the morning of its day."""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, func, select

from racing.database.tables import Race, Run, Track
from racing.domain.errors import NotEnoughHistory, RatingsStale
from racing.domain.names import name_key
from racing.domain.regions import country_of
from racing.domain.runs import Floats, Form, Ints, Runs, race_numbers
from racing.domain.tracks import KNOWN_TRACKS
from racing.features.matrix import FEATURES, RUN_FEATURES, feature_matrix, run_feature_matrix
from racing.features.view import RUNNER_COLUMNS, build_view
from racing.history import EPOCH, floats
from racing.importers.prices_before_off import has_prices, prices_before_off
from racing.probabilities import market_probabilities, n_places, place_market_probabilities
from racing.race_table import RaceTable
from racing.ratings.affix_rows import affixes_of_runs
from racing.ratings.affixes import AFFIX_COLUMNS, AffixBook
from racing.ratings.catalog import RATINGS
from racing.ratings.effects import months_of
from racing.ratings.single_run import UsualEffects
from racing.ratings.store import (
    RatedHistory,
    load_affix_book,
    load_rated_days,
    load_rated_history,
    ratings_are_current,
)

_RACES_AT_ONCE = 30_000  # whose history is read at a time; with one month's table it takes 0.8 GB
_BLOCK = 20_000  # runners at a time: some 300 MB of covariances
_RUN, _RACE, _TRACK = Run.__table__, Race.__table__, Track.__table__  # type: ignore[attr-defined]
_KNOWN_TRACK = {name_key(known.name): number for number, known in enumerate(KNOWN_TRACKS, start=1)}


def race_table(
    engine: Engine,
    *,
    start: dt.date | None = None,
    until: dt.date | None = None,
    countries: Collection[str] = (),
    with_runs: bool = False,
    change_form: Callable[[Ints, Form], Form] = lambda run_id, form: form,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> RaceTable:
    """Return every race with a result from a day to a day, both inclusive, with its features.

    ``with_runs`` adds the numbers of single runs: three times the memory. ``change_form`` is called with the
    ``run_id`` of some runners and their form, and returns the form of which to make features.

    ``countries`` (``AU``, ``NZ``, ``GB``, ``IE``) leaves out races elsewhere; by default all are in.

    Raises
    ------
    RatingsStale
        If runs were stored or changed since :func:`racing.ratings.update_ratings`.
    NotEnoughHistory
        If there is no such race.
    """
    _check_ratings(engine)
    history = (
        load_rated_history(engine, until=until) if start is None else load_rated_days(engine, start, until)
    )
    table = _table_of(
        engine,
        history,
        load_affix_book(engine),
        start,
        until,
        countries,
        on_progress,
        with_runs=with_runs,
        change_form=change_form,
    )
    if table is None:
        where = f" in {', '.join(countries)}" if countries else ""
        raise NotEnoughHistory(
            f"there is no race with a result from {start or 'the start'} to {until or 'today'}{where}"
        )
    return table


def race_tables(
    engine: Engine,
    *,
    start: dt.date | None = None,
    until: dt.date | None = None,
    countries: Collection[str] = (),
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[RaceTable]:
    """Yield what :func:`race_table` returns, a table a month; memory does not grow with their number.

    Progress is counted in races. Months without a race with a result are left out.

    Raises
    ------
    RatingsStale
        If runs were stored or changed since :func:`racing.ratings.update_ratings`.
    """
    _check_ratings(engine)
    query = select(_RACE.c.date, func.count()).group_by(_RACE.c.date).order_by(_RACE.c.date)
    if start is not None:
        query = query.where(_RACE.c.date >= start)
    if until is not None:
        query = query.where(_RACE.c.date <= until)
    with engine.connect() as connection:
        by_day = [(day, n_races) for day, n_races in connection.execute(query)]
    n_in_all, n_done = sum(n_races for _, n_races in by_day), 0
    affixes = load_affix_book(engine)
    for months in _month_groups(by_day):
        history = load_rated_days(engine, months[0][0], months[-1][1])
        for first, last, n_races in months:
            table = _table_of(engine, history, affixes, first, last, countries)
            if table is not None:
                yield table
            n_done += n_races
            on_progress(n_done, n_in_all)


def _month_groups(by_day: list[tuple[dt.date, int]]) -> Iterator[list[tuple[dt.date, dt.date, int]]]:
    """Yield months that are read at once, each as its first and last day and its races."""
    group: list[tuple[dt.date, dt.date, int]] = []
    for _, counted in groupby(by_day, key=lambda counted: (counted[0].year, counted[0].month)):
        days = list(counted)
        month = days[0][0], days[-1][0], sum(n_races for _, n_races in days)
        if group and sum(n_races for *_, n_races in [*group, month]) > _RACES_AT_ONCE:
            yield group
            group = []
        group.append(month)
    if group:
        yield group


def _check_ratings(engine: Engine) -> None:
    if not ratings_are_current(engine):
        raise RatingsStale("stored runs are not rated yet; `greyhound prepare` or an import rates them")


def _table_of(
    engine: Engine,
    history: RatedHistory,
    affixes: AffixBook,
    start: dt.date | None,
    until: dt.date | None,
    countries: Collection[str],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    with_runs: bool = False,
    change_form: Callable[[Ints, Form], Form] = lambda run_id, form: form,
) -> RaceTable | None:
    """Return the races of some days, given their runs and the form behind; ``None`` if there are none."""
    runs = history.runs
    first = 0 if start is None else int(np.searchsorted(runs.day, _day(start)))
    end = len(runs) if until is None else int(np.searchsorted(runs.day, _day(until), side="right"))
    rows = np.arange(first, end)
    if countries:
        rows = rows[np.isin(runs.track_id[rows], _tracks_in(engine, countries))]
    if not len(rows):
        return None
    race = race_numbers(runs.race_id[rows])
    named = _of_names(engine, affixes, runs.take(rows))
    named["price_10m"] = price_10m = _prices_before_off(engine, runs.run_id[rows], start, until)
    runners = _runners(history, rows, track_codes(engine), named)
    features = np.empty((len(rows), len(FEATURES)), np.float32)
    run_features = np.empty((len(rows), len(RUN_FEATURES)), np.float32) if with_runs else None
    for block in race_blocks(race):
        form = change_form(runs.run_id[rows[block]], history.form(rows[block]))
        own = {name: values[block] for name, values in runners.items()}
        view = build_view(race[block] - race[block.start], own, form)
        features[block] = feature_matrix(view)
        if run_features is not None:
            run_features[block] = run_feature_matrix(view)
        on_progress(block.stop, len(rows))
    facts = _facts(engine, runs.run_id[rows], start, until)
    track, state = _tracks(engine, runs.track_id[rows])
    bsp = market_probabilities(facts["bsp"], race)
    starting = market_probabilities(facts["starting_price"], race)
    paid = n_places(np.bincount(race))
    return RaceTable(
        features=features,
        run_features=run_features,
        race_id=runs.race_id[rows],
        run_id=runs.run_id[rows],
        date=runs.day[rows].astype("datetime64[D]"),
        track_id=runs.track_id[rows],
        track=track,
        state=state,
        distance_m=runs.distance_m[rows].astype(np.int64),
        box=np.nan_to_num(runs.box[rows]).astype(np.int64),
        won=runs.won[rows] == 1,
        placed=runs.placed[rows],
        finish_position=facts["finish_position"],
        is_whole=facts["is_whole"] == 1,
        n_prior_runs=(history.index[rows] >= 0).sum(axis=1),
        market_probability=np.where(np.isnan(bsp), starting, bsp),
        rated_probability=market_probabilities(facts["rated_price"], race),
        early_probability=market_probabilities(price_10m, race),
        place_market_probability=place_market_probabilities(facts["place_bsp"], race, paid),
        true_probability=facts["true_probability"],
    )


def _day(date: dt.date) -> int:
    return (date - EPOCH).days


def _runners(
    history: RatedHistory, rows: Ints, codes: dict[int, int], named: dict[str, Floats]
) -> dict[str, Floats]:
    """Return ``RUNNER_COLUMNS`` of runs of history, as they were on the morning of their day."""
    runs = history.runs.take(rows)
    course = history.effects.courses.of(runs.track_id, runs.distance_m)
    boxes, _ = UsualEffects(history.effects).of(months_of(runs.day), course, runs.box, runs.grade)
    derived = {
        "track_code": floats([codes.get(track, 0) for track in runs.track_id.tolist()]),
        **{f"{rating.name}_box": effect for rating, effect in zip(RATINGS, boxes.T, strict=True)},
        **named,
    }
    return {name: derived[name] if name in derived else getattr(runs, name) for name in RUNNER_COLUMNS}


def _of_names(engine: Engine, book: AffixBook, runs: Runs) -> dict[str, Floats]:
    """Return ``AFFIX_COLUMNS`` of runs, as of the month before."""
    with engine.connect() as connection:
        affixes, which = affixes_of_runs(connection, runs.dog_id, runs.track_id)
    known = book.of(book.rows_of(affixes)[which], months_of(runs.day))
    return dict(zip(AFFIX_COLUMNS, known.T, strict=True))


def _prices_before_off(engine: Engine, run_id: Ints, start: dt.date | None, until: dt.date | None) -> Floats:
    """Return the market's price of each run ten minutes before the off."""
    days = _RACE.c.date.between(start or dt.date.min, until or dt.date.max)
    with engine.connect() as connection:
        prices = (
            prices_before_off(connection, days) if has_prices(connection) else {}
        )  # spares a look at each run
    if not prices:
        return np.full(len(run_id), np.nan)
    return floats([prices.get(run) for run in run_id.tolist()])


def race_blocks(race: Ints, size: int = _BLOCK) -> Iterator[slice]:
    """Cut rows into blocks of whole races."""
    start = 0
    while start < len(race):
        stop = min(start + size, len(race))
        while stop < len(race) and race[stop] == race[stop - 1]:
            stop += 1
        yield slice(start, stop)
        start = stop


def track_codes(engine: Engine) -> dict[int, int]:
    """Return the fixed number of each known track by its row in the database."""
    with engine.connect() as connection:
        rows = connection.execute(select(_TRACK.c.id, _TRACK.c.name)).all()
    return codes_of_tracks({row.id: row.name for row in rows})


def codes_of_tracks(names: Mapping[int, str]) -> dict[int, int]:
    """Return the fixed number of each known track, given the tracks' names (or keys) by their row."""
    return {track: code for track, name in names.items() if (code := _KNOWN_TRACK.get(name_key(name)))}


def _tracks_in(engine: Engine, countries: Collection[str]) -> list[int]:
    with engine.connect() as connection:
        rows = connection.execute(select(_TRACK.c.id, _TRACK.c.name)).all()
    return [row.id for row in rows if country_of(row.name) in countries]


def _tracks(engine: Engine, track_id: Ints) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """Return the names and the states of tracks."""
    with engine.connect() as connection:
        rows = connection.execute(
            select(_TRACK.c.id, _TRACK.c.name, _TRACK.c.state).order_by(_TRACK.c.id)
        ).all()
    position = np.searchsorted([row.id for row in rows], track_id)
    return np.array([row.name for row in rows])[position], np.array([row.state or "" for row in rows])[
        position
    ]


def _facts(engine: Engine, run_id: Ints, start: dt.date | None, until: dt.date | None) -> dict[str, Floats]:
    of_run = (
        *("id", "finish_position", "bsp", "starting_price", "place_bsp", "rated_price"),
        "true_probability",
    )
    query = select(*(_RUN.c[name] for name in of_run), _RACE.c.is_whole).join(
        _RACE, _RACE.c.id == _RUN.c.race_id
    )
    if start is not None:  # the race's date has an index, the run's has none
        query = query.where(_RACE.c.date >= start)
    if until is not None:
        query = query.where(_RACE.c.date <= until)
    with engine.connect() as connection:
        columns = list(zip(*connection.execute(query.order_by(_RUN.c.id)).all(), strict=True))
    position = np.searchsorted(np.array(columns[0], np.int64), run_id)
    return {
        name: floats(values)[position] for name, values in zip((*of_run, "is_whole"), columns, strict=True)
    }
