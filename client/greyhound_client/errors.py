"""Everything that can go wrong when the service is called, as one tree.

::

    GreyhoundError
    ├── Unreachable       no connection, or it broke before the answer was whole
    │   └── TimedOut      the service took longer than the client waits
    ├── Unreadable        the answer is not what the OpenAPI document promises
    └── Problem           the service says no, by a problem document (RFC 9457)
        ├── Refused       what was sent breaks a rule (400, 408, 413, 415, 422, 431); ``errors`` says where
        ├── Unauthorised  an API key is needed, or it is not right (401)
        ├── Forbidden     the API key does not allow this (403)
        ├── NotFound      there is no such thing (404)
        ├── Conflict      a rule forbids it now (409)
        ├── RateLimited   too many requests (429)
        ├── Unavailable   not now: overloaded, or the registry or the race database is away (503)
        │   └── NotReady  no champion is loaded
        └── Failed        the service, or what is in front of it, has a fault of its own (other 5xx)
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx

from greyhound_client.models import BrokenRule

_PREFIX = "urn:greyhound:problem:"
_MAX_TEXT = 200


class GreyhoundError(Exception):
    """Root of all errors of :mod:`greyhound_client`."""


class Unreachable(GreyhoundError):
    """No connection to the service, or it broke before the answer was whole."""


class TimedOut(Unreachable):
    """The service took longer than the client waits."""


class Unreadable(GreyhoundError):
    """The answer is not what the OpenAPI document promises, such as that of another service."""


class Problem(GreyhoundError):
    """The service says no.

    Attributes
    ----------
    status : int
        The HTTP status.
    kind : str
        Stable name of the kind of problem, such as ``card-refused``; the last part of ``type``.
    title, detail : str
        The kind of problem, and what is wrong this time, for people.
    errors : tuple of BrokenRule
        Each broken rule with the JSON Pointer to its field; empty where the request breaks none.
    request_id : str or None
        Under which the service logs the request.
    retry_after_s : float or None
        Seconds after which to come again, where the service says so.
    document : dict
        The problem document as it came.
    """

    def __init__(self, document: Mapping[str, Any], retry_after_s: float | None = None) -> None:
        self.document = dict(document)
        self.status = int(document.get("status", 0))
        self.type = str(document.get("type", "about:blank"))
        self.kind = self.type.removeprefix(_PREFIX)
        self.title = str(document.get("title", ""))
        self.detail = str(document.get("detail", ""))
        self.request_id: str | None = document.get("request_id")
        self.errors = tuple(map(BrokenRule.model_validate, document.get("errors") or ()))
        self.retry_after_s = retry_after_s
        super().__init__(document, retry_after_s)

    def __str__(self) -> str:
        """Return all that a person needs, a line for each broken rule."""
        lines = [f"{self.title} ({self.status}): {self.detail}"]
        lines += [f"  {broken.pointer}: {broken.rule}" for broken in self.errors]
        if self.retry_after_s is not None:
            lines.append(f"  try again in {self.retry_after_s:g} s")
        if self.request_id:
            lines.append(f"  request id: {self.request_id}")
        return "\n".join(lines)


class Refused(Problem):
    """What was sent breaks a rule; ``errors`` says where and which."""


class Unauthorised(Problem):
    """An API key is needed, or it is not right."""


class Forbidden(Problem):
    """The API key does not allow this."""


class NotFound(Problem):
    """There is no such thing."""


class Conflict(Problem):
    """A rule forbids it now: the version failed its gates, or is the champion already."""


class RateLimited(Problem):
    """Too many requests."""


class Unavailable(Problem):
    """Not now: the service is overloaded or stopping, or the registry or the race database is away."""


class NotReady(Unavailable):
    """No champion is loaded, so nothing can be predicted yet."""


class Failed(Problem):
    """The service, or what is in front of it, has a fault of its own."""


_BY_STATUS: Mapping[int, type[Problem]] = {
    **dict.fromkeys((400, 408, 413, 415, 422, 431), Refused),
    401: Unauthorised,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
    503: Unavailable,
}
_WITHOUT_CHAMPION = (f"{_PREFIX}not-ready", f"{_PREFIX}no-champion")


def problem_of_document(document: Mapping[str, Any], retry_after_s: float | None = None) -> Problem:
    """Return the error that a problem document describes."""
    status = int(document.get("status", 0))
    cls = _BY_STATUS.get(status, Failed if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Problem)
    if document.get("type") in _WITHOUT_CHAMPION:
        cls = NotReady
    return cls(document, retry_after_s)


def problem_of(response: httpx.Response) -> Problem:
    """Return the error that a response describes; by its status where it carries no problem document."""
    try:
        document = response.json()
        if isinstance(document, dict):
            tuple(map(BrokenRule.model_validate, document.get("errors") or ()))
    except (ValueError, TypeError, RecursionError):  # not ours: a proxy's, or that of another service
        document = None
    if not (isinstance(document, dict) and {"type", "title", "detail"} <= document.keys()):
        detail = " ".join(response.text.split())[:_MAX_TEXT] or "without further details"
        document = {"type": "about:blank", "title": response.reason_phrase or "Problem", "detail": detail}
    return problem_of_document({**document, "status": response.status_code}, retry_after_s(response))


def retry_after_s(response: httpx.Response) -> float | None:
    """Return the seconds after which to come again; None unless the answer names a number of them."""
    header = response.headers.get("Retry-After", "")
    return float(header) if header.isascii() and header.isdigit() else None


def unreachable(url: str, error: httpx.TransportError) -> Unreachable:
    """Return the error for a connection that was not made or did not hold."""
    if isinstance(error, httpx.TimeoutException):
        limit = "no connection was made" if isinstance(error, httpx.ConnectTimeout) else "no answer came"
        return TimedOut(f"{limit} in time from the service at {url} ({type(error).__name__})")
    return Unreachable(f"the service at {url} cannot be reached: {_text_of(error)}")


def stream_interrupted(url: str, n_answers: int, error: httpx.TransportError) -> Unreachable:
    """Return the error for a stream that ended before its last answer."""
    return Unreachable(f"the service at {url} broke off after {n_answers} answers: {_text_of(error)}")


def _text_of(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
