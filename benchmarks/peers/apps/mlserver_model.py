"""The model behind MLServer, as a runtime of its own; -1e30 stands for unknown."""

import os

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.peers.apps.onnx_model import OnnxModel


class WinProbability(MLModel):
    """Features in, win probabilities out."""

    async def load(self) -> bool:
        """Load the artifact."""
        self.model = OnnxModel(os.environ["ARTIFACT"])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Return the win probabilities of one race."""
        rows = np.asarray(NumpyCodec.decode_input(payload.inputs[0]), np.float32)
        probabilities = self.model.probabilities(np.where(rows < -1e29, np.nan, rows))
        output = NumpyCodec.encode_output("win_probability", probabilities)
        return InferenceResponse(model_name=self.name, outputs=[output])
