"""The model as another server would run it: its graphs in ONNX Runtime on one thread, shares in numpy."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray

from model_registry.artifact import load_artifact


class OnnxModel:
    """Features in, win probabilities out; nothing of ours scores but what follows the members' log odds."""

    def __init__(self, artifact: str) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._model = load_artifact(artifact)
        self._members = [
            (member.weight, ort.InferenceSession(str(Path(artifact) / member.file), options))
            for member in self._model.spec.members
        ]

    def probabilities(self, features: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return win probabilities of shape (n_runners,), which sum to 1: all rows are one race."""
        rows = np.ascontiguousarray(features, np.float32)
        log_odds = np.full(len(rows), self._model.spec.intercept)
        for weight, session in self._members:
            log_odds += weight * session.run(["log_odds"], {"features": rows})[0]
        return self._model.probabilities_of(log_odds)
