"""Moves of the champion alias under full load: ``python -m benchmarks.serving.promotions``.

Two versions take turns as champion of a service process, half of the moves found by polling and half told by
signed webhooks, while clients ask as fast as they can. Printed are failed requests, answers that are of
neither version, how soon the first new answer came, and p99 near the moves beside p99 while nothing moves.
"""

import argparse
import http.client
import json
import statistics
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from service.following.signature import sign
from tests.service.builders import (
    address,
    empty_registry,
    make_card,
    make_model,
    make_past_run,
    make_runner,
)
from tests.service.replicas import service_process

SECRET = "a secret of the benchmark"
NEAR_S = 0.5  # what is near a move: from it until half a second later
POLL_S = 0.5
REST_S = 0.7  # between two moves, after the first new answer


@dataclass
class Load:
    """Clients that ask as fast as they can, or once an interval, and note every answer."""

    url: str
    card: dict[str, object]
    n_clients: int = 8
    interval_s: float = 0.0
    answers: list[tuple[float, float, int, int | None, int]] = field(default_factory=list)
    """Start, seconds, status, version, hash of the probabilities."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Load":
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(self.n_clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "a client hangs"

    def first_of(self, version: int, since: float, seconds: float = 10.0) -> float:
        """Wait for the first answer of a version that came after a moment, and return when it came."""
        n_seen, deadline = max(0, len(self.answers) - 100), time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            n = len(self.answers)
            for start, took, _, got, _ in self.answers[n_seen:n]:
                if got == version and start + took > since:
                    return start + took
            n_seen = n
            time.sleep(0.001)
        raise AssertionError(f"version {version} did not answer within {seconds} s")

    def _ask(self) -> None:
        body = json.dumps(self.card)
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
        while not self._stop.wait(self.interval_s) if self.interval_s else not self._stop.is_set():
            start = time.perf_counter()
            try:
                connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                content = response.read()
                took = time.perf_counter() - start
                version, shown = None, 0
                if response.status == 200:
                    answer = json.loads(content)
                    version = answer["model_version"]
                    shown = hash(tuple(runner["win_probability"] for runner in answer["runners"]))
                self.answers.append((start, took, response.status, version, shown))
            except (OSError, http.client.HTTPException):
                self.answers.append((start, time.perf_counter() - start, 0, None, 0))
                connection.close()


def send_webhook(client: httpx.Client, secret: str, **changes: str) -> httpx.Response:
    """Tell a service that an alias moved, as MLflow does."""
    body = json.dumps({"entity": "model_version_alias", "action": "created", "data": {}}).encode()
    delivery, sent_at = str(uuid.uuid4()), str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "X-MLflow-Delivery-Id": delivery,
        "X-MLflow-Timestamp": sent_at,
        "X-MLflow-Signature": sign(secret.encode(), delivery, sent_at, body),
    }
    return client.post("/webhooks/mlflow", content=body, headers=headers | changes)


def main() -> None:
    """Print the figures beside their targets."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--moves", type=int, default=50)
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--rate", type=float, default=0.0, help="requests/s of all clients; 0: full tilt")
    options.add_argument(
        "--artifacts", nargs=2, type=Path, help="two real artifacts in place of handmade ones"
    )
    chosen = options.parse_args()
    interval_s = chosen.clients / chosen.rate if chosen.rate else 0.0
    form = [make_past_run(date=f"2026-02-{day:02d}") for day in range(1, 7)]
    card = make_card(8, runners=[make_runner(box, form=form) for box in range(1, 9)])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        registry = empty_registry(folder)
        for number, exponent in enumerate((0.5, 2.0)):
            directory = chosen.artifacts[number] if chosen.artifacts else folder / f"model-{number}"
            if not chosen.artifacts:
                make_model(directory, exponent=exponent)
            registry.register(directory)
        registry.promote(1, reason="first")
        uri, move = address(folder), registry._store.client.set_registered_model_alias
        n = chosen.moves // 2
        for how, poll_s in (("polling", POLL_S), ("webhook", 60.0)):
            (folder / how).mkdir()
            point = {"champion_poll_s": str(poll_s), "webhook_secret": SECRET}
            with service_process(uri, folder / how, wait_for="/health/ready", **point) as service:
                load = Load(service.url, card, chosen.clients, interval_s)
                waits, moves = [], []
                with load:
                    time.sleep(1.0)
                    quiet_from = time.perf_counter()
                    time.sleep(max(5.0, n * NEAR_S))
                    quiet_to = time.perf_counter()
                    for i in range(n):
                        version = 2 - i % 2 if how == "polling" else 2 - (i + n) % 2
                        start = time.perf_counter()
                        move("greyhound-win", "champion", str(version))
                        moves.append(start)
                        if how == "webhook":
                            start = time.perf_counter()
                            send_webhook(service.client, SECRET).raise_for_status()
                        waits.append(load.first_of(version, start) - start)
                        time.sleep(REST_S)
                quiet = [a for a in load.answers if quiet_from <= a[0] < quiet_to]
                near = [
                    a
                    for a in load.answers
                    if any(
                        at - a[1] <= a[0] < at + NEAR_S + (poll_s if how == "polling" else 0) for at in moves
                    )
                ]
                _report(how, load, quiet, near, waits, poll_s)


def _report(how, load, quiet, near, waits, poll_s) -> None:  # type: ignore[no-untyped-def]
    failed = [a for a in load.answers if a[2] != 200]
    shown = {version: len({a[4] for a in load.answers if a[3] == version}) for version in (1, 2)}
    worst = 1000 * max(waits)
    limit = 300 + (1000 * poll_s if how == "polling" else 0)
    p = {
        name: [1000 * q for q in statistics.quantiles([a[1] for a in some], n=100)]
        for name, some in (("quiet", quiet), ("near", near))
    }
    print(f"{how}: {len(waits)} moves, {len(load.answers)} requests, {len(failed)} failed (target 0)")
    print(f"  different answers by version: {shown} (target 1 each)")
    print(
        f"  first new answer: median {1000 * statistics.median(waits):.0f} ms, worst {worst:.0f} ms (target {limit:.0f})"
    )
    print(
        f"  p50 quiet {p['quiet'][49]:.2f} near {p['near'][49]:.2f}; p99 quiet {p['quiet'][98]:.2f} ms, near moves {p['near'][98]:.2f} ms: {p['near'][98] / p['quiet'][98]:.2f} x (target 2)  max {1000 * max(a[1] for a in quiet):.1f} {1000 * max(a[1] for a in near):.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
