"""The log lines of a real process, as a log collector receives them."""

import datetime as dt
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.observability.line_writer import LineWriter
from service.observability.logs import JsonFormatter, RequestRecord, TextFormatter, redact_passwords
from tests.service.builders import make_card, make_registry
from tests.service.observability.samples import samples, value
from tests.service.process import COMMAND, service_process

WITH_A_BROKEN_ROUTE = f"""
import service.serve
create_app = service.serve.create_app
def with_a_broken_route(settings):
    app = create_app(settings)
    @app.get("/broken/{{name}}")
    async def broken(name: str) -> None:
        raise ZeroDivisionError("postgresql://me:hunter2@db/races is away")
    return app
service.serve.create_app = with_a_broken_route
{COMMAND}
"""
REQUEST_FIELDS = [
    "time",
    "level",
    "logger",
    "message",
    "request_id",
    "method",
    "route",
    "path",
    "status",
    "duration_ms",
    "client",
]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


def read(path: Path) -> list[dict[str, Any]]:
    """Parse every line; one that is no JSON object fails."""
    lines = path.read_text(encoding="ascii").splitlines()
    assert [line for line in lines if not line.startswith("{")] == []
    return [json.loads(line) for line in lines]


def test_every_line_is_json_and_every_request_has_one_without_its_query_body_or_headers(
    registry: str, tmp_path: Path
) -> None:
    with (
        service_process(registry, tmp_path, code=WITH_A_BROKEN_ROUTE) as service,
        httpx.Client(
            base_url=service.url, timeout=60, headers={"Authorization": "Bearer swordfish"}
        ) as client,
    ):
        client.post("/predict?explain=false&key=swordfish", json=make_card(), headers={"X-Request-ID": "six"})
        client.post("/predict", json=make_card() | {"track": "swordfish", "swordfish": 1})
        client.get('/models/"quoted%0a%1b[31m\u2028')
        broken = client.get("/broken/it?key=swordfish")
        assert (broken.status_code, broken.headers["Content-Type"]) == (500, "application/problem+json")
        assert "ZeroDivision" not in broken.text
        assert "hunter2" not in broken.text
    lines = read(service.log)
    assert "swordfish" not in service.log.read_text()
    assert "hunter2" not in service.log.read_text()
    requests = [line for line in lines if line["logger"] == "greyhound.request" and line["status"] != 503]
    requests = [line for line in requests if not line["path"].startswith("/health")]
    first, refused, odd, failed = requests
    assert list(first) == [*REQUEST_FIELDS, "model_version"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"])
    age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(first["time"])
    assert dt.timedelta(0) < age < dt.timedelta(minutes=10)
    assert {name: first[name] for name in ("level", "message", "request_id", "method", "client")} == {
        "level": "info",
        "message": "POST /predict 200",
        "request_id": "six",
        "method": "POST",
        "client": "127.0.0.1",
    }
    assert (first["route"], first["path"], first["status"], first["model_version"]) == (
        "/predict",
        "/predict",
        200,
        1,
    )
    assert 0 < first["duration_ms"] < 20_000
    assert (refused["status"], "model_version" in refused) == (422, False)
    assert (odd["route"], odd["path"]) == ("/models/{version}", '/models/"quoted\n\x1b[31m\u2028')
    assert (failed["status"], failed["level"]) == (500, "error")
    assert failed["request_id"] == broken.headers["X-Request-ID"]
    assert "ZeroDivisionError: postgresql://me:***@db/races is away" in failed["trace"]
    assert [line["logger"] for line in lines if "trace" in line] == ["greyhound.request"]  # logged once
    assert any(line["logger"] == "greyhound.service" and "champion" in line["message"] for line in lines)


def test_a_standard_error_that_nobody_reads_stops_no_request_and_what_is_lost_is_counted(
    registry: str, tmp_path: Path
) -> None:
    long_id = "x" * 64
    reader, writer = os.pipe()
    try:
        with (
            os.fdopen(writer, "wb") as pipe,
            service_process(registry, tmp_path, output=pipe, log_format="json") as service,
            httpx.Client(base_url=service.url, timeout=60, headers={"X-Request-ID": long_id}) as client,
        ):
            for _ in range(400):  # some 300 bytes each: more than a pipe holds
                assert client.get("/health/live").status_code == 200
            service.stop()  # though its last lines go nowhere
    finally:
        os.close(reader)


def test_a_writer_without_a_reader_takes_no_more_than_its_limit_and_says_later_what_it_dropped() -> None:
    reader, fd = os.pipe()
    writer = LineWriter(fd, max_lines=100, on_dropped=lambda n: writer.put(f"{n} were dropped\n"))
    line = "y" * 999 + "\n"
    for _ in range(1000):
        writer.put(line)  # returns, though nobody reads
    assert not writer.flush(0.2)
    assert (
        1000 - 100 - 70 - 4 <= writer.n_dropped <= 900
    )  # a pipe holds 64 KiB, and four lines are on their way
    n_dropped, text = writer.n_dropped, b""
    while text.count(b"\n") < 1000 - n_dropped + 1:
        text += os.read(reader, 65536)
    lines = text.decode().splitlines()
    assert [line for line in lines if "dropped" in line] == [lines[-1]]
    assert str(n_dropped) in lines[-1]
    writer.close()
    os.close(reader)
    os.close(fd)


def test_the_level_silences_requests_but_not_failures(registry: str, tmp_path: Path) -> None:
    with service_process(registry, tmp_path, code=WITH_A_BROKEN_ROUTE, log_level="error") as service:
        httpx.get(f"{service.url}/health/live")
        httpx.get(f"{service.url}/broken/it")
        assert value(samples(service.url), "greyhound_log_lines_dropped_total") == 0
    assert [line["status"] for line in read(service.log)] == [500]


def test_text_is_one_line_a_request_whatever_its_path_holds() -> None:
    fields = {"request_id": "seven", "duration_ms": 0.412}
    arguments = ("GET", "/models/\nforged\x1b[31m", 404)
    line = TextFormatter().format(RequestRecord(logging.INFO, "%s %s %s", arguments, fields))
    expected = r"\d\d:\d\d:\d\d info    GET /models/\\nforged\\x1b\[31m 404  0.412 ms  seven\n"
    assert re.fullmatch(expected, line)


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_passwords_of_addresses_are_left_out(formatter: logging.Formatter) -> None:
    text = "postgresql+psycopg://me:pass@word@db:5432/races and http://u:p@host/ are away"
    record = logging.LogRecord("greyhound.service", logging.WARNING, "", 0, text, (), None)
    assert "postgresql+psycopg://me:***@" in formatter.format(record)
    assert "http://u:***@host/" in formatter.format(record)
    assert "pass" not in formatter.format(record)
    assert redact_passwords("no address") == "no address"


def test_a_request_whose_fields_are_not_ascii_is_still_one_line() -> None:
    fields = {"request_id": "a", "path": "/ü\n\ud800", "status": 200, "duration_ms": 0.1}
    line = JsonFormatter().format(RequestRecord(logging.INFO, "%s", ("x",), fields))
    assert line.count("\n") == 1
    assert line.isascii()
    assert json.loads(line)["path"] == fields["path"]


def test_a_trace_in_text_holds_nothing_that_steers_a_terminal() -> None:
    try:
        raise KeyError("\x1b[2J") from ValueError("SIR \x1b]0;owned\x07\x9b2J\u202e TICK")
    except KeyError:
        record = logging.LogRecord("a", logging.ERROR, "", 0, "it %s", ("\x1b\nfailed",), sys.exc_info())
    line = TextFormatter().format(record)
    assert "SIR \\x1b]0;owned\\x07\\x9b2J\\u202e TICK" in line
    assert line.replace("\n", "").isprintable()
    assert line.splitlines()[0].endswith("it \\x1b\\nfailed")


def test_a_failing_thread_and_a_failing_deletion_are_lines_with_their_trace(tmp_path: Path) -> None:
    code = """
import threading
from service.settings import ServiceSettings
from service.observability import logs
logs.configure(ServiceSettings(log_format="json"))
thread = threading.Thread(target=lambda: 1 / 0, name="reader")
thread.start()
thread.join()
import warnings
warnings.warn("this is old", DeprecationWarning)
class Undeletable:
    def __del__(self):
        1 / 0
Undeletable()
"""
    done = subprocess.run([sys.executable, "-W", "default", "-c", code], capture_output=True, check=True)
    failed, warned, ignored = (json.loads(line) for line in done.stderr.splitlines())
    assert failed["message"] == "the thread reader failed"
    assert "ZeroDivisionError" in failed["trace"]
    assert (warned["logger"], warned["level"]) == ("py.warnings", "warning")
    assert "Undeletable.__del__" in ignored["message"]
    assert "ZeroDivisionError" in ignored["trace"]
