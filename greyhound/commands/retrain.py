"""`greyhound retrain`: import what is new, train, register as challenger, start its shadow."""

import datetime as dt
from pathlib import Path

import click
from sqlalchemy import Engine

from greyhound.commands.train import Duration
from greyhound.countries import COUNTRIES
from greyhound.errors import GATES_NOT_PASSED, one_line
from greyhound.knows import as_the_champion, knows_option
from greyhound.options import (
    Names,
    database_option,
    engine_scheduler,
    json_option,
    progress_option,
    registry_option,
    search_options,
)
from greyhound.output.printing import print_json, say, shown
from greyhound.rating import rate_what_is_due
from greyhound.retraining.due import why_due
from greyhound.retraining.progress_file import Begun, ProgressFile, one_at_a_time
from greyhound.retraining.stages import Retrained, Say, begin, import_incoming, place, train_challenger
from model_registry import get_model_registry
from model_registry.registry import ModelRegistry
from racing.database.engine import open_database
from racing.database.outbox import add_notification
from training.families import ALL_FAMILY_NAMES, DEFAULT_FAMILY_NAMES
from training.pipeline import TrainSettings, search_storage
from training.search.settings import SearchSettings


@click.command()
@click.option(
    "--incoming",
    metavar="FOLDER",
    type=click.Path(),
    default="incoming",
    envvar="GREYHOUND_INCOMING",
    show_default=True,
    show_envvar=True,
    help="Folder of new files, of any kind that `greyhound import` takes; they stay there.",
)
@click.option("--if-due", is_flag=True, help="Only if the monitor says that it is due.")
@click.option(
    "--promote", is_flag=True, help="Promote what passes every gate at once, rather than shadow the champion."
)
@click.option(
    "--trials", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Trials of each family."
)
@click.option(
    "--families",
    type=Names("family", ALL_FAMILY_NAMES),
    default=DEFAULT_FAMILY_NAMES,
    metavar="A,B",
    help="Families of models to search, by default all.",
)
@knows_option(default=None, otherwise=" By default what the champion knows.")
@click.option(
    "--countries",
    type=COUNTRIES,
    default=(),
    metavar="GB,IE",
    help="Learn from races of these countries alone, and be judged on them; by default of all.",
)
@click.option("--time-budget", type=Duration(), metavar="2h", help="Start no trial after so long.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the search.")
@search_options
@database_option
@registry_option
@json_option
@progress_option
def retrain(
    incoming: str,
    if_due: bool,
    promote: bool,
    trials: int,
    families: tuple[str, ...],
    feature_scope: str | None,
    countries: tuple[str, ...],
    time_budget: float | None,
    seed: int,
    best: bool,
    storage: str | None,
    trials_at_once: int,
    engine_name: str,
    scheduler: str | None,
    database: str,
    registry: str,
    as_json: bool,
) -> int:
    """Import what is new, train, register what was found best, and put it beside the champion in shadow.

    Interrupted in any way and run again, it goes on where it was: files that were imported are skipped, the
    search is resumed, a version that was registered is not trained again. Two do not run at once (exit code
    3). A version that fails a gate is registered and nothing else (exit code 5).

    \b
    Examples:
      greyhound retrain --time-budget 2h
      greyhound retrain --if-due --incoming /srv/greyhound/incoming
    """
    engine = open_database(database, create=True)
    models = get_model_registry(registry, create=True)
    folder = search_storage(models).parent
    settings = TrainSettings(
        search=SearchSettings(
            families=families,
            n_trials=trials,
            time_budget_s=time_budget,
            seed=seed,
            best=best,
            storage=storage,
            scheduler=engine_scheduler(engine_name, scheduler),
            trials_at_once=trials_at_once,
        ),
        feature_scope=feature_scope or as_the_champion(models),
        countries=countries,
        promote=False,
    )
    with one_at_a_time(folder, engine):
        now, file = dt.datetime.now(dt.UTC), ProgressFile(folder)
        import_incoming(engine, Path(incoming), _say(as_json))
        if if_due and file.read(now) is None:
            is_due, why = why_due(engine, models, registry, now)
            _say(as_json)(f"due: {'yes' if is_due else 'no'}: {why}")
            if not is_due:
                if as_json:
                    print_json({"is_due": False, "why": why})
                return 0
        rate_what_is_due(engine)
        begun = begin(engine, file, now, _say(as_json))
        try:
            done = _retrained(engine, models, settings, begun, file, promote=promote, as_json=as_json)
        except Exception as error:
            _notify(
                engine, f"retraining-failed:{begun.at:%Y%m%dT%H%M%S}", "Retraining failed", one_line(error)
            )
            raise
        sentence = _last_line(done)
        details = {"version": done.version, "gates_passed": done.gates_passed, "verdict": done.verdict}
        _notify(engine, f"retraining:{begun.at:%Y%m%dT%H%M%S}", "Retraining is done", sentence, **details)
        file.remove()
    if as_json:
        print_json(details | {"standing": done.standing})
    else:
        say(shown(sentence))
    return 0 if done.gates_passed else GATES_NOT_PASSED


def _retrained(
    engine: Engine,
    models: ModelRegistry,
    settings: TrainSettings,
    begun: Begun,
    file: ProgressFile,
    *,
    promote: bool,
    as_json: bool,
) -> Retrained:
    begun = train_challenger(engine, models, settings, begun, file, _say(as_json))
    standing = place(engine, models, begun, promote, _say(as_json))
    assert begun.version is not None
    return Retrained(
        version=begun.version,
        gates_passed=bool(begun.gates_passed),
        verdict=begun.verdict or "",
        standing=standing,
    )


def _last_line(done: Retrained) -> str:
    gates = "passed every gate" if done.gates_passed else "failed a gate"
    look = f"greyhound models show {done.version}"
    return f"Version {done.version} {gates} and is {done.standing}. Test races: {done.verdict}. Look: {look}"


def _notify(engine: Engine, key: str, title: str, text: str, **details: object) -> None:
    with engine.begin() as connection:
        add_notification(connection, key=key, kind="retraining", title=title, text=text, details=details)


def _say(as_json: bool) -> Say:
    """Return what prints a stage's line: on standard error where standard output is for JSON."""
    return lambda line: say(shown(line), err=as_json)
