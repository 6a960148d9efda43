"""How a page asks the service: one client an app, and one look at the status a request."""

from flask import Flask, current_app, g

from client import GreyhoundClient, Unreachable
from client.models import ModelStatus
from frontend.settings import FrontendSettings


def install(app: Flask, settings: FrontendSettings) -> None:
    """Give the app its client; it opens connections as they are needed and keeps them."""
    app.extensions["greyhound"] = GreyhoundClient(
        settings.service, timeout_s=settings.timeout_s, api_key=settings.api_key
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
