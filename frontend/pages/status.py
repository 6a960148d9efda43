"""Status: which champion serves, and how good it is; and its status as JSON, for pages that exist already."""

from flask import Blueprint, Response, make_response

from frontend.api import ask, status
from frontend.live import page
from frontend.registry import evidence_of_serving, known
from greyhound_client import Unreachable, endpoints

pages = Blueprint("status", __name__)
N_CHANGES = 6


@pages.get("/")
def show() -> Response:
    """Show the champion: how good it is, how it was made, and how it came to serve."""
    return page(
        "status/status.html",
        now=status(),
        evidence=evidence_of_serving(),
        record=known(endpoints.promotions(limit=N_CHANGES)),
    )


@pages.get("/status/health")
def health() -> Response:
    """Show how the service itself does: by itself, since it changes at every look."""
    return page("status/health.html", now=status())


@pages.get("/api/model_status")
def model_status() -> Response:
    """Pass on what the service says of its champion, unchanged: its JSON, and its status code."""
    try:
        said = ask().raw(endpoints.model_status())
    except Unreachable as error:
        return _unreachable(str(error))
    code = said.status_code if said.status_code < 500 or said.status_code == 503 else 502
    return Response(said.content, code, content_type=said.headers.get("Content-Type"))


def _unreachable(why: str) -> Response:
    """Answer as the service would if it could: pages read ``success`` first."""
    return make_response({"success": False, "error": why}, 503)
