"""The morning of a played day: a database up to the day before, its races aside, and a champion that fits."""

import datetime as dt
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy import Engine, Table, func, make_url, select

from greyhound.demo.coming_days import ComingDays
from greyhound.demo.stage import Stage
from greyhound.demo.training import Trainings
from greyhound.race_day.past_day import DayRace, Show, with_times
from model_registry import get_model_registry
from model_registry.learning import JUDGED, learning_of
from racing.database.engine import open_database
from racing.database.tables import Race
from racing.importers.import_files import import_files
from racing.race_day.events import KINDS, MAX_EVENTS, events_after
from racing.race_days import races_of_day
from racing.stored_race import stored_races

_RACE: Table = Race.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Champion:
    """A version of another registry, as files, and the last day that it has learnt from."""

    version: int
    directory: Path
    learnt_until: dt.date


def check_champion(registry: str, date: dt.date) -> Champion:
    """Return the champion of a registry.

    Raises
    ------
    click.BadParameter
        If it may have learnt from the day.
    """
    theirs = get_model_registry(registry)
    ref = theirs.champion_ref()
    version = ref.version
    until = learning_of(theirs.documents(ref, ("training", JUDGED))).learnt_until
    if until is None or until >= date:
        rule = f"a version that plays {date} has learnt from races before it alone"
        learnt = "its artifact does not say to when it has learnt" if until is None else f"learnt to {until}"
        raise click.BadParameter(f"{rule}; version {version}: {learnt}", param_hint="--registry")
    return Champion(version, theirs.fetch(version), until)


def prepare(
    stage: Stage,
    date: dt.date,
    files: Sequence[Path],
    *,
    database: str | None,
    champion: Champion | None,
    n_trials: int,
    show: Show,
) -> list[DayRace]:
    """Fill a stage with what was known before a day, and return the races of the day, with their times.

    Raises
    ------
    click.BadParameter
        If nothing holds a race of the day with its result.
    """
    if database is not None:
        _copy(database, stage)
    engine = open_database(stage.database, create=True)
    if files:
        import_files(engine, files)
    races = with_times(stored_races(engine, [race.id for race in races_of_day(engine, date)]))
    if not races:
        raise click.BadParameter(f"there is no race of {date} with its result", param_hint="FILES")
    show(f"{len(races)} races of {date} are taken out, and all that came later.")
    ComingDays(engine, date)
    show(f"Before it: {_what_was_before(engine)}.")
    registry = get_model_registry(stage.registry, create=True)
    trainings = Trainings(engine, registry, stage.folder / "training.log", n_trials)
    trainings.rate_runs()
    if champion is None:
        show(f"A quick model learns from them: {trainings.learn('form', promote=True)}")
    else:
        copy = registry.register(champion.directory)
        registry.promote(copy.version, reason=f"plays {date}")
        show(f"Version {champion.version} answers, which has learnt to {champion.learnt_until}.")
    engine.dispose()
    return races


def n_events(stage: Stage) -> str:
    """Return how many events of each kind a stage holds, for people."""
    engine = open_database(stage.database)
    with engine.connect() as connection:
        counts = Counter(event.kind for event in events_after(connection, 0, None, MAX_EVENTS))
    engine.dispose()
    return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS)


def _what_was_before(engine: Engine) -> str:
    date = _RACE.c.date
    query = select(func.count(), func.min(date), func.max(date)).where(_RACE.c.is_whole.is_(True))
    with engine.connect() as connection:
        n, first, last = connection.execute(query).one()
    return f"{n:,} whole races from {first} to {last}" if n else "no race"


def _copy(database: str, stage: Stage) -> None:
    """Copy a race database into a stage, as it is at one moment."""
    url = make_url(database)
    if not url.drivername.startswith("sqlite") or not url.database:
        rule = "a database is copied that is a file of SQLite; `greyhound day` takes FILES for any other"
        raise click.BadParameter(f"{rule}, got {url.render_as_string()}", param_hint="--database")
    open_database(database).dispose()  # it is there, and of this version
    target = stage.folder / "greyhound.db"
    with closing(sqlite3.connect(url.database)) as own, closing(sqlite3.connect(target)) as copy:
        own.backup(copy)
