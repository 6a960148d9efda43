"""Traces, received by a collector that decodes what really arrives."""

import gzip
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from service.observability.tracing import is_wanted
from tests.service.builders import make_card, make_registry, running_service
from tests.service.living import wait_until
from tests.service.process import ROOT, service_process

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    """An OTLP receiver over HTTP, which keeps the spans that it gets."""

    def __init__(self) -> None:
        self.resources: list[dict[str, str]] = []
        self.spans: list[Any] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.path == "/v1/traces"
                for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    collector.resources.append(texts(of_resource.resource.attributes))
                    for of_scope in of_resource.scope_spans:
                        collector.spans.extend(of_scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans if span.name == name]


def texts(attributes: Any) -> dict[str, str]:
    return {entry.key: entry.value.string_value or str(entry.value.int_value) for entry in attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever)
    thread.start()
    yield collector
    collector.server.shutdown()
    thread.join()
    collector.server.server_close()


def test_a_request_is_a_span_below_the_clients_and_its_phases_are_below_it(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    before = time.time_ns()
    with running_service(make_registry(tmp_path)) as service:
        assert service.client.get("/model_status").json()["service"]["is_traced"] is True
        parent = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-ID": "six"}
        assert service.predict(make_card(), headers=parent).status_code == 200
        wait_until(lambda: collector.named("POST /predict"))
        (span,) = collector.named("POST /predict")
        assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
        assert span.kind == span.SPAN_KIND_SERVER
        assert before < span.start_time_unix_nano < span.end_time_unix_nano < time.time_ns()
        found = texts(span.attributes)
        assert found["http.request.method"] == "POST"
        assert found["http.route"] == "/predict"
        assert found["http.response.status_code"] == "200"
        assert found["greyhound.request_id"] == "six"
        assert found["greyhound.model_version"] == "1"
        phases = [one for one in collector.spans if one.parent_span_id == span.span_id]
        assert {phase.name for phase in phases} >= {"parse", "write"}
        for phase in phases:
            assert phase.trace_id == span.trace_id
            assert span.start_time_unix_nano <= phase.start_time_unix_nano <= phase.end_time_unix_nano
            assert phase.end_time_unix_nano <= span.end_time_unix_nano
        assert {resource["service.name"] for resource in collector.resources} == {"greyhound"}

        unsampled = {"traceparent": f"00-{TRACE[::-1]}-{PARENT}-00"}
        service.client.get("/models/1?key=swordfish", headers=unsampled)
        service.client.get("/models/77?key=swordfish", headers={"traceparent": "nonsense"})
        wait_until(lambda: collector.named("GET /models/{version}"))
        (span,) = collector.named("GET /models/{version}")  # the other was not to be sampled
        assert texts(span.attributes)["http.response.status_code"] == "404"
        assert span.parent_span_id == b""
        assert "swordfish" not in str(collector.spans)


def test_what_is_left_is_sent_when_the_service_stops(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector.url}/v1/traces")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    with running_service(make_registry(tmp_path)) as service:
        service.client.get("/health/live")
        assert collector.spans == []
    assert collector.named("GET /health/live")


def test_a_collector_that_is_away_holds_up_neither_requests_nor_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3600")
    with service_process(make_registry(tmp_path), tmp_path / "service") as service:
        for _ in range(20):
            assert service.predict(make_card()).status_code == 200
        assert service.stop() == 0, "an export has an hour here, and is tried again"


def test_nothing_of_the_sdk_is_imported_while_traces_are_off(tmp_path: Path) -> None:
    code = """
import sys
from service.app import create_app
from service.settings import ServiceSettings
import service.observability.tracing as tracing
before = {name for name in sys.modules if name.startswith("opentelemetry")}
one = tracing.Tracing()
one.start()
assert not one.is_on
assert {name for name in sys.modules if name.startswith("opentelemetry")} == before
assert not any(name.startswith("opentelemetry.exporter") for name in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_traces_that_are_wanted_without_the_extra_give_a_warning_and_stop_nothing(tmp_path: Path) -> None:
    code = """
import os, sys
class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("opentelemetry.exporter"):
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, NotInstalled())
os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
from service.observability.tracing import Tracing
tracing = Tracing()
tracing.start()
assert not tracing.is_on
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert "pip install greyhound[tracing]" in done.stderr


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "races"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_the_standard_variables_turn_traces_on_and_off(environment: dict[str, str], wanted: bool) -> None:
    assert is_wanted(environment) is wanted
