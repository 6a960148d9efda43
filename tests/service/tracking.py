"""A real MLflow tracking server with a champion, one that sends webhooks to this machine."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from model_registry.registry import ModelRegistry
from tests.model_registry.mlflow_process import running
from tests.ports import free_port
from tests.service.builders import empty_registry, make_model, open_registry

# mlflow wants a Fernet key for the secrets that it stores; without one they are lost with the process.
KEY = "bm90IGEgc2VjcmV0LCBqdXN0IDMyIGJ5dGVzIGxvbmc="
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # else it starts three more processes
    "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
    "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": KEY,
    "MLFLOW_WEBHOOK_CACHE_TTL": "0",
    "PYTHONWARNINGS": "ignore",
}


@dataclass(frozen=True)
class TrackingServer:
    """A server, its registry as a client sees it, and its process group."""

    url: str
    registry: ModelRegistry
    process: subprocess.Popen[bytes]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and all its children."""
        os.killpg(self.process.pid, number)


@contextmanager
def tracking_server(folder: Path, *, n_versions: int = 2) -> Iterator[TrackingServer]:
    """Run a server whose registry has versions 1, 2, ..., the first of them champion."""
    empty_registry(folder)
    port = free_port()
    arguments = ["server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--port", str(port)]
    arguments += ["--artifacts-destination", f"{folder}/artifacts", "--workers", "1"]
    url = f"http://127.0.0.1:{port}"
    with running(arguments, os.environ | ENVIRONMENT, folder / "log", f"{url}/health") as process:
        registry = open_registry(url)
        for number in range(1, n_versions + 1):
            make_model(folder / f"model-{number}", exponent=number / 2)
            registry.register(folder / f"model-{number}")
        registry.promote(1, reason="a test wants it")
        yield TrackingServer(url, registry, process)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGCONT)
