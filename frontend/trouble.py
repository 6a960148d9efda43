"""When something is wrong: the service is down, it refuses, or an address leads nowhere."""

from flask import Flask, Response
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from frontend.api import ask
from frontend.errors import code_of
from frontend.live import page
from greyhound_client import Problem, Unreachable, Unreadable


def install(app: Flask) -> None:
    """Give each kind of trouble its page; an open page comes back by itself once the trouble is over."""

    @app.errorhandler(Unreachable)
    def _down(error: Unreachable) -> Response:
        return page("trouble/down.html", code=503, error=error, address=ask().url)

    @app.errorhandler(Problem)
    def _refused(error: Problem) -> Response:
        return page("trouble/problem.html", code=code_of(error), error=error)

    @app.errorhandler(Unreadable)
    def _other(error: Unreadable) -> Response:
        return page("trouble/unreadable.html", code=502, error=error, address=ask().url)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> ResponseReturnValue:
        if error.code is None or error.code < 400:  # a redirection
            return error
        return page("trouble/http.html", code=error.code, error=error)
