"""What every request passes before it is routed: request id, rate limit, API key, body limit, headers."""

import os
import re
from contextlib import suppress

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import BodyTooLarge, RateLimited, ServiceError
from service.observability.metrics import Metrics
from service.problems import problem_response
from service.security.api_key_auth import HEADER as KEY_HEADER
from service.security.api_key_auth import ApiKeyAuth
from service.security.client_address import TrustedProxies, client_of
from service.security.rate_limiter import RateLimiter
from service.settings import ServiceSettings

HEADER = "X-Request-ID"
_HEADER = HEADER.lower().encode()
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_HEALTH = ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready", "/ping")
_BATCH = "/predict/batch"
_SIGNED = "/webhooks/"  # their senders have no keys of ours; they sign the body

Headers = tuple[tuple[bytes, bytes], ...]
_PAGES, _ASSETS = ("/docs", "/redoc", "/report"), "/docs/assets/"
_PAGES_AND_ASSETS = (*_PAGES, ".js", ".css", ".svg")
_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_ALWAYS: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


def add_security(app: FastAPI, settings: ServiceSettings, auth: ApiKeyAuth, metrics: Metrics) -> None:
    """Add the middleware of this package to an app; what is added last runs first."""
    app.state.api_key_auth = auth
    app.add_middleware(SecurityMiddleware, settings=settings, auth=auth, metrics=metrics)
    if settings.cors_origins:  # outside of SecurityMiddleware, so that pages can read its refusals too
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "HEAD", "POST"),
            allow_headers=("Authorization", "Content-Encoding", "Last-Event-ID", KEY_HEADER, HEADER),
            expose_headers=(HEADER, "Retry-After"),
        )
    if settings.trusted_proxies:
        app.add_middleware(TrustedProxies, networks=settings.trusted_proxies)


class SecurityMiddleware:
    """Pure ASGI; by default it costs a request some dictionary look-ups, and no task of its own."""

    def __init__(
        self, app: ASGIApp, *, settings: ServiceSettings, auth: ApiKeyAuth, metrics: Metrics
    ) -> None:
        self._app = app
        self._auth = auth
        self._root_path = settings.root_path
        self._max_body_bytes = settings.max_body_bytes
        self._max_batch_bytes = settings.max_batch_bytes
        self._is_all_behind_keys = settings.protect == "everything"
        self._headers = _response_headers(settings)
        self._rate = RateLimiter(settings.rate_per_s, settings.rate_burst) if settings.rate_per_s else None
        self._n_limited = metrics.rate_limited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        sent = headers.get(_HEADER, b"")
        request_id = sent.decode() if _ID.fullmatch(sent) else os.urandom(16).hex()
        scope["request_id"] = request_id
        path: str = scope["path"]
        if path.endswith("/") or path == self._root_path:
            path = scope["path"] = _without_last_slash(path, self._root_path)
        if self._root_path:
            scope["root_path"] = self._root_path
        added = self._headers
        if path.endswith(_PAGES_AND_ASSETS):
            added = _headers_of_page_or_asset(path, added)
        header = (_HEADER, request_id.encode())

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header, *added]
            await send(message)

        limit = self._max_batch_bytes if path.endswith(_BATCH) else self._max_body_bytes
        try:
            self._check(scope, headers, limit)
        except ServiceError as error:
            await problem_response(error, request_id)(scope, receive, send_with_headers)
            return
        with suppress(ClientDisconnect):  # gone before the body was whole: nobody to answer
            await self._app(scope, _limited(receive, limit), send_with_headers)

    def _check(self, scope: Scope, headers: dict[bytes, bytes], limit: int) -> None:
        """Refuse a request before anything of its body is read."""
        if self._rate is not None or self._is_all_behind_keys:
            path = self._route_path(scope["path"])
            if path not in _HEALTH:  # requested by what would restart us
                if self._rate is not None:
                    self._check_rate(self._rate, scope, headers)
                if self._is_all_behind_keys and not path.startswith(_SIGNED):
                    self._check_key(scope, path)
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > limit:
            raise _too_large(limit)

    def _check_rate(self, rate: RateLimiter, scope: Scope, headers: dict[bytes, bytes]) -> None:
        key = self._auth.identify(headers)
        wait_s = rate.take(key.id if key else client_of(scope))
        if wait_s:
            self._n_limited.inc()
            raise RateLimited(f"this client asks too often; ask again in {wait_s} s", wait_s)

    def _check_key(self, scope: Scope, path: str) -> None:
        """Refuse a request without a key; a route that changes something requires its scope itself."""
        if path == "/predict" or path.startswith("/predict/"):
            self._auth.authorize(scope, "predict")
        else:
            self._auth.authorize(scope, "read" if scope["method"] in ("GET", "HEAD") else None)

    def _route_path(self, path: str) -> str:
        """Return the path below the root path, as Starlette's router matches it."""
        root = self._root_path
        return path[len(root) :] if root and path.startswith(f"{root}/") else path


def _without_last_slash(path: str, root_path: str) -> str:
    """Return the path of the route: `/predict/` is answered as `/predict`, not by a redirect.

    A redirect would need the host and prefix that the client used, and many clients lose their body.
    """
    path = path.rstrip("/")
    return path if path not in ("", root_path) else f"{path}/"


def _limited(receive: Receive, limit: int) -> Receive:
    """Return a receiver that counts what arrives, for bodies without a Content-Length."""
    n_bytes = 0

    async def counted() -> Message:
        nonlocal n_bytes
        message = await receive()
        n_bytes += len(message.get("body", b""))
        if n_bytes > limit:
            raise _too_large(limit)
        return message

    return counted


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"a body has at most {limit} bytes; this one has more")


def _response_headers(settings: ServiceSettings) -> Headers:
    """Return the headers of every answer but those of pages and of their assets."""
    hsts = (b"strict-transport-security", b"max-age=%d; includeSubDomains" % settings.hsts_s)
    always = (*_ALWAYS, hsts) if settings.hsts_s else _ALWAYS
    return (*always, _POLICY)


def _headers_of_page_or_asset(path: str, usual: Headers) -> Headers:
    """Return the headers of a page, which brings its own policy, or of an asset, which may be cached."""
    if path.endswith(_PAGES):
        return tuple(header for header in usual if header != _POLICY)
    if _ASSETS in path:
        return tuple(header for header in usual if header[0] != b"cache-control")
    return usual
