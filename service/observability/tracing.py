"""OpenTelemetry traces, where the standard variables ask for them: a span a request, its stages below it.

Spans are made when the answer is out, from the times that were noted anyway: a request pays for them only
while tracing is on, and nothing of OpenTelemetry's SDK is imported while it is off.
"""

import logging
import os
import threading
import time
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from service.observability.stages import StageTimer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

log = logging.getLogger("greyhound.service")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_GOODBYE_S = 0.8
_HEADERS = (b"traceparent", b"tracestate")


def is_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the environment names a collector for traces, and does not turn them off."""
    return (
        any(environment.get(name) for name in _ENDPOINTS)
        and environment.get("OTEL_SDK_DISABLED", "").lower() != "true"
        and environment.get("OTEL_TRACES_EXPORTER", "otlp") == "otlp"
    )


class Tracing:
    """Traces of one service, off until :meth:`start` finds that they are wanted."""

    def __init__(self) -> None:
        self.is_on = False
        self._provider: TracerProvider | None = None

    def start(self) -> None:
        """Begin, if the environment asks for it."""
        if not is_wanted():
            return
        try:
            self._provider = _provider()
        except ImportError as error:
            log.warning(
                "%s asks for traces, but there is no %s: pip install greyhound[tracing]",
                _endpoint_variable(),
                error.name,
            )
            return
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._trace = trace
        self._extract = TraceContextTextMapPropagator().extract
        self._tracer = self._provider.get_tracer("greyhound")
        self.is_on = True
        log.info("traces go to %s", os.environ[_endpoint_variable()])

    def stop(self) -> None:
        """Send what is left, but wait for the collector less than a second. Blocking."""
        if self._provider is None:
            return
        self.is_on = False
        sending = threading.Thread(target=self._provider.shutdown, name="last-traces", daemon=True)
        sending.start()
        sending.join(_GOODBYE_S)

    def record(
        self, scope: Scope, route: str, status: int, started: float, ended: float, clock: StageTimer | None
    ) -> str:
        """Make the spans of a request that is done, and return its trace's id.

        Times are those of :func:`time.perf_counter`. A W3C ``traceparent`` of the client is the parent,
        and its sampling decision holds.
        """
        behind_ns = time.time_ns() - int(perf_counter() * 1e9)
        sent = {key.decode(): value.decode("latin-1") for key, value in scope["headers"] if key in _HEADERS}
        span = self._tracer.start_span(
            f"{scope['method']} {route}",
            context=self._extract(sent),
            kind=self._trace.SpanKind.SERVER,
            attributes=_attributes(scope, route, status),
            start_time=behind_ns + int(started * 1e9),
        )
        if span.is_recording():
            if status >= 500:
                span.set_status(self._trace.StatusCode.ERROR)
            if clock is not None:
                self._record_stages(span, clock, behind_ns)
        span.end(behind_ns + int(ended * 1e9))
        return f"{span.get_span_context().trace_id:032x}"

    def _record_stages(self, span: Any, clock: StageTimer, behind_ns: int) -> None:
        within = self._trace.set_span_in_context(span)
        before = clock.started
        for stage, ended in clock.marks:
            if stage:
                child = self._tracer.start_span(stage, within, start_time=behind_ns + int(before * 1e9))
                child.end(behind_ns + int(ended * 1e9))
            before = ended


def _provider() -> "TracerProvider":
    """Return a provider of our own: MLflow and FastAPI have theirs."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    provider = TracerProvider(
        resource=Resource.create({} if named else {"service.name": "greyhound"}), shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _attributes(scope: Scope, route: str, status: int) -> dict[str, Any]:
    """Return a span's attributes, by OpenTelemetry's conventions for HTTP servers; no query string."""
    client = scope.get("client")
    attributes: dict[str, Any] = {
        "http.request.method": scope["method"],
        "http.route": route,
        "url.path": scope["path"],
        "url.scheme": scope.get("scheme", "http"),
        "http.response.status_code": status,
        "greyhound.request_id": scope.get("request_id", ""),
    }
    if client:
        attributes["client.address"] = client[0]
    if "model_version" in scope:
        attributes["greyhound.model_version"] = scope["model_version"]
    return attributes


def _endpoint_variable() -> str:
    return next(name for name in _ENDPOINTS if os.environ.get(name))
