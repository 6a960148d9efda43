"""Start Ray Serve on this machine alone: ``python -m benchmarks.peers.apps.ray_start PORT``."""

import os
import signal
import sys
from typing import Any

import numpy as np
import ray
from ray import serve
from starlette.requests import Request

from benchmarks.peers.apps.onnx_model import OnnxModel


@serve.deployment(num_replicas=1, ray_actor_options={"num_cpus": 0.5})
class WinProbability:
    """Features in, win probabilities out."""

    def __init__(self, artifact: str) -> None:
        self.model = OnnxModel(artifact)

    async def __call__(self, request: Request) -> Any:
        """Return the win probabilities of one race."""
        rows = np.array((await request.json())["rows"], np.float32)
        return self.model.probabilities(rows).tolist()


def start(port: int) -> None:
    """Run until SIGTERM."""
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 * 2**20, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    serve.run(WinProbability.bind(os.environ["ARTIFACT"]))
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    start(int(sys.argv[1]))
