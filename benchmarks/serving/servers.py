"""What is measured: the service, and a bare FastAPI echo, each as a process of its own on uvicorn."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI, Request, Response

from service.settings import ServiceSettings
from tests.ports import free_port
from tests.service.builders import address, empty_registry, make_model
from tests.service.process import ServiceProcess, end, service_process, start

N_VERSIONS = 2
START_S = 60.0
_ECHO = "import sys, uvicorn; uvicorn.main(sys.argv[1:])"


def echo() -> FastAPI:
    """Return the app that everything is compared with."""
    app = FastAPI()

    @app.post("/predict")
    async def answer(request: Request) -> Response:
        return Response(await request.body(), media_type="application/json")

    return app


@contextmanager
def echo_process(folder: Path) -> Iterator[str]:
    """Give the address of an echo that answers."""
    port = free_port()
    options = ["--factory", "benchmarks.serving.servers:echo", "--no-access-log", "--port", str(port)]
    process = start("", folder, options, code=_ECHO, imported=None)
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + START_S
    try:
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the echo does not start:\n{(folder / 'stderr.txt').read_text()[-2000:]}")
            time.sleep(0.01)
        yield url
    finally:
        end(process)


@contextmanager
def measured_service(
    registry: str, folder: Path, database: Path, **changes: str
) -> Iterator[tuple[ServiceProcess, float]]:
    """Give the service as people run it, and the seconds from its start until it was ready.

    It has answered no card by then: /health/ready was requested, and nothing else.
    """
    settings = {"database": f"sqlite:///{database}", "log_format": "json"}
    for name in ("champion_poll_s", "retry_s"):  # the tests' are shorter
        settings[name] = str(ServiceSettings.model_fields[name].default)
    began = time.perf_counter()
    with ExitStack() as stack:
        try:
            service = stack.enter_context(
                service_process(registry, folder, imported=None, **settings | changes)
            )
        except AssertionError as error:
            log = (folder / "stderr.txt").read_text()[-2000:]
            raise SystemExit(f"the service does not start:\n{log}") from error
        yield service, time.perf_counter() - began


def make_registry(folder: Path, artifact: Path | None) -> str:
    """Return a registry with an artifact in it, twice, so that the champion can change; the first is it."""
    registry = empty_registry(folder)
    for number in range(N_VERSIONS):
        directory = artifact or folder / f"model-{number}"
        if artifact is None:
            make_model(directory, exponent=1.0 + number)
        registry.register(directory)
    registry.promote(1, reason="a benchmark", by="benchmark", forced=True)
    return address(folder)


def _answers(url: str) -> bool:
    try:
        return httpx.post(f"{url}/predict", content=b"{}").status_code == 200
    except httpx.TransportError:
        return False
