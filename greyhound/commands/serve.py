"""``greyhound serve``: the champion over HTTP."""

import gc
import os
import sys

import click

from greyhound.options import address_of, database_option, host_option, port_option, registry_option
from greyhound.output.console import console
from greyhound.parent import end_with_parent, until_stdin_closes_option


@click.command()
@host_option("GREYHOUND_HOST")
@port_option("GREYHOUND_PORT", 8000)
@click.option(
    "--workers",
    default=1,
    envvar="GREYHOUND_WORKERS",
    show_default=True,
    show_envvar=True,
    type=click.IntRange(1, 256),
    help="Processes that share the port; one that dies is replaced.",
)
@database_option
@registry_option
@until_stdin_closes_option
def serve(host: str, port: int, workers: int, database: str, registry: str, has_parent: bool) -> None:
    """Serve the champion over HTTP until Ctrl-C, following every promotion.

    It starts without a champion too, and serves the first one that is promoted. More settings come from the
    environment (GREYHOUND_*); the documentation lists them all. Each of several workers follows the registry
    by itself.

    \b
    Example:
      greyhound serve --port 8000
      curl -s localhost:8000/model_status
    """
    # Before anything is imported: one thread a request, and no thread that a worker would lose in its fork.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    gc.disable()  # until the service has started: each full pass over what is imported takes 0.2 s
    from service.serve import open_socket, run
    from service.settings import ServiceSettings

    settings = ServiceSettings(database=database, registry=registry)
    with open_socket(host, port) as listening:
        address = address_of(host, listening.getsockname()[1])
        _say(f"{address}/docs to try it, /model_status for the model; Ctrl-C stops")
        if has_parent:
            end_with_parent()
        run(settings, listening, n_workers=workers)


def _say(text: str) -> None:
    """Print a line; that the disk under the output is full must not keep the service from starting."""
    try:
        console.print(text)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
