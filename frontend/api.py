"""How a page asks the service: one client an app, and one look at the status a request."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import httpx
from flask import Flask, current_app, g

from frontend.http.transport import BoundedTransport
from frontend.settings import FrontendSettings
from frontend.http.shared_client import SharedClient
from greyhound_client import GreyhoundClient, GreyhoundError, RetryPolicy, TimedOut
from greyhound_client.models import ModelStatus

N_AT_ONCE = 4
"""Questions of pages that ask several at once, for all visitors together."""


def install(app: Flask, settings: FrontendSettings) -> None:
    """Give the app its client; it opens connections as they are needed and keeps them."""
    connection = httpx.Client(
        transport=BoundedTransport(settings.timeout_s),
        timeout=httpx.Timeout(settings.timeout_s, connect=min(settings.timeout_s, 2)),
    )
    app.extensions["greyhound"] = SharedClient(
        settings.service,
        for_s=settings.cache_s,
        api_key=settings.api_key,
        retry_policy=RetryPolicy(n_tries=2, max_wait_s=1),  # a person waits for the page
        http=connection,
    )
    app.extensions["greyhound-threads"] = ThreadPoolExecutor(N_AT_ONCE, thread_name_prefix="asking")
    app.extensions["greyhound-connection"] = connection
    app.extensions["greyhound-patience-s"] = 2 * settings.timeout_s


def close(app: Flask) -> None:
    """Close an app's connections, once it shows no more pages."""
    app.extensions["greyhound-threads"].shutdown(wait=False, cancel_futures=True)
    app.extensions["greyhound-connection"].close()


def ask() -> GreyhoundClient:
    """Return the client of the app whose request this is."""
    client: GreyhoundClient = current_app.extensions["greyhound"]
    return client


def at_once(questions: Sequence[Callable[[], Any]]) -> list[Any]:
    """Return the answers to several questions, asked side by side as far as other visitors leave room.

    Raises
    ------
    TimedOut
        If they are not all answered in time.
    """
    threads: ThreadPoolExecutor = current_app.extensions["greyhound-threads"]
    answers = [threads.submit(question) for question in questions]
    left = wait(answers, current_app.extensions["greyhound-patience-s"]).not_done
    for answer in left:
        answer.cancel()
    if left:
        raise TimedOut(f"the service at {ask().url} has more to answer than it does in time")
    return [answer.result() for answer in answers]


def status() -> ModelStatus:
    """Return what the service says of itself, asked once a request.

    Raises
    ------
    Unreachable
        If it does not answer.
    Unreadable
        If something else answers.
    Problem
        If it answers to nobody without a key.
    """
    if "status" not in g:
        try:
            g.status = ask().model_status()
        except GreyhoundError as error:
            g.status = error  # not asked again for the page that tells of it
    if isinstance(g.status, Exception):
        raise g.status
    told: ModelStatus = g.status
    return told


def trouble() -> GreyhoundError | None:
    """Return why there is no status, if there is none."""
    found = g.get("status")
    return found if isinstance(found, GreyhoundError) else None


def status_if_up() -> ModelStatus | None:
    """Return the same, or None if the service does not answer, or not without a key."""
    try:
        return status()
    except GreyhoundError:
        return None
