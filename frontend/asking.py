"""How a page asks the service: one client an app, and one look at the status a request."""

from flask import Flask, current_app, g

from client import GreyhoundClient, Patience, Unreachable
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
    """
    if "status" not in g:
        g.status = ask().model_status()
    told: ModelStatus = g.status
    return told


def status_if_up() -> ModelStatus | None:
    """Return the same, or None if the service does not answer."""
    try:
        return status()
    except Unreachable:
        return None
