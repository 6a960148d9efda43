"""A typed client of the service, over httpx; made from its OpenAPI document alone.

::

    from greyhound_client import GreyhoundClient, Refused

    with GreyhoundClient("http://localhost:8000") as greyhound:
        answer = greyhound.predict({"date": "2026-03-14", "track": "Sandown Park", ...})
"""

import warnings
from typing import Any

from greyhound_client.async_client import AsyncGreyhoundClient
from greyhound_client.client import GreyhoundClient
from greyhound_client.errors import (
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
from greyhound_client.events import Event
from greyhound_client.transport import Call, RetryPolicy

__all__ = [
    "AsyncGreyhoundClient",
    "Call",
    "Conflict",
    "Event",
    "Failed",
    "Forbidden",
    "GreyhoundClient",
    "GreyhoundError",
    "NotFound",
    "NotReady",
    "Problem",
    "RateLimited",
    "Refused",
    "RetryPolicy",
    "TimedOut",
    "Unauthorised",
    "Unavailable",
    "Unreachable",
    "Unreadable",
]


def __getattr__(name: str) -> Any:
    if name == "Patience":
        warnings.warn("greyhound_client.Patience is now RetryPolicy", DeprecationWarning, stacklevel=2)
        return RetryPolicy
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
