"""`greyhound up`: from whatever is there to a served champion; does only what is still missing."""

import os
import subprocess
import sys

import click

from greyhound.commands.prepare import fill, races_option, train_first, trials_option
from greyhound.options import (
    address_of,
    database_option,
    host_option,
    port_option,
    progress_option,
    registry_option,
)
from greyhound.output.console import console
from greyhound.output.printing import shown as shown_text


@click.command()
@races_option
@trials_option
@host_option("GREYHOUND_HOST")
@port_option("GREYHOUND_PORT", 8000)
@port_option("GREYHOUND_FRONTEND_PORT", 5002, name="--frontend-port", what="Port of the pages")
@click.option(
    "--watch",
    "watched",
    metavar="FOLDER",
    envvar="GREYHOUND_WATCH",
    default="var/incoming",
    show_default=True,
    show_envvar=True,
    help="Folder whose files are imported as they come (see greyhound watch); empty for none.",
)
@database_option
@registry_option
@progress_option
@click.pass_context
def up(
    context: click.Context, races: int, trials: int, host: str, port: int, frontend_port: int,
    watched: str, database: str, registry: str,
) -> None:  # fmt: skip
    """Fill an empty database, train a first champion, serve and show it; what is there already stays.

    \b
    Example:
      greyhound up --port 8080
    """
    # The addresses are tried first, so that a port in use is reported before minutes of training.
    from frontend.http.server import open_socket as open_frontend_socket
    from service.serve import open_socket

    open_socket(host, port).close()
    with open_frontend_socket(host, frontend_port) as free:
        frontend_port = free.getsockname()[1]
    fill(context, database, races)
    train_first(database, registry, trials)
    _serve(host, port, frontend_port, watched, database, registry)


def _serve(host: str, port: int, frontend_port: int, watched: str, database: str, registry: str) -> None:
    from service.serve import open_socket, run
    from service.settings import ServiceSettings

    listening = open_socket(host, port)
    address = address_of(host, listening.getsockname()[1])
    console.print(f"\nServing on {address} (Ctrl-C stops). Open:")
    shown = address_of(host, frontend_port)
    console.print(f"  {shown:<28} status, races, models and track record, in the browser", soft_wrap=True)
    console.print(f"  {address + '/docs':<28} the API, with examples to try", soft_wrap=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    pages = _child(
        *("frontend", "--service", address, "--host", host, "--port", str(frontend_port)),
        stdout=subprocess.DEVNULL,
    )
    children = [pages]
    if watched:
        console.print(f"  {shown_text(watched):<28} files that are put there are imported", soft_wrap=True)
        children.append(_child("watch", watched, "--database", database))
    try:
        run(ServiceSettings(database=database, registry=registry), listening)
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait()


def _child(*arguments: str, stdout: int | None = None) -> "subprocess.Popen[bytes]":
    """Start a command of ours as a process of its own.

    The pipe that it reads closes with this process, however that ends. A group of its own too: Ctrl-C is for
    this process, which ends the other.
    """
    command, *options = arguments
    return subprocess.Popen(
        [sys.executable, "-m", "greyhound", command, "--until-stdin-closes", *options],
        stdin=subprocess.PIPE,
        stdout=stdout,
        process_group=0,
    )
