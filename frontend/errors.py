"""What can go wrong: the port is taken, the service is down or refuses, an address leads nowhere."""

from flask import Flask, Response
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from frontend import api
from frontend.live import page
from greyhound_client import Problem, Unreachable, Unreadable


class PortTaken(Exception):
    """The address to listen on is in use, or is none of this machine's."""


def status_code(problem: Problem) -> int:
    """Return the HTTP status of a page that shows a problem: 502 where the service itself failed."""
    return problem.status if 400 <= problem.status < 500 or problem.status == 503 else 502


def install(app: Flask) -> None:
    """Give each kind of error its page; an open page comes back by itself once the error is over."""

    @app.errorhandler(Unreachable)
    def _down(error: Unreachable) -> Response:
        return page("errors/down.html", code=503, error=error, address=api.client().url)

    @app.errorhandler(Problem)
    def _refused(error: Problem) -> Response:
        return page("errors/problem.html", code=status_code(error), error=error)

    @app.errorhandler(Unreadable)
    def _other(error: Unreadable) -> Response:
        return page("errors/unreadable.html", code=502, error=error, address=api.client().url)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> ResponseReturnValue:
        if error.code is None or error.code < 400:  # a redirection
            return error
        return page("errors/http.html", code=error.code, error=error)
