"""The front end on a socket, under waitress, until a signal."""

import logging
import os
import signal
import socket
from types import FrameType

from frontend import api
from frontend.app import create_app
from frontend.errors import PortTaken
from frontend.http.connections import server_of
from frontend.settings import FrontendSettings


def open_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket, so that a port in use is reported before anything else is done.

    Raises
    ------
    PortTaken
        If the address is in use or none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error
        raise PortTaken(f"cannot listen on {host} port {port}: {why}") from error


def run(settings: FrontendSettings, listening: socket.socket) -> None:
    """Show pages until SIGINT or SIGTERM; requests in flight are answered."""
    app = create_app(settings)
    for name in app.jinja_env.list_templates(extensions=("html",)):
        app.jinja_env.get_template(name)  # compiled now: the first page would wait 50 ms for it
    server = server_of(app, listening, threads=settings.threads)

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit

    # "Task queue depth is 1": that a request waited for a thread, which is no news.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        server.run()
    finally:
        server.close()
        api.close(app)
