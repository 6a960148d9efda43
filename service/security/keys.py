"""What a route says to be behind a key: ``by: Annotated[Key, needs("promote")]``."""

from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from service.security.api_key_auth import HEADER
from service.security.stored_keys import SCOPES, Key

__all__ = ["SCOPES", "Key", "needs"]

_MADE = "made by `greyhound keys add NAME --scope SCOPE`"
# They only describe: the guard reads the headers itself.
_BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description=f"An API key, {_MADE}.")
_OWN_HEADER = APIKeyHeader(
    name=HEADER, auto_error=False, scheme_name="api_key", description=f"An API key, {_MADE}."
)


def needs(scope: str) -> Any:
    """Return a dependency that gives the key that asks, and lets nobody in whose key lacks the scope.

    The route's ``responses`` should document 401, 403, 429 and 503, see :data:`KEY_PROBLEMS`.
    """
    if scope not in SCOPES:
        raise ValueError(f"a scope is one of {', '.join(SCOPES)}, got {scope!r}")

    async def key_with_scope(
        request: Request,
        _bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
        _own_header: Annotated[str | None, Security(_OWN_HEADER)],
    ) -> Key:
        key: Key = request.app.state.service.api_key_auth.admit(request.scope, scope)
        return key

    return Depends(key_with_scope)


KEY_PROBLEMS = (401, 403, 429, 503)
