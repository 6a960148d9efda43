"""`greyhound up`: from whatever is there to a served champion; does only what is still missing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from greyhound.options import Report, console, database_option, progress, progress_option, registry_option


@click.command()
@click.option(
    "--races",
    metavar="N",
    type=click.IntRange(200),
    default=4_000,
    show_default=True,
    help="Size of the simulated season that fills an empty database.",
)
@click.option(
    "--trials",
    metavar="N",
    type=click.IntRange(1),
    default=6,
    show_default=True,
    help="Trials a family of a first training; `greyhound train` has 30.",
)
@click.option("--host", default="127.0.0.1", show_default=True, envvar="GREYHOUND_HOST", show_envvar=True)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8000,
    show_default=True,
    envvar="GREYHOUND_PORT",
    show_envvar=True,
)
@database_option
@registry_option
@progress_option
@click.pass_context
def up(
    context: click.Context, races: int, trials: int, host: str, port: int, database: str, registry: str
) -> None:  # fmt: skip
    """Fill an empty database, train a first champion, and serve; whatever is there already is kept.

    \b
    Example:
      greyhound up --port 8080
    """
    # The address is tried first, so that a port in use is told before minutes of training.
    from service.process.server import open_socket

    open_socket(host, port).close()
    _fill(context, database, races)
    _train(database, registry, trials)
    _serve(host, port, database, registry)


def _fill(context: click.Context, database: str, races: int) -> None:
    from sqlalchemy import select

    from greyhound.commands.simulate import simulate
    from racing.database.engine import open_database
    from racing.database.tables import Race

    engine = open_database(database, create=True)
    with engine.connect() as connection:
        is_empty = connection.execute(select(Race).limit(1)).first() is None
    engine.dispose()
    if is_empty:
        console.print("The database is empty: filling it with a SIMULATED season of made-up dogs.")
        context.invoke(
            simulate, races=races, seed=1, start=None, until=None, database=database, as_json=False
        )


def _train(database: str, registry: str, trials: int) -> None:
    from model_registry import get_model_registry
    from model_registry.errors import NoChampion

    models = get_model_registry(registry, create=True)
    try:
        champion = models.champion()
    except NoChampion:
        console.print("There is no champion yet: training one, in a few minutes, once.")
        console.print(f"  Five model families and their ensemble, {trials} trials a family.")
    else:
        console.print(f"Champion: version {champion.version}.")
        return

    from racing.database.engine import open_database
    from training.candidates import SearchSettings
    from training.gates import failed
    from training.pipeline import TrainSettings, train

    # The first champion of an empty registry serves whatever its gates say; the record keeps their reasons.
    settings = TrainSettings(search=SearchSettings(n_trials=trials), force=True)
    training = train(open_database(database), models, settings, stage=_stage)
    summary = training.summary
    console.print(f"Champion: version {training.version}, {summary['model_type']}, {training.seconds:.0f} s.")
    for gate in failed(training.gates):
        console.print(f"  It serves although it failed a gate: {gate.name}: {gate.reason}", soft_wrap=True)


def _serve(host: str, port: int, database: str, registry: str) -> None:
    from service.process.server import open_socket, run
    from service.settings import ServiceSettings

    listening = open_socket(host, port)
    address = f"http://localhost:{listening.getsockname()[1]}"
    console.print(f"\nServing on {address} (Ctrl-C stops). Open:")
    console.print(f"  {address}/docs          the API, with examples to try")
    console.print(f"  {address}/model_status  what the champion is and how good")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    run(ServiceSettings(database=database, registry=registry), listening)


@contextmanager
def _stage(title: str) -> Iterator[Report]:
    console.print(f"  {title} ...")
    with progress(title) as report:
        yield report
