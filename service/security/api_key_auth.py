"""Checks of API keys: :func:`require_scope` for a route, :class:`ApiKeyAuth` for the whole service."""

from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from starlette.types import Scope

from service.errors import KeyMissing, KeyRefused, KeysUnknown, RateLimited, ScopeMissing
from service.observability.metrics import Metrics
from service.security.api_key_cache import ApiKeyCache
from service.security.api_keys import SCOPES, Key
from service.security.client_address import client_of
from service.security.rate_limiter import RateLimiter
from service.settings import ServiceSettings

HEADER = "X-API-Key"
KEY_PROBLEMS = (401, 403, 429, 503)
"""Statuses that a route with :func:`require_scope` documents."""

_ISSUED = "made by `greyhound keys add NAME --scope SCOPE`"
# For the OpenAPI document only: ApiKeyAuth reads the headers itself.
_BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description=f"An API key, {_ISSUED}.")
_OWN_HEADER = APIKeyHeader(
    name=HEADER, auto_error=False, scheme_name="api_key", description=f"An API key, {_ISSUED}."
)


def require_scope(scope: str) -> Any:
    """Return a dependency that gives the request's key, and refuses keys without the scope.

    ::

        async def promote(by: Annotated[Key, require_scope("promote")]) -> PromotionOut: ...
    """
    if scope not in SCOPES:
        raise ValueError(f"a scope is one of {', '.join(SCOPES)}, got {scope!r}")

    async def key_with_scope(
        request: Request,
        _bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
        _own_header: Annotated[str | None, Security(_OWN_HEADER)],
    ) -> Key:
        auth: ApiKeyAuth = request.app.state.api_key_auth
        return auth.authorize(request.scope, scope)

    return Depends(key_with_scope)


class ApiKeyAuth:
    """Authenticates requests by their keys, and limits how many invalid keys an address may try."""

    def __init__(self, settings: ServiceSettings, keys: ApiKeyCache, metrics: Metrics) -> None:
        self._keys = keys
        per_minute = settings.failed_keys_per_minute
        self._failed = RateLimiter(per_minute / 60, per_minute)
        self._failures = metrics.key_failures

    def authorize(self, request: Scope, scope: str | None) -> Key:
        """Return the key of a request, which must have the scope; None takes any valid key.

        Raises
        ------
        KeyMissing, KeyRefused, KeysUnknown, ScopeMissing
            As their names say.
        RateLimited
            If the client's address tried too many invalid keys. A valid key is accepted all the same: its
            secret of 256 bits cannot be guessed, and nobody can lock its owner out.
        """
        text = _key_text(dict(request["headers"]))
        if not text:
            self._failures.labels("missing").inc()
            raise KeyMissing(f"send an API key, as `Authorization: Bearer KEY` or `{HEADER}: KEY`")
        try:
            key = self._keys.check(text)
        except KeyRefused:
            wait_s = self._failed.take(client_of(request))
            self._failures.labels("limited" if wait_s else "refused").inc()
            if wait_s:
                rule = "too many keys that are none were tried from this address"
                raise RateLimited(f"{rule}; try again in {wait_s} s", wait_s) from None
            raise
        if scope is not None and scope not in key.scopes:
            self._failures.labels("scope").inc()
            raise ScopeMissing(f"this needs a key with the scope `{scope}`; this key has {_listed(key)}")
        return key

    def identify(self, headers: dict[bytes, bytes]) -> Key | None:
        """Return the key in the headers; None without one, or if it is not valid."""
        text = _key_text(headers)
        try:
            return self._keys.check(text) if text else None
        except (KeyRefused, KeysUnknown):
            return None


def _key_text(headers: dict[bytes, bytes]) -> str:
    """Return the text of the key in the headers, empty without one."""
    kind, _, text = headers.get(b"authorization", b"").partition(b" ")
    if kind.lower() != b"bearer":
        text = headers.get(b"x-api-key", b"")
    return text.strip().decode("latin-1")


def _listed(key: Key) -> str:
    return ", ".join(f"`{scope}`" for scope in sorted(key.scopes))
