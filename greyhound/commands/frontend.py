"""``greyhound frontend``: the pages over a service."""

import click

from greyhound.options import address_of, host_option, port_option
from greyhound.output.console import console
from greyhound.parent import end_with_parent, until_stdin_closes_option


def _address(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value.startswith(("http://", "https://")):
        shown = value.rpartition("@")[2]  # what stands before may be a password
        raise click.BadParameter(f"an address starts with http:// or https://, got {shown!r}")
    return value


@click.command()
@click.option(
    "--service",
    metavar="URL",
    default="http://127.0.0.1:8000",
    envvar="GREYHOUND_FRONTEND_SERVICE",
    show_default=True,
    show_envvar=True,
    callback=_address,
    help="The service to show.",
)
@host_option("GREYHOUND_FRONTEND_HOST")
@port_option("GREYHOUND_FRONTEND_PORT", 5002)
@until_stdin_closes_option
def frontend(service: str, host: str, port: int, has_parent: bool) -> None:
    """Show a service in the browser until Ctrl-C: its champion, races, models and track record.

    It speaks HTTP to the service and holds nothing itself, so it may run on another machine and be started
    before or after the service. More settings come from the environment (GREYHOUND_FRONTEND_*).

    \b
    Example:
      greyhound frontend --service http://127.0.0.1:8000
    """
    from frontend.http.server import open_socket, run
    from frontend.settings import FrontendSettings

    settings = FrontendSettings(service=service, host=host, port=port)
    with open_socket(host, port) as listening:
        address = address_of(host, listening.getsockname()[1])
        console.print(f"{address}/ shows {settings.called_service}; Ctrl-C stops")
        if has_parent:
            end_with_parent()
        run(settings, listening)
