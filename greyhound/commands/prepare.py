"""`greyhound prepare`: from whatever is there to a champion; does only what is still missing."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from greyhound.options import Names, database_option, progress_option, registry_option
from greyhound.output.console import console
from greyhound.output.progress import Report, progress
from greyhound.rating import rate_what_is_due

races_option = click.option(
    "--races",
    metavar="N",
    type=click.IntRange(200),
    default=4_000,
    envvar="GREYHOUND_FIRST_RACES",
    show_default=True,
    show_envvar=True,
    help="Size of the simulated season that fills an empty database.",
)
trials_option = click.option(
    "--trials",
    metavar="N",
    type=click.IntRange(1),
    default=6,
    envvar="GREYHOUND_FIRST_TRIALS",
    show_default=True,
    show_envvar=True,
    help="Trials a family of a first training; `greyhound train` has 20.",
)
families_option = click.option(
    "--families",
    metavar="A,B",
    envvar="GREYHOUND_FIRST_FAMILIES",
    show_envvar=True,
    help="Families of the first training; if left out, the five that judge runners one by one.",
)


@click.command()
@races_option
@trials_option
@families_option
@database_option
@registry_option
@progress_option
@click.pass_context
def prepare(
    context: click.Context, races: int, trials: int, families: str | None, database: str, registry: str
) -> None:
    """Fill an empty database and train a first champion; what is there already stays.

    What `greyhound up` does before it serves. Run again it changes nothing.

    \b
    Example:
      greyhound prepare --races 2000
    """
    from training.families import ALL_FAMILY_NAMES  # --help must not wait for the libraries

    chosen = Names("family", ALL_FAMILY_NAMES).convert(families, None, None) if families else None
    fill(context, database, races)
    train_first(database, registry, trials, chosen)


def fill(context: click.Context, database: str, races: int) -> None:
    """Put a simulated season into a database that holds no race; rate what another one holds unrated."""
    from sqlalchemy import select

    from greyhound.commands.simulate import simulate
    from racing.database.engine import open_database
    from racing.database.tables import Race

    engine = open_database(database, create=True)
    with engine.connect() as connection:
        is_empty = connection.execute(select(Race).limit(1)).first() is None
    rate_what_is_due(engine)
    engine.dispose()
    if is_empty:
        console.print("The database is empty: filling it with a SIMULATED season of made-up dogs.")
        context.invoke(
            simulate, races=races, seed=1, start=None, until=None, database=database, as_json=False
        )


def train_first(database: str, registry: str, trials: int, families: tuple[str, ...] | None = None) -> None:
    """Train a champion where a registry has none; it serves whatever its gates say."""
    from model_registry import get_model_registry
    from model_registry.errors import NoChampion

    models = get_model_registry(registry, create=True)
    try:
        champion = models.champion()
    except NoChampion:
        console.print("There is no champion yet: training one, in a few minutes, once.")
    else:
        console.print(f"Champion: version {champion.version}.")
        return

    from racing.database.engine import open_database
    from training.families import FAMILY_NAMES
    from training.gates import failed
    from training.pipeline import TrainSettings, train
    from training.search.settings import SearchSettings

    # Without the net: it took as long as the other five, and learns little from a simulated season.
    chosen = families or FAMILY_NAMES
    console.print(f"  {', '.join(chosen)}; trials of each: {trials}.", soft_wrap=True)
    # The first champion of an empty registry serves whatever its gates say; the record keeps their reasons.
    settings = TrainSettings(search=SearchSettings(families=chosen, n_trials=trials), force=True)
    training = train(open_database(database), models, settings, stage=_stage)
    summary = training.summary
    console.print(f"Champion: version {training.version}, {summary['model_type']}, {training.seconds:.0f} s.")
    for gate in failed(training.gates):
        console.print(f"  It serves although it failed a gate: {gate.name}: {gate.reason}", soft_wrap=True)


@contextmanager
def _stage(title: str) -> Iterator[Report]:
    if sys.stderr.isatty():  # elsewhere progress is lines, which stay
        console.print(f"  {title} ...")
    with progress(title) as report:
        yield report
