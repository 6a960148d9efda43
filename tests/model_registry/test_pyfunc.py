"""The champion served by MLflow's own server, over a socket, as a person would with curl."""

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

from model_registry.artifact import load_artifact
from model_registry.registry import ModelRegistry
from tests.model_registry.builders import make_features
from tests.model_registry.mlflow_process import running
from tests.ports import free_port
from tests.service.builders import FEATURES, make_model, running_service


def test_mlflow_serves_the_champion_with_the_same_probabilities(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    make_model(tmp_path / "a")
    registry.register(tmp_path / "a")
    registry.promote(1, reason="served by MLflow")
    port = free_port()
    command = ["models", "serve", "--env-manager", "local"]
    command += ["-m", "models:/greyhound-win@champion", "-p", str(port)]
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": registry.tracking_uri,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYTHONPATH": str(Path.cwd()),
        "PYTHONWARNINGS": "ignore",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    with running(command, environment, tmp_path / "log", f"http://127.0.0.1:{port}/ping"):
        model, fields = load_artifact(tmp_path / "a"), [make_features(6, seed=1), make_features(4, seed=2)]
        rows = [[None if np.isnan(x) else float(x) for x in row] for row in np.concatenate(fields)]
        # Two races with their rows mixed: 0 1 0 1 ...
        order = np.argsort(np.r_[np.arange(6), np.arange(4)], kind="stable")
        race_id = np.repeat([20, 10], [6, 4])
        table = {
            "columns": ["race_id", *FEATURES],
            "data": [[int(race_id[i]), *rows[i]] for i in order],
        }
        url = f"http://127.0.0.1:{port}/invocations"
        got = [row["win_probability"] for row in post(url, {"dataframe_split": table})["predictions"]]
        expected = np.concatenate([model.probabilities(field) for field in fields])[order]
        np.testing.assert_allclose(got, expected, atol=1e-9)
        one_race = {"columns": list(FEATURES), "data": rows[:6]}
        got = [row["win_probability"] for row in post(url, {"dataframe_split": one_race})["predictions"]]
        np.testing.assert_allclose(got, model.probabilities(fields[0]), atol=1e-9)
        with running_service(registry.tracking_uri, inference_protocols=True) as ours:
            for body in bodies_of(table):
                assert post(f"{ours.url}/invocations", body) == post(url, body), list(body)


def bodies_of(table: dict[str, Any]) -> list[dict[str, Any]]:
    """A table in each form that both servers take."""
    records = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    columns = {name: [record[name] for record in records] for name in table["columns"]}
    return [
        {"dataframe_split": table},
        {"dataframe_records": records},
        {"instances": records},
        {"inputs": columns},
    ]


def post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)
