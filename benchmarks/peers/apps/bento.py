"""The model behind BentoML."""

import os

import bentoml
import numpy as np

from model_registry.artifact import load_artifact


@bentoml.service(workers=1)
class WinProbability:
    """Features in, win probabilities out."""

    def __init__(self) -> None:
        self.model = load_artifact(os.environ["ARTIFACT"])

    @bentoml.api
    def predict(self, rows: list[list[float | None]]) -> list[float]:
        """Return the win probabilities of one race."""
        return self.model.probabilities(np.array(rows, np.float32)).tolist()
