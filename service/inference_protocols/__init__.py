"""Other servers' protocols, for clients that speak them already: features in, win probabilities out.

MLflow's scoring protocol (``POST /invocations``) and the Open Inference Protocol V2 over REST (``/v2/...``),
which MLServer, KServe and Triton speak. Off unless ``GREYHOUND_INFERENCE_PROTOCOLS=true``. Who sends features
has computed them, so nothing here reads the race database, and nothing is put into the prediction log.
"""

from service.inference_protocols.mlflow_scoring import router as mlflow_scoring
from service.inference_protocols.open_inference import router as open_inference

PROTOCOL_ROUTERS = (mlflow_scoring, open_inference)
