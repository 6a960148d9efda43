"""``/predict`` beside a bare FastAPI echo of the same body: ``python -m benchmarks.serving``."""

import statistics
import tempfile
import threading
import time
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response

from service.server import open_socket
from tests.service.builders import make_card, make_past_run, make_registry, make_runner, running_service

N_REQUESTS, N_ROUNDS, N_CLIENTS, SECONDS = 200, 3, 8, 3.0


def main() -> None:
    """Print p50 with one client, requests a second with eight, the ratios, and the service's start."""
    form = [make_past_run(date=f"2026-02-{day:02d}") for day in range(1, 7)]
    card = make_card(8, runners=[make_runner(box, form=form) for box in range(1, 9)])
    listening = open_socket("127.0.0.1", 0)
    echo_server = uvicorn.Server(uvicorn.Config(_echo(), log_level="error", access_log=False))
    threading.Thread(target=echo_server.run, kwargs={"sockets": [listening]}, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        registry = make_registry(Path(folder))
        start = time.perf_counter()
        with running_service(registry) as service:
            print(f"start to first answer, modules imported: {time.perf_counter() - start:.2f} s")
            urls = {"echo": f"http://127.0.0.1:{listening.getsockname()[1]}", "predict": service.url}
            times_ms: dict[str, list[float]] = {name: [] for name in urls}
            for _ in range(N_ROUNDS):  # interleaved, so that a busy machine is busy for both
                for name, url in urls.items():
                    times_ms[name] += _ask(url, card)
            p50 = {name: statistics.median(times) for name, times in times_ms.items()}
            _print("p50, one client, ms", p50["echo"], p50["predict"], p50["predict"] / p50["echo"])
            rate = {name: _rate(url, card) for name, url in urls.items()}
            _print("requests/s, 8 clients", rate["echo"], rate["predict"], rate["echo"] / rate["predict"])
    echo_server.should_exit = True


def _echo() -> FastAPI:
    app = FastAPI()

    @app.post("/predict")
    async def echo(request: Request) -> Response:
        return Response(await request.body(), media_type="application/json")

    return app


def _ask(url: str, card: dict[str, object]) -> list[float]:
    times_ms = []
    with httpx.Client(base_url=url) as client:
        for _ in range(N_REQUESTS):
            start = time.perf_counter()
            assert client.post("/predict", json=card).status_code == 200
            times_ms.append(1000 * (time.perf_counter() - start))
    return times_ms


def _rate(url: str, card: dict[str, object]) -> float:
    counts = []
    end = time.perf_counter() + SECONDS

    def ask() -> None:
        n_answered = 0
        with httpx.Client(base_url=url) as client:
            while time.perf_counter() < end:
                assert client.post("/predict", json=card).status_code == 200
                n_answered += 1
        counts.append(n_answered)

    clients = [threading.Thread(target=ask) for _ in range(N_CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert len(counts) == N_CLIENTS, "a client failed"
    return sum(counts) / SECONDS


def _print(what: str, echo: float, predict: float, ratio: float) -> None:
    print(f"{what}: echo {echo:.1f}, predict {predict:.1f}, ratio {ratio:.1f}")


if __name__ == "__main__":
    main()
