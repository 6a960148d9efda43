"""The servers: ours, and the others as their own documentation would have them run one model.

All run in one process that answers, on one machine. Ours gets the card with its form, computes the features,
scores by its compiled table and logs the answer; the others get the features ready-made and score by ONNX
Runtime on one thread, but for MLflow, which runs the registered model as it is.
"""

import importlib.metadata
from collections.abc import Sequence
from typing import Any

from benchmarks.peers.card import card_with_form
from benchmarks.peers.peer import Peer, Place, Rows

_UNKNOWN = -1e30  # the V2 protocol knows no null among numbers
_SAME = tuple(f"{name}=={importlib.metadata.version(name)}" for name in ("numpy", "onnxruntime"))
_APPS = "benchmarks.peers.apps"
# Its proxy is killed if it is not ready in five seconds, which a busy machine does not grant it.
_RAY = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60"}


def _rows_of_dataframe(features: Sequence[str], rows: Rows) -> Any:
    return {"dataframe_split": {"columns": list(features), "data": rows}}


def _v2(features: Sequence[str], rows: Rows) -> Any:
    data = [[_UNKNOWN if value is None else value for value in row] for row in rows]
    shape = [len(rows), len(features)]
    return {"inputs": [{"name": "features", "shape": shape, "datatype": "FP32", "data": data}]}


def _artifact(place: Place) -> dict[str, str]:
    return {"ARTIFACT": str(place.artifact)}


def _ours_settings(place: Place) -> dict[str, str]:
    return {
        "GREYHOUND_DATABASE": f"sqlite:///{place.folder}/greyhound.db",
        "GREYHOUND_REGISTRY": place.registry,
        "GREYHOUND_SPOOL": f"{place.folder}/spool",
        "GREYHOUND_KEPT_CHAMPION": "",
        "GREYHOUND_LOG_FORMAT": "json",
    }


OURS = Peer(
    name="greyhound",
    command=lambda place: [
        "-c",
        "from greyhound.cli import main; main()",
        "serve",
        "--port",
        str(place.port),
    ],
    path="/predict",
    body=lambda features, rows: card_with_form(),
    answer=lambda answer: [runner["win_probability"] for runner in answer["runners"]],
    settings=_ours_settings,
    takes_features=False,
)
MLFLOW = Peer(
    name="mlflow models serve",
    requirements=("mlflow", *_SAME),
    command=lambda place: [
        "-m", "mlflow", "models", "serve", "-m", str(place.pyfunc), "--env-manager", "local",
        "--port", str(place.port), "--workers", "1",
    ],
    path="/invocations",
    body=_rows_of_dataframe,
    answer=lambda answer: [row["win_probability"] for row in answer["predictions"]],
)  # fmt: skip
BENTOML = Peer(
    name="BentoML",
    requirements=("bentoml", *_SAME),
    command=lambda place: [
        "-m",
        "bentoml",
        "serve",
        f"{_APPS}.bento:WinProbability",
        "--port",
        str(place.port),
    ],
    path="/predict",
    body=lambda features, rows: {"rows": rows},
    answer=lambda answer: answer,
    settings=lambda place: (
        _artifact(place) | {"BENTOML_HOME": str(place.folder), "BENTOML_DO_NOT_TRACK": "1"}
    ),
)
MLSERVER = Peer(
    name="MLServer",
    requirements=("mlserver", *_SAME),
    command=lambda place: ["-m", f"{_APPS}.mlserver_start", str(place.port), str(place.folder)],
    path="/v2/models/greyhound/infer",
    body=_v2,
    answer=lambda answer: answer["outputs"][0]["data"],
    settings=_artifact,
)
RAY = Peer(
    name="Ray Serve",
    requirements=("ray[serve]", *_SAME),
    command=lambda place: ["-m", f"{_APPS}.ray_start", str(place.port)],
    path="/",
    body=lambda features, rows: {"rows": rows},
    answer=lambda answer: answer,
    settings=lambda place: _artifact(place) | _RAY,
)
PEERS = {"greyhound": OURS, "mlflow": MLFLOW, "bentoml": BENTOML, "mlserver": MLSERVER, "ray": RAY}
