"""How pages call the service: one client an app, one status a request, and answers that need the registry."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx
from flask import Flask, current_app, g

from frontend.evidence import VersionEvidence, lay_out
from frontend.http.shared_client import SharedClient
from frontend.http.transport import BoundedTransport
from frontend.settings import FrontendSettings
from greyhound_client import (
    Call,
    GreyhoundClient,
    GreyhoundError,
    Problem,
    RetryPolicy,
    TimedOut,
    Unavailable,
    endpoints,
)
from greyhound_client.models import ModelStatus

N_THREADS = 4
"""Calls of pages that make several at once, for all visitors together."""
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class StoredAnswer(Generic[Answer]):
    """An answer that the service takes from its registry or database, or why there is none now."""

    answer: Answer | None
    why_not: str = ""


def install(app: Flask, settings: FrontendSettings) -> None:
    """Give the app its client; it opens connections as they are needed and reuses them."""
    connection = httpx.Client(
        transport=BoundedTransport(settings.timeout_s),
        timeout=httpx.Timeout(settings.timeout_s, connect=min(settings.timeout_s, 2)),
    )
    app.extensions["greyhound"] = SharedClient(
        settings.service,
        cache_s=settings.cache_s,
        api_key=settings.api_key,
        retry_policy=RetryPolicy(n_tries=2, max_wait_s=1),  # a person waits for the page
        http=connection,
    )
    app.extensions["greyhound-threads"] = ThreadPoolExecutor(N_THREADS, thread_name_prefix="api")
    app.extensions["greyhound-connection"] = connection
    app.extensions["greyhound-timeout-s"] = 2 * settings.timeout_s


def close(app: Flask) -> None:
    """Close an app's connections, once it shows no more pages."""
    app.extensions["greyhound-threads"].shutdown(wait=False, cancel_futures=True)
    app.extensions["greyhound-connection"].close()
    app.extensions["greyhound-live-events"].close()


def client() -> GreyhoundClient:
    """Return the client of the app that handles this request."""
    found: GreyhoundClient = current_app.extensions["greyhound"]
    return found


def gather(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Return the results of several calls, made side by side as far as other visitors leave room.

    Raises
    ------
    TimedOut
        If they do not all return in time.
    """
    threads: ThreadPoolExecutor = current_app.extensions["greyhound-threads"]
    results = [threads.submit(call) for call in calls]
    left = wait(results, current_app.extensions["greyhound-timeout-s"]).not_done
    for result in left:
        result.cancel()
    if left:
        raise TimedOut(f"the service at {client().url} has more to answer than it does in time")
    return [result.result() for result in results]


def status() -> ModelStatus:
    """Return the status of the service, fetched once a request.

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
            g.status = client().model_status()
        except GreyhoundError as error:
            g.status = error  # not fetched again for the page that shows it
    if isinstance(g.status, Exception):
        raise g.status
    found: ModelStatus = g.status
    return found


def status_error() -> GreyhoundError | None:
    """Return why there is no status, if there is none."""
    found = g.get("status")
    return found if isinstance(found, GreyhoundError) else None


def status_if_up() -> ModelStatus | None:
    """Return the status, or None if the service does not answer, or not without a key."""
    try:
        return status()
    except GreyhoundError:
        return None


def from_registry(call: Call[Answer]) -> StoredAnswer[Answer]:
    """Return an answer that needs the registry, or why there is none; an absent one is not waited for."""
    error = status().registry.error
    if error:
        return StoredAnswer(None, error)
    try:
        return StoredAnswer(client().ask(call))
    except (TimedOut, Unavailable) as problem:
        return StoredAnswer(None, problem.detail if isinstance(problem, Problem) else str(problem))


def from_database(call: Call[Answer]) -> StoredAnswer[Answer]:
    """Return an answer that needs the race database, or why there is none."""
    try:
        return StoredAnswer(client().ask(call))
    except (TimedOut, Unavailable) as problem:
        return StoredAnswer(None, problem.detail if isinstance(problem, Problem) else str(problem))


def champion_evidence() -> VersionEvidence | None:
    """Return the evidence of the version that serves, which needs no registry; None if none serves."""
    version = status().version
    return None if version is None else evidence(version)


def evidence(version: int) -> VersionEvidence:
    """Return the evidence of a version.

    Raises
    ------
    greyhound_client.Problem
        If the service has none.
    """
    return lay_out(client().ask(endpoints.evidence(version)))
