"""How a page asks the service: one client an app, and one look at the status a request."""

from flask import Flask, current_app, g

from client import GreyhoundClient, Patience, Problem, Unreachable
from client.models import ModelStatus
from frontend.settings import FrontendSettings


def install(app: Flask, settings: FrontendSettings) -> None:
    """Give the app its client; it opens connections as they are needed and keeps them."""
    app.extensions["greyhound"] = GreyhoundClient(
        settings.service,
        api_key=settings.api_key,
        patience=Patience(n_tries=2, max_wait_s=1),  # a person waits for the page
        connect_timeout_s=min(settings.timeout_s, 2),
        read_timeout_s=settings.timeout_s,
    )


def ask() -> GreyhoundClient:
    """Return the client of the app whose request this is."""
    client: GreyhoundClient = current_app.extensions["greyhound"]
    return client


def status() -> ModelStatus:
    """Return what the service says of itself, asked once a request.

    Raises
    ------
    Unreachable
        If it does not answer.
    Problem
        If it answers to nobody without a key.
    """
    if "status" not in g:
        try:
            g.status = ask().model_status()
        except (Unreachable, Problem) as error:
            g.status = error  # not asked again for the page that tells of it
    if isinstance(g.status, Exception):
        raise g.status
    told: ModelStatus = g.status
    return told


def trouble() -> Unreachable | Problem | None:
    """Return why there is no status, if there is none."""
    found = g.get("status")
    return found if isinstance(found, (Unreachable, Problem)) else None


def status_if_up() -> ModelStatus | None:
    """Return the same, or None if the service does not answer, or not without a key."""
    try:
        return status()
    except (Unreachable, Problem):
        return None
