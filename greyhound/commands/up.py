"""`greyhound up`: from whatever is there to a served champion; does only what is still missing."""

import os

import click

from greyhound.commands.prepare import fill, races_option, train_first, trials_option
from greyhound.options import console, database_option, progress_option, registry_option


@click.command()
@races_option
@trials_option
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
    from service.server import open_socket

    open_socket(host, port).close()
    fill(context, database, races)
    train_first(database, registry, trials)
    _serve(host, port, database, registry)


def _serve(host: str, port: int, database: str, registry: str) -> None:
    from service.server import open_socket, run
    from service.settings import ServiceSettings

    listening = open_socket(host, port)
    address = f"http://localhost:{listening.getsockname()[1]}"
    console.print(f"\nServing on {address} (Ctrl-C stops). Open:")
    console.print(f"  {address}/docs          the API, with examples to try")
    console.print(f"  {address}/model_status  what the champion is and how good")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    run(ServiceSettings(database=database, registry=registry), listening)
