"""Every request is counted, timed, logged in one line, and traced where that is on."""

import logging
import sys
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.observability.logs import REQUESTS, RequestRecord
from service.observability.metrics import Metrics
from service.observability.stages import timer_of
from service.observability.tracing import Tracing

OTHER = "other"
STREAMED = "greyhound.streamed"
"""In the scope of a request whose answer has no end: it is counted when it begins."""
_GONE = 499  # as nginx has it: the client left before there was an answer
_MAX_TEMPLATES = 100
log = logging.getLogger(REQUESTS)


class RequestMetricsMiddleware:
    """Pure ASGI, outermost. It reads what others leave in the scope: ``route``, ``request_id``,
    ``model_version`` and the clock of :mod:`service.observability.stages`.

    The route is the template (``/models/{version}``), so that nobody fills the metrics with addresses of his
    own; where none fits it is ``other``. A request that is turned away before it is routed goes by its
    address, if that has been seen to be a route.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, tracing: Tracing) -> None:
        self._app = app
        self._metrics = metrics
        self._tracing = tracing
        self._templates: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and record its outcome."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, is_counted = 0, False

        async def noted(message: Message) -> None:
            nonlocal status, is_counted
            if message["type"] == "http.response.start":
                status = message["status"]
                if STREAMED in scope:  # its answer has no end, so it is none in flight
                    is_counted = True
                    self._metrics.n_in_flight -= 1
                    self._record(scope, status, started, perf_counter())
            await send(message)

        self._metrics.n_in_flight += 1
        started = perf_counter()
        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            error._is_logged = True  # type: ignore[attr-defined]
            status = 500
            raise
        finally:
            if not is_counted:
                self._metrics.n_in_flight -= 1
                self._record(scope, status or _GONE, started, perf_counter())

    def _record(self, scope: Scope, status: int, started: float, ended: float) -> None:
        route = self._route(scope)
        self._metrics.count_request(route, status, ended - started)
        clock = timer_of(scope)
        if clock is not None:
            self._metrics.count_stages(clock.seconds())
        trace_id = None
        if self._tracing.is_on:
            trace_id = self._tracing.record(scope, route, status, started, ended, clock)
        level = _level(status)
        if log.isEnabledFor(level):
            fields = _fields(scope, route, status, (ended - started) * 1000, trace_id)
            arguments = (fields["method"], fields["path"], status)
            error = sys.exc_info() if status == 500 else None
            log.handle(RequestRecord(level, "%s %s %s", arguments, fields, error))

    def _route(self, scope: Scope) -> str:
        route = scope.get("route")
        path: str = scope["path"]
        if route is None:
            return self._templates.get(path, OTHER)
        template: str = route.path
        if path not in self._templates and path.endswith(template) and len(self._templates) < _MAX_TEMPLATES:
            self._templates[path] = template  # a template without parameters, perhaps below a root path
        return template


def _level(status: int) -> int:
    if status < 500:
        return logging.INFO
    return logging.WARNING if status == 503 else logging.ERROR  # 503 passes by itself


def _fields(
    scope: Scope, route: str, status: int, duration_ms: float, trace_id: str | None
) -> dict[str, Any]:
    """Return the fields of a request's line: never its query, its body or its headers."""
    client = scope.get("client")
    fields: dict[str, Any] = {
        "request_id": scope.get("request_id", ""),
        "method": scope["method"],
        "route": route,
        "path": scope["path"],
        "status": status,
        "duration_ms": round(duration_ms, 3),
        "client": client[0] if client else "",
    }
    version = scope.get("model_version")
    if version is not None:
        fields["model_version"] = version
    if trace_id is not None:
        fields["trace_id"] = trace_id
    return fields
