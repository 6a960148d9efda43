"""Admission of requests: a body is read whole before its turn, and not at all when the line is full."""

import asyncio
import time
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import BodyTooSlow, ServiceError
from service.problems import problem_response
from service.server.body_budget import BodyBudget, Share
from service.server.gzip_bodies import gunzip_in_time, is_gzip
from service.server.request_queue import RequestQueue
from service.server.shutdown import ShutdownState
from service.settings import ServiceSettings
from service.thread_pools import ThreadPool

QUEUED = ("/predict", "/invocations")
"""Paths of work that is done in the event loop."""
QUEUED_END = "/infer"
"""How others of them end, which name a model before."""
PACED = ("/predict/batch",)
"""Paths with long bodies; such a body must arrive at the pace that the longest usual one needs."""
WHOLE_BODY = "greyhound.body"
"""Where in the scope of a paced request its body is, as it arrived: bytes or a bytearray."""
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


class Admission:
    """Pure ASGI, within SecurityMiddleware: it refuses before routing; an unfinished body gets no turn.

    Parameters
    ----------
    queue
        The queue for requests to :data:`QUEUED`.
    budget
        The bytes that all bodies hold together, until they are answered.
    unpacking
        The threads in which long bodies are unpacked.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: ServiceSettings,
        queue: RequestQueue,
        draining: ShutdownState,
        budget: BodyBudget,
        unpacking: ThreadPool,
    ) -> None:
        self._app = app
        self._settings = settings
        self._queue = queue
        self._draining = draining
        self._budget = budget
        self._unpacking = unpacking
        prefixes = ("", settings.root_path)
        self._queued = frozenset(prefix + path for prefix in prefixes for path in QUEUED)
        self._paced = frozenset(prefix + path for prefix in prefixes for path in PACED)
        self._s_per_byte = settings.body_timeout_s / settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope["type"] != "http" or scope["method"] in _BODILESS:
            await self._app(scope, receive, send)
        else:
            try:
                with Share(self._budget) as share:
                    await self._admit(scope, receive, send, share)
            except _Gone:
                return
            except ServiceError as error:
                await problem_response(error, scope.get("request_id"))(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive, send: Send, share: Share) -> None:
        settings = self._settings
        is_queued = scope["path"] in self._queued or scope["path"].endswith(QUEUED_END)
        queue = self._queue if is_queued else None
        # A connection that is about to be closed is read to its end first: closing it over unread bytes
        # would reset it, and the client might never see the answer.
        if queue and queue.is_full and not self._draining.is_closing:
            raise queue.refusal()
        is_paced, is_packed = scope["path"] in self._paced, is_gzip(scope["headers"])
        share.check(_declared(scope["headers"]))
        body = await self._whole_body(receive, share, is_paced=is_paced)
        if is_packed:
            at_most, n_packed = settings.max_batch_bytes if is_paced else settings.max_body_bytes, len(body)
            body = await gunzip_in_time(body, at_most, self._unpacking, hold=share.take)
            share.release(n_packed)
        if is_paced:
            scope[WHOLE_BODY], body = body, b""  # Starlette would copy it
        received = _once(bytes(body), receive)
        del body
        if queue is None:
            await self._app(scope, received, send)
            return
        await queue.enter()
        start = time.perf_counter()
        await self._app(scope, received, send)
        queue.note(time.perf_counter() - start)

    async def _whole_body(self, receive: Receive, share: Share, *, is_paced: bool) -> bytes | bytearray:
        loop, settings = asyncio.get_running_loop(), self._settings
        try:
            async with asyncio.timeout(settings.body_timeout_s) as limit:
                message = await receive()
                part = _part_of(message)
                share.take(len(part))
                if not message.get("more_body"):
                    return part
                body, due = bytearray(part), limit.when() or 0.0
                latest = due - settings.body_timeout_s + settings.batch_timeout_s
                while message.get("more_body"):
                    if is_paced:
                        due += len(part) * self._s_per_byte
                        silent_until = loop.time() + settings.body_timeout_s
                        limit.reschedule(min(due, silent_until, latest))  # fast bytes allow no long pause
                    message = await receive()
                    part = _part_of(message)
                    share.take(len(part))
                    body += part
        except TimeoutError as error:
            raise self._too_slow(is_paced) from error
        return body

    def _too_slow(self, is_paced: bool) -> BodyTooSlow:
        settings = self._settings
        if is_paced:
            pause_s = f"{settings.body_timeout_s:g} s"
            pace = f"{1 / self._s_per_byte:,.0f} bytes a second, and never pause for {pause_s}"
            in_all = f"within {settings.batch_timeout_s:g} s in all"
            return BodyTooSlow(f"a body must arrive at {pace}, {in_all}; this one did not")
        return BodyTooSlow(f"a body must arrive within {settings.body_timeout_s:g} s; this one did not")


def _declared(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Return the declared length of a body, 0 without one."""
    return next((int(value) for name, value in headers if name == b"content-length"), 0)


class _Gone(Exception):
    """The client has left in the middle of its body: there is nobody to answer."""


def _part_of(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise _Gone
    part: bytes = message.get("body", b"")
    return part


def _once(body: bytes, receive: Receive) -> Receive:
    """Return a receiver of a body that is there already."""
    is_read = False

    async def read() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return read
