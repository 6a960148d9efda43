"""The door itself, pure ASGI: an id, a look at who asks and how often, a limit for the body, the headers."""

import os
import re
from contextlib import suppress
from typing import Any

from starlette._utils import get_route_path
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import BodyTooLarge, RateLimited, ServiceError
from service.observability.metrics import Metrics
from service.problems import problem_response
from service.security.api_key_auth import ApiKeyAuth
from service.security.client import client_of
from service.security.headers import PAGES_AND_ASSETS, headers_of_answers, headers_of_page_or_asset
from service.security.rate_limiter import RateLimiter
from service.settings import ServiceSettings

HEADER = "X-Request-ID"
_HEADER = HEADER.lower().encode()
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_HEALTH = ("/health/live", "/health/ready")
_BATCH = "/predict/batch"
_SIGNED = "/webhooks/"  # whose senders know no keys of ours; they sign what they send


class Door:
    """What every request passes. By default that is some dictionary look-ups, and no task of its own."""

    def __init__(
        self, app: ASGIApp, *, settings: ServiceSettings, guard: ApiKeyAuth, metrics: Metrics
    ) -> None:
        self._app = app
        self._guard = guard
        self._root_path = settings.root_path
        self._max_body_bytes = settings.max_body_bytes
        self._max_batch_bytes = settings.max_batch_bytes
        self._is_all_behind_keys = settings.protect == "everything"
        self._headers = headers_of_answers(settings)
        self._rate = RateLimiter(settings.rate_per_s, settings.rate_burst) if settings.rate_per_s else None
        self._n_limited = metrics.rate_limited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        sent = headers.get(_HEADER, b"")
        request_id = sent.decode() if _ID.fullmatch(sent) else os.urandom(16).hex()
        scope["request_id"] = request_id
        path: str = scope["path"]
        if path.endswith("/") or path == self._root_path:
            scope["path"] = _without_last_slash(path, self._root_path)
        if self._root_path:
            scope["root_path"] = self._root_path
        ours = self._headers
        if scope["path"].endswith(PAGES_AND_ASSETS):
            ours = headers_of_page_or_asset(scope["path"], ours)
        header = (_HEADER, request_id.encode())

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header, *ours]
            await send(message)

        try:
            self._check(scope, headers)
        except ServiceError as error:
            await problem_response(error, request_id)(scope, receive, send_with_headers)
            return
        limit = self._limit(scope)
        received = _limited(receive, limit, lambda: self._too_large(limit))
        with suppress(ClientDisconnect):  # gone before the body was whole: nobody to tell
            await self._app(scope, received, send_with_headers)

    def _check(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Turn a request away before anything of it is read."""
        if self._rate is not None:
            self._check_rate(self._rate, scope, headers)
        if self._is_all_behind_keys:
            self._check_key(scope)
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > self._limit(scope):
            raise self._too_large(self._limit(scope))

    def _limit(self, scope: Scope) -> int:
        return self._max_batch_bytes if scope["path"].endswith(_BATCH) else self._max_body_bytes

    def _check_rate(self, rate: RateLimiter, scope: Scope, headers: dict[bytes, bytes]) -> None:
        if get_route_path(scope) in _HEALTH:  # asked by what would restart us
            return
        key = self._guard.find(headers)
        wait_s = rate.take(key.id if key else client_of(scope))
        if wait_s:
            self._n_limited.inc()
            raise RateLimited(f"this client asks too often; ask again in {wait_s} s", wait_s)

    def _check_key(self, scope: Scope) -> None:
        """Let in with a key only; what changes something says itself which scope that takes."""
        path: str = get_route_path(scope)
        if path in _HEALTH or path.startswith(_SIGNED):
            return
        if path == "/predict" or path.startswith("/predict/"):
            self._guard.admit(scope, "predict")
        else:
            self._guard.admit(scope, "read" if scope["method"] in ("GET", "HEAD") else None)

    def _too_large(self, limit: int) -> BodyTooLarge:
        return BodyTooLarge(f"a body has at most {limit} bytes; this one has more")


def _without_last_slash(path: str, root_path: str) -> str:
    """Return the path of the route: `/predict/` is answered as `/predict`, not by a redirect.

    A redirect would have to know by which name and prefix the client came, and many clients lose their body.
    """
    path = path.rstrip("/")
    return path if path not in ("", root_path) else f"{path}/"


def _limited(receive: Receive, limit: int, too_large: Any) -> Receive:
    """Count what arrives, for bodies that do not say their length."""
    n_bytes = 0

    async def counted() -> Message:
        nonlocal n_bytes
        message = await receive()
        n_bytes += len(message.get("body", b""))
        if n_bytes > limit:
            raise too_large()
        return message

    return counted
