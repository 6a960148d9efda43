"""Clients of MLflow's server and of the Open Inference Protocol V2 get the champion's probabilities."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import mlflow
import numpy as np
import pytest

from model_registry.artifact import load_artifact
from tests.service.builders import FEATURES, RunningService, address, make_registry, running_service
from tests.service.keys import service_with_keys

ROWS = [[1.0, 31.2, None], [2.0, None, 4.0], [3.0, 30.1, 7.0], [4.0, 32.5, 12.0]]
RACE_IDS = [20, 10, 20, 10]
SPLIT = {"columns": list(FEATURES), "data": ROWS}
RECORDS = [dict(zip(FEATURES, row, strict=True)) for row in ROWS]
COLUMNS = {name: [row[place] for row in ROWS] for place, name in enumerate(FEATURES)}
INFER = "/v2/models/greyhound-win/infer"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("protocols")
    make_registry(folder)
    return folder


@pytest.fixture(scope="module")
def protocols(folder: Path) -> Iterator[RunningService]:
    with running_service(address(folder), inference_protocols=True) as running:
        yield running


def expected(folder: Path) -> list[float]:
    features = np.array(ROWS, np.float32)
    return load_artifact(folder / "model-1").probabilities(features).tolist()


def tensor(name: str, data: list[Any], shape: list[int], datatype: str = "FP32") -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def matrix() -> dict[str, Any]:
    return tensor("features", [value for row in ROWS for value in row], [4, 3])


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": SPLIT},
        {"dataframe_split": SPLIT | {"index": [5, 6, 7, 8]}},
        {"dataframe_records": RECORDS},
        {"instances": RECORDS},
        {"instances": ROWS},
        {"inputs": COLUMNS},
        {"inputs": ROWS},
        {"inputs": {name: [[value] for value in column] for name, column in COLUMNS.items()}},
        {"dataframe_split": SPLIT, "params": None},
    ],
    ids=lambda body: f"{next(iter(body))}-{type(next(iter(body.values()))).__name__}",
)
def test_each_form_of_mlflow_is_scored(folder: Path, protocols: RunningService, body: dict[str, Any]) -> None:
    answer = protocols.client.post("/invocations", json=body)
    assert answer.status_code == 200, answer.text
    assert [row["win_probability"] for row in answer.json()["predictions"]] == expected(folder)


def test_csv_with_a_header_is_scored(folder: Path, protocols: RunningService) -> None:
    lines = [",".join(FEATURES), *(",".join("" if x is None else str(x) for x in row) for row in ROWS)]
    answer = protocols.client.post(
        "/invocations", content="\n".join(lines), headers={"Content-Type": "text/csv"}
    )
    assert [row["win_probability"] for row in answer.json()["predictions"]] == expected(folder)


def test_the_addresses_of_mlflows_server_answer(protocols: RunningService) -> None:
    for path in ("/ping", "/health", "/version"):
        assert protocols.client.get(path).status_code == 200
    assert protocols.client.get("/version").text == mlflow.__version__


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ([], "the body must be an object with one of dataframe_split"),
        ({}, "the body must have one of"),
        ({"instances": ROWS, "inputs": ROWS}, "the body must have one of"),
        ({"instances": ROWS, "params": {"a": 1}}, "this model takes no params"),
        ({"instances": []}, "instances is not in one of MLflow's forms"),
        ({"instances": [[1.0, 2.0]]}, "a row must have 3 values, one a feature of version 1; row 0 has 2"),
        ({"instances": [RECORDS[0], ROWS[0]]}, "records must all be objects"),
        ({"inputs": {"bx": [1]}}, "columns are features of version 1 and race_id, got 'bx'"),
        ({"inputs": {"race_id": [1]}}, "at least one feature must be given, such as 'box'"),
        ({"inputs": {"box": [1, 2], "weight_kg": [1]}}, "all columns must be of one length, got [1, 2]"),
        ({"inputs": {"box": ["x"]}}, "box must be a number within 32-bit floats, or null"),
        ({"inputs": {"box": [1e39]}}, "box must be a number within 32-bit floats"),
        ({"inputs": {"box": [1], "race_id": [None]}}, "race_id must be a whole number or a text"),
        ({"dataframe_split": {"columns": ["box", "box"], "data": [[1, 1]]}}, "columns must be texts, each"),
        ({"dataframe_split": {"columns": ["box"], "data": [[1, 1]]}}, "row 0 must be a list of 1 values"),
    ],
)  # fmt: skip
def test_a_bad_body_gets_the_rule_in_mlflows_form(protocols: RunningService, body: Any, rule: str) -> None:
    answer = protocols.client.post("/invocations", json=body)
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "BAD_REQUEST"
    assert answer.json()["message"].startswith(rule)


@pytest.mark.parametrize("depth", [500, 900, 100_000])
def test_lists_nested_without_end_are_refused(protocols: RunningService, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    tensors = f'{{"inputs":[{{"name":"box","shape":[1],"datatype":"FP32","data":{deep}}}]}}'
    for path, body in ((INFER, tensors), ("/invocations", f'{{"inputs":{{"box":[{deep}]}}}}')):
        assert protocols.client.post(path, content=body).status_code == 400


def test_what_is_no_json_or_of_no_known_type_is_refused(protocols: RunningService) -> None:
    post = protocols.client.post
    assert post("/invocations", content=b"{").status_code == 400
    assert post("/invocations", content=b"[" * 100_000).status_code == 400
    answer = post("/invocations", content=b"x", headers={"Content-Type": "application/parquet"})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "inputs",
    [
        [matrix()],
        [matrix() | {"data": ROWS}],
        [tensor(name, column, [4], "FP64") for name, column in COLUMNS.items()],
        [tensor(name, column, [4, 1]) for name, column in COLUMNS.items()],
    ],
    ids=["flat", "nested", "columns", "columns-of-one"],
)
def test_each_form_of_tensors_is_scored(
    folder: Path, protocols: RunningService, inputs: list[dict[str, Any]]
) -> None:
    body = {"id": "42", "inputs": inputs, "outputs": [{"name": "win_probability"}]}
    answer = protocols.client.post(INFER, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "model_name": "greyhound-win",
        "model_version": "1",
        "id": "42",
        "outputs": [{"name": "win_probability", "shape": [4], "datatype": "FP64", "data": expected(folder)}],
    }


def test_tensors_of_several_races_are_shared_by_race_id(protocols: RunningService) -> None:
    body = {"inputs": [matrix(), tensor("race_id", RACE_IDS, [4], "INT64")]}
    answer = protocols.client.post(INFER.replace("/infer", "/versions/1/infer"), json=body).json()
    shared = answer["outputs"][0]["data"]
    assert shared[0] + shared[2] == pytest.approx(1)
    assert answer["id"], "one without an id gets that of the request"


def test_health_and_metadata_answer_as_the_protocol_says(protocols: RunningService) -> None:
    get = protocols.client.get
    assert get("/v2").json().keys() == {"name", "version", "extensions"}
    assert get("/v2/health/live").json() == {"live": True}
    assert get("/v2/health/ready").json() == {"ready": True}
    assert get("/v2/models/greyhound-win/ready").json() == {"name": "greyhound-win", "ready": True}
    described = get("/v2/models/greyhound-win").json()
    assert described == get("/v2/models/greyhound-win/versions/1").json()
    assert described["inputs"][0]["shape"] == [-1, len(FEATURES)]
    assert described["inputs"][0]["parameters"]["columns"] == list(FEATURES)


@pytest.mark.parametrize(
    ("inputs", "rule"),
    [
        ([tensor("features", [1, 2], [1, 2])], "'features' must be of shape [n_rows, 3]"),
        ([tensor("box", [1, 2], [3])], "'box' must have as many values as its shape [3] says, got 2"),
        ([tensor("box", [1, 2], [-2])], "'box' must have a shape of one or two axes"),
        ([tensor("box", [1, 2], [1, 2])], "'box' must be of shape [n_rows] or [n_rows, 1]"),
        ([tensor("box", ["a"], [1], "BYTES")], "'box' must be of numbers, got BYTES"),
        ([matrix(), tensor("box", [1, 2, 3, 4], [4])], "'box' gives a column a second time"),
        ([tensor("box", [1], [1], "FP8")], "the body is no inference request: Invalid enum value 'FP8'"),
        ([tensor("box", [1], [1] * 60)], "'box' must have a shape of one or two axes"),
        ([tensor("box", [1], [10**18, 10**18])], "'box' must have a shape of one or two axes"),
        (
            [tensor("box", [[[1]]], [1, 1])],
            "box must be a number within 32-bit floats, or null where unknown; row 0",
        ),
        ([], "at least one feature must be given"),
    ],
)
def test_bad_tensors_get_the_rule_in_the_protocols_form(
    protocols: RunningService, inputs: list[dict[str, Any]], rule: str
) -> None:
    answer = protocols.client.post(INFER, json={"inputs": inputs})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(rule)


def test_another_model_version_output_or_the_binary_extension_is_refused(protocols: RunningService) -> None:
    def post(path: str = INFER, outputs: str = "win_probability", **headers: str) -> httpx.Response:
        body = {"inputs": [matrix()], "outputs": [{"name": outputs}]}
        return protocols.client.post(path, json=body, headers=headers)

    assert post("/v2/models/iris/infer").status_code == 404
    other = post("/v2/models/greyhound-win/versions/2/infer")
    assert other.status_code == 404
    assert other.json() == {"error": "version 1 serves, and no other is loaded; got '2'"}
    assert "'place'" in post(outputs="place").json()["error"]
    assert post(**{"Inference-Header-Content-Length": "10"}).status_code == 400


def test_scored_rows_are_counted_under_their_version(folder: Path) -> None:
    with running_service(address(folder), inference_protocols=True) as service:
        service.client.post(INFER, json={"inputs": [matrix()]})
        assert 'predictions_total{version="1"} 1.0' in service.client.get("/metrics").text


def test_before_there_is_a_champion_errors_keep_the_protocols_forms(tmp_path: Path) -> None:
    with running_service(make_registry(tmp_path, promote=None), inference_protocols=True) as service:
        for path in ("/ping", "/v2/health/ready"):
            assert service.client.get(path).status_code == 503
        assert service.client.get("/v2/health/live").status_code == 200
        answer = service.client.post(INFER, content=json.dumps({"inputs": [matrix()]}))
        assert answer.status_code == 503
        assert set(answer.json()) == {"error"}


def test_they_are_off_unless_set(service: RunningService) -> None:
    for path in ("/invocations", INFER):
        assert service.client.post(path, json={}).status_code == 404
    assert service.client.get("/v2/health/live").status_code == 404


def test_behind_keys_only_health_is_open(tmp_path: Path) -> None:
    settings = {"protect": "everything", "inference_protocols": True}
    with service_with_keys(tmp_path, make_registry(tmp_path), settings) as (service, _):
        assert service.client.get("/v2/health/live").status_code == 200
        assert service.client.post(INFER, json={"inputs": [matrix()]}).status_code == 401
        assert service.client.post("/invocations", json={"instances": ROWS}).status_code == 401
