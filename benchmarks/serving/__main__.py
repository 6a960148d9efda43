"""``/predict`` beside a bare echo of the same body, interleaved: ``python -m benchmarks.serving``."""

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

N_REQUESTS, N_ROUNDS = 300, 3


def main() -> None:
    """Print p50 of both, in ms, and their ratio, with one client."""
    echo_app = FastAPI()

    @echo_app.post("/predict")
    async def echo(request: Request) -> Response:
        return Response(await request.body(), media_type="application/json")

    form = [make_past_run(date=f"2026-02-{day:02d}") for day in range(1, 7)]
    card = make_card(8, runners=[make_runner(box, form=form) for box in range(1, 9)])
    listening = open_socket("127.0.0.1", 0)
    echo_server = uvicorn.Server(uvicorn.Config(echo_app, log_level="error", access_log=False))
    threading.Thread(target=echo_server.run, kwargs={"sockets": [listening]}, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder, running_service(make_registry(Path(folder))) as service:
        urls = {"echo": f"http://127.0.0.1:{listening.getsockname()[1]}", "predict": service.url}
        times_ms: dict[str, list[float]] = {name: [] for name in urls}
        for _ in range(N_ROUNDS):
            for name, url in urls.items():
                times_ms[name] += _ask(url, card)
        p50 = {name: statistics.median(times) for name, times in times_ms.items()}
        ratio = p50["predict"] / p50["echo"]
        print(f"p50 echo {p50['echo']:.2f} ms, predict {p50['predict']:.2f} ms, ratio {ratio:.1f}")
    echo_server.should_exit = True


def _ask(url: str, card: dict[str, object]) -> list[float]:
    times_ms = []
    with httpx.Client(base_url=url) as client:
        for _ in range(N_REQUESTS):
            start = time.perf_counter()
            assert client.post("/predict", json=card).status_code == 200
            times_ms.append(1000 * (time.perf_counter() - start))
    return times_ms


if __name__ == "__main__":
    main()
