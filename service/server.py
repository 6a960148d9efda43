"""Run the service on a socket, in this process, until it is told to stop."""

import socket
from contextlib import suppress

import uvicorn

from service.app import create_app
from service.door.protocol import patient_protocol
from service.errors import PortTaken
from service.settings import ServiceSettings

BACKLOG = 2048
GRACE_S = 10  # for requests in flight when asked to stop


def run(settings: ServiceSettings, listening: socket.socket) -> None:
    """Serve on an open socket until Ctrl-C or SIGTERM; requests in flight are finished first."""
    with suppress(KeyboardInterrupt):  # uvicorn raises the signal again once it is done
        server(settings).run(sockets=[listening])


def server(settings: ServiceSettings) -> uvicorn.Server:
    """Return a server of the service, not yet running."""
    config = uvicorn.Config(
        create_app(settings),
        access_log=False,
        log_level="warning",
        http=patient_protocol(settings.slow_request_s),
        server_header=False,
        proxy_headers=False,  # see `trusted_proxies`
        timeout_graceful_shutdown=GRACE_S,
    )
    return uvicorn.Server(config)


def open_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises
    ------
    service.errors.PortTaken
        If another process listens there, or we may not.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return listening
