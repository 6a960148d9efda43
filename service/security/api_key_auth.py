"""Who may do what: a request's key is checked, the scope it needs compared, and failed tries are limited."""

from starlette.types import Scope

from service.errors import KeyMissing, KeyRefused, KeysUnknown, RateLimited, ScopeMissing
from service.observability.metrics import Metrics
from service.security.api_key_cache import ApiKeyCache
from service.security.client import client_of
from service.security.rate_limiter import RateLimiter
from service.security.stored_keys import Key
from service.settings import ServiceSettings

HEADER = "X-API-Key"


class ApiKeyAuth:
    """Lets requests in by their keys."""

    def __init__(self, settings: ServiceSettings, keyring: ApiKeyCache, metrics: Metrics) -> None:
        self._keyring = keyring
        per_minute = settings.failed_keys_per_minute
        self._failed = RateLimiter(per_minute / 60, per_minute)
        self._failures = metrics.key_failures

    def admit(self, request: Scope, needed: str | None) -> Key:
        """Return the key of a request, which must allow what the request needs; None needs any key.

        Raises
        ------
        KeyMissing, KeyRefused, KeysUnknown, ScopeMissing
            As their names say.
        RateLimited
            If the client's address tried too many keys that are none. A key that is right is let in all the
            same: its secret of 256 bits is not to be guessed, and nobody can lock its owner out.
        """
        text = key_text(dict(request["headers"]))
        if not text:
            self._failures.labels("missing").inc()
            raise KeyMissing(f"send an API key, as `Authorization: Bearer KEY` or `{HEADER}: KEY`")
        try:
            key = self._keyring.check(text)
        except KeyRefused:
            wait_s = self._failed.take(client_of(request))
            self._failures.labels("limited" if wait_s else "refused").inc()
            if wait_s:
                rule = "too many keys that are none were tried from this address"
                raise RateLimited(f"{rule}; try again in {wait_s} s", wait_s) from None
            raise
        if needed is not None and needed not in key.scopes:
            self._failures.labels("scope").inc()
            raise ScopeMissing(f"this needs a key with the scope `{needed}`; this key has {_listed(key)}")
        return key

    def find(self, headers: dict[bytes, bytes]) -> Key | None:
        """Return the key that headers bring, if it is right."""
        text = key_text(headers)
        try:
            return self._keyring.check(text) if text else None
        except (KeyRefused, KeysUnknown):
            return None


def key_text(headers: dict[bytes, bytes]) -> str:
    """Return the text of the key that a request brings, empty if none."""
    kind, _, text = headers.get(b"authorization", b"").partition(b" ")
    if kind.lower() != b"bearer":
        text = headers.get(b"x-api-key", b"")
    return text.strip().decode("latin-1")


def _listed(key: Key) -> str:
    return ", ".join(f"`{scope}`" for scope in sorted(key.scopes))
