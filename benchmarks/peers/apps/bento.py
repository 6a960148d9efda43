"""The model behind BentoML."""

import os

import bentoml
import numpy as np

from benchmarks.peers.apps.onnx_model import OnnxModel


@bentoml.service(workers=1)
class WinProbability:
    """Features in, win probabilities out."""

    def __init__(self) -> None:
        self.model = OnnxModel(os.environ["ARTIFACT"])

    @bentoml.api
    def predict(self, rows: list[list[float | None]]) -> list[float]:
        """Return the win probabilities of one race."""
        return self.model.probabilities(np.array(rows, np.float32)).tolist()
