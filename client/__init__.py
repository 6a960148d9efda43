"""A typed client of the service, over httpx; it knows the service by its OpenAPI document alone.

::

    from client import GreyhoundClient, Refused

    with GreyhoundClient("http://localhost:8000") as greyhound:
        answer = greyhound.predict({"date": "2026-03-14", "track": "Sandown Park", ...})
"""

from client.awaiting import AsyncGreyhoundClient
from client.blocking import GreyhoundClient
from client.calling import Call, Patience
from client.errors import (
    Conflict,
    Failed,
    Forbidden,
    GreyhoundError,
    NotFound,
    NotReady,
    Problem,
    RateLimited,
    Refused,
    TimedOut,
    Unauthorised,
    Unavailable,
    Unreachable,
    Unreadable,
)

__all__ = [
    "AsyncGreyhoundClient",
    "Call",
    "Conflict",
    "Failed",
    "Forbidden",
    "GreyhoundClient",
    "GreyhoundError",
    "NotFound",
    "NotReady",
    "Patience",
    "Problem",
    "RateLimited",
    "Refused",
    "TimedOut",
    "Unauthorised",
    "Unavailable",
    "Unreachable",
    "Unreadable",
]
