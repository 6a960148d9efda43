"""What every request passes first: it gets an id, and a body that is too long is turned away unread."""

import os
import re
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import BodyTooLarge
from service.problems import problem_response

HEADER = "X-Request-ID"
_HEADER = HEADER.lower().encode()
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class Door:
    """Pure ASGI: two dictionary look-ups a request, no task of its own."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        sent = headers.get(_HEADER, b"")
        request_id = sent.decode() if _ID.fullmatch(sent) else os.urandom(16).hex()
        scope["request_id"] = request_id
        header = (_HEADER, request_id.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > self._max_body_bytes:
            response = problem_response(self._too_large(), request_id)
            await response(scope, receive, send_with_id)
            return
        await self._app(scope, _limited(receive, self._max_body_bytes, self._too_large), send_with_id)

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"a body has at most {self._max_body_bytes} bytes; this one has more")


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
