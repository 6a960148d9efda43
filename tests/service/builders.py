"""Builders of cards, of models on the real features, and of a service on a real socket."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from model_registry import get_model_registry
from model_registry.artifact import ModelSpec
from model_registry.registry import ModelRegistry
from service.serve import Server, open_socket
from service.settings import ServiceSettings
from tests.model_registry.builders import make_artifact, make_spec
from tests.model_registry.empty import empty_registry_in
from tests.service.living import SOON_S

FEATURES = ("box", "weight_kg", "runs_known")  # a few of the real ones, so that graphs stay small

DAY = "2026-03-14"


def make_past_run(**changes: Any) -> dict[str, Any]:
    """One past race, a week before the card."""
    run = {"date": "2026-03-07", "track": "Sandown Park", "distance_m": 515, "box": 3, "finish_position": 2}
    return run | {"time_s": 29.6, "winner_time_s": 29.4, "margin_lengths": 2.5} | changes


def make_runner(box: int, **changes: Any) -> dict[str, Any]:
    """One dog that carries one run."""
    return {"name": f"Dog {'ABCDEFGHIJKLMNOP'[box % 16]}", "box": box, "form": [make_past_run()]} | changes


def make_card(n_runners: int = 6, **changes: Any) -> dict[str, Any]:
    """A card as a request carries it, every runner with its form."""
    runners = [make_runner(box) for box in range(1, n_runners + 1)]
    return {"date": DAY, "track": "Sandown Park", "distance_m": 515, "runners": runners} | changes


def make_model(
    directory: Path,
    *,
    exponent: float = 1.0,
    features: tuple[str, ...] = FEATURES,
    coefficients: Sequence[float] = (-0.4, 0.0, 0.0),
    spec: ModelSpec | None = None,
    **documents: Any,
) -> str:
    """An artifact whose favourite is the inner box, the more so the greater the exponent."""
    spec = spec or make_spec(features=features, sharing_exponent=exponent)
    summary = {
        "success": True,
        "model_type": "Handmade",
        "accuracy": 0.86,
        "auc_score": 0.74,
        "f1_score": 0.4,
        "last_trained": "2026-03-01T08:05:30Z",
        "features": len(spec.features),
        "samples": 1000,
        "class_balance": "None",
        "calibration": "Platt Scaling",
        "optimization": "None",
    }
    return make_artifact(directory, coefficients=coefficients, spec=spec, **{"summary": summary} | documents)


def make_registry(directory: Path, *, exponents: tuple[float, ...] = (1.0,), promote: int | None = 1) -> str:
    """A registry with one version an exponent, and its address."""
    registry = empty_registry(directory)
    for number, exponent in enumerate(exponents, start=1):
        make_model(directory / f"model-{number}", exponent=exponent)
        registry.register(directory / f"model-{number}")
    if promote is not None:
        registry.promote(promote, reason="a test wants it", by="test")
    return address(directory)


def empty_registry(directory: Path) -> ModelRegistry:
    """A registry without versions."""
    return empty_registry_in(directory)


def address(directory: Path) -> str:
    """The address of the registry in a folder."""
    return f"sqlite:///{directory / 'mlflow.db'}"


def open_registry(uri: str) -> ModelRegistry:
    """The registry as another process would use it."""
    return get_model_registry(uri)


def point_alias_at(uri: str, version: int) -> None:
    """Move the champion's alias by hand, past the checks of a promotion."""
    registry = open_registry(uri)
    registry._store.client.set_registered_model_alias("greyhound-win", "champion", str(version))


@dataclass(frozen=True)
class RunningService:
    """A service that listens."""

    url: str
    client: httpx.Client

    def predict(self, card: dict[str, Any], **options: Any) -> httpx.Response:
        """Send a card."""
        return self.client.post("/predict", json=card, **options)

    def wait_until(self, is_so: Callable[[dict[str, Any]], Any], seconds: float = SOON_S) -> dict[str, Any]:
        """Ask for the status until it is as wanted, and return it."""
        deadline = time.monotonic() + seconds
        while True:
            status: dict[str, Any] = self.client.get("/model_status").json()
            if is_so(status):
                return status
            assert time.monotonic() < deadline, f"still {status}"
            time.sleep(0.02)


@contextmanager
def running_service(registry: str, *, port: int = 0, **settings: Any) -> Iterator[RunningService]:
    """The app we ship, under uvicorn, on a free port of this machine."""
    values = {"registry": registry, "database": None, "champion_poll_s": 0.2, "retry_s": 0.2}
    values |= {"kept_champion": ""} | settings
    uvicorn = Server(ServiceSettings(**values))
    listening: socket.socket = open_socket("127.0.0.1", port)
    thread = threading.Thread(target=uvicorn.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + SOON_S
    while not uvicorn.started:
        assert thread.is_alive(), "the service did not start"
        assert time.monotonic() < deadline, "the service did not start in time"
        time.sleep(0.01)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        with httpx.Client(base_url=url, timeout=SOON_S) as client:
            yield RunningService(url, client)
    finally:
        uvicorn.should_exit = True
        thread.join(timeout=SOON_S)
        listening.close()


def win_probabilities(answer: httpx.Response) -> np.ndarray:
    """The runners' win probabilities, in order."""
    return np.array([runner["win_probability"] for runner in answer.json()["runners"]])
