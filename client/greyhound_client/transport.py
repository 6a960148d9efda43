"""What both clients share: a call, the policy by which it is tried again, and how it becomes a request."""

import base64
import copy
import os
import random
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar
from urllib.parse import unquote_to_bytes

import httpx
from pydantic import BaseModel, ValidationError

from greyhound_client.errors import Unreadable, problem_of, retry_after_s, unreachable

JSON = "application/json"
KEY_HEADER = "X-API-Key"
ID_HEADER = "X-Request-ID"
CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 30.0

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """One request to the service, and what its answer is read as."""

    method: str
    path: str
    answer: type[Answer]
    """A model of :mod:`greyhound_client.models`, or ``str`` for text."""
    query: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the address; those that are None are left out."""
    content: bytes | None = None
    content_type: str = JSON
    is_repeatable: bool = True
    """Whether twice is the same as once."""
    silence_s: float | None = None
    """Of a stream: seconds without a line after which it is dead; None leaves it to the client."""

    def read(self, response: httpx.Response) -> Answer:
        """Return the answer, typed.

        Raises
        ------
        greyhound_client.errors.Problem
            If the service says no.
        greyhound_client.errors.Unreadable
            If the answer has another shape than it should have.
        """
        if not response.is_success:
            raise problem_of(response)
        if issubclass(self.answer, BaseModel):
            try:
                return self.answer.model_validate_json(response.content)
            except ValidationError as error:
                request = f"{self.method} {response.url}"
                raise Unreadable(f"the answer to {request} is not that of this service: {error}") from error
        return self.answer(response.text)  # type: ignore[call-arg]


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and after how long, a call is tried again.

    What is safe to repeat is: after a 503 that says when (``Retry-After``), and after a connection
    that was refused or broke. Promotions and rollbacks are not, nor is what was not answered in time.
    """

    n_tries: int = 3
    max_wait_s: float = 5.0
    """Longest wait between two tries; a service that wants a longer one is not waited for."""
    first_wait_s: float = 0.1
    """After a broken connection; doubled each time."""

    def wait_s(
        self, n_tried: int, call: Call[Any], outcome: httpx.Response | httpx.TransportError
    ) -> float | None:
        """Return the seconds to wait before the next try, or None to leave it at that."""
        if not call.is_repeatable or n_tried >= self.n_tries:
            return None
        wanted: float | None = None
        if isinstance(outcome, httpx.Response):
            wanted = retry_after_s(outcome) if outcome.status_code == 503 else None
        elif isinstance(outcome, (httpx.NetworkError, httpx.RemoteProtocolError)):
            wanted = self.first_wait_s * 2 ** (n_tried - 1)
        if wanted is None or wanted > self.max_wait_s:
            return None
        return wanted * random.uniform(1.0, 1.25)  # so that clients refused together spread out


DEFAULT_RETRY_POLICY = RetryPolicy()


class BaseClient:
    """Where the service is, and the identity under which requests are sent."""

    def __init__(
        self,
        url: str,
        api_key: str | None,
        request_id: str | None,
        retry_policy: RetryPolicy,
        patience: RetryPolicy | None,
        *,
        owns_connections: bool,
    ) -> None:
        if patience is not None:
            warnings.warn("the argument patience is now retry_policy", DeprecationWarning, stacklevel=3)
        self.url, self._login = split_login(url.rstrip("/"))
        self.retry_policy = patience or retry_policy
        self._owns_connections = owns_connections
        self._api_key = _checked(api_key)
        self._request_id = request_id

    def using(self, *, api_key: str | None = None, request_id: str | None = None) -> Self:
        """Return this client under another API key or request id; it shares the connections of this one.

        What is left out stays as it is. It needs no closing.
        """
        other = copy.copy(self)
        other._owns_connections = False
        other._api_key = self._api_key if api_key is None else _checked(api_key)
        other._request_id = self._request_id if request_id is None else request_id
        return other

    def _request_of(self, call: Call[Any]) -> httpx.Request:
        """Return a call as a request; every try of it carries the same id."""
        headers = {"User-Agent": "greyhound-client", ID_HEADER: self._request_id or os.urandom(16).hex()}
        if self._api_key:
            headers[KEY_HEADER] = self._api_key
        if self._login:
            headers["Authorization"] = self._login
        if call.content is not None:
            headers["Content-Type"] = call.content_type
        query = {name: _as_text(value) for name, value in call.query.items() if value is not None}
        url, extensions = self.url + call.path, None
        if call.silence_s is not None:
            extensions = {"timeout": timeout_of(CONNECT_TIMEOUT_S, call.silence_s).as_dict()}
        return httpx.Request(
            call.method,
            url,
            params=query or None,
            content=call.content,
            headers=headers,
            extensions=extensions,
        )

    def _response_or_raise(self, outcome: httpx.Response | httpx.TransportError) -> httpx.Response:
        """Return the answer, or raise :class:`~greyhound_client.errors.Unreachable` if there is none."""
        if isinstance(outcome, httpx.TransportError):
            raise unreachable(self.url, outcome) from outcome
        return outcome


def split_login(url: str) -> tuple[str, str]:
    """Return an address without the name and password in it, and the header that carries them."""
    scheme, separator, rest = url.rpartition("://")
    place, slash, path = rest.partition("/")
    login, _, host = place.rpartition("@")
    if not login:
        return url, ""
    login = base64.b64encode(unquote_to_bytes(login)).decode()
    return f"{scheme}{separator}{host}{slash}{path}", f"Basic {login}"


def without_login(url: str) -> str:
    """Return an address without the name and password in it, to be shown."""
    return split_login(url)[0]


def timeout_of(connect_s: float, read_s: float) -> httpx.Timeout:
    """Return the time-outs of a connection; ``read_s`` holds for sending, and for each part of a stream."""
    return httpx.Timeout(read_s, connect=connect_s)


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _checked(api_key: str | None) -> str | None:
    if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
        raise ValueError("an API key has printable ASCII characters only; this one has others")
    return api_key
