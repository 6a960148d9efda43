"""Builders of small models: linear graphs made by hand, in artifacts that are complete."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from model_registry.artifact import (
    DOCUMENTS,
    Calibration,
    Member,
    ModelSpec,
    Platt,
    golden_document,
    load_artifact,
    write_artifact,
)

FEATURES = ("box", "win_rate", "best_time_s")
PLATT = Platt(0.9, -0.2)


def make_graph(
    coefficients: Sequence[float] = (0.1, 2.0, -0.5),
    *,
    n_features: int | None = None,
    input_name: str = "features",
    output_name: str = "log_odds",
    is_column: bool = False,
) -> bytes:
    """log_odds = features (NaN as 0) @ coefficients, as ONNX."""
    weights = np.array(coefficients, np.float32)
    n = n_features or len(weights)
    nodes = [
        helper.make_node("IsNaN", [input_name], ["unknown"]),
        helper.make_node("Where", ["unknown", "zero", input_name], ["known"]),
        helper.make_node("MatMul", ["known", "weights"], [output_name]),
    ]
    constants = {
        "zero": np.zeros(1, np.float32),
        "weights": weights[:, None] if is_column else weights,
    }
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, [None, n])],
        [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, [None, 1] if is_column else [None])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def make_field_graph(own: Sequence[float], of_field: Sequence[float]) -> bytes:
    """log_odds = features @ own + the second feature x (the field's mean @ of_field), NaN as 0, as ONNX."""
    nodes = [
        helper.make_node("IsNaN", ["features"], ["unknown"]),
        helper.make_node("Where", ["unknown", "zero", "features"], ["known"]),
        helper.make_node("MatMul", ["known", "own"], ["alone"]),
        helper.make_node("ReduceMean", ["known"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("MatMul", ["mean", "of_field"], ["level"]),
        helper.make_node("MatMul", ["known", "second"], ["scale"]),
        helper.make_node("Mul", ["scale", "level"], ["beside"]),
        helper.make_node("Add", ["alone", "beside"], ["log_odds"]),
    ]
    constants = {
        "zero": np.zeros(1, np.float32),
        "own": np.array(own, np.float32),
        "of_field": np.array(of_field, np.float32),
        "second": np.eye(len(own), dtype=np.float32)[1],
    }
    graph = helper.make_graph(
        nodes,
        "field",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, len(own)])],
        [helper.make_tensor_value_info("log_odds", TensorProto.FLOAT, [None])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def make_spec(
    n_members: int = 1, *, calibration: Calibration = PLATT, reads_field: bool = False, **changes: Any
) -> ModelSpec:
    """A blend of ``n_members`` equal members."""
    names = [f"member_{i}" for i in range(n_members)]
    values: dict[str, Any] = {
        "kind": "ensemble" if n_members > 1 else "logistic",
        "feature_version": "1",
        "features": FEATURES,
        "members": tuple(Member(name, f"members/{name}.onnx", 1 / n_members, reads_field) for name in names),
        "intercept": 0.05,
        "calibration": calibration,
        "market_combination": (0.3, 1.2),
    }
    return ModelSpec(**values | changes)


def make_features(n_runners: int = 6, n_features: int = len(FEATURES), seed: int = 1) -> np.ndarray:
    """One race's features, one of them unknown."""
    features = np.random.default_rng(seed).normal(size=(n_runners, n_features)).astype(np.float32)
    features[0, 1] = np.nan
    return features


def make_documents(**changes: Any) -> dict[str, Any]:
    """Every document that an artifact needs; the golden one is a placeholder."""
    documents: dict[str, Any] = {name: {} for name in DOCUMENTS}
    documents["metrics"] = {"race_log_loss": 1.7, "auc": 0.7, "races": 100}
    documents["training"] = {"data_hash": "d" * 64, "git_commit": "c" * 40}
    return documents | changes


def make_artifact(
    directory: Path,
    *,
    coefficients: Sequence[float] = (0.1, 2.0, -0.5),
    spec: ModelSpec | None = None,
    graph: bytes | None = None,
    **documents: Any,
) -> str:
    """Write a whole artifact with a true golden card, and return its digest."""
    spec = spec or make_spec()
    graphs = {member.file: graph or make_graph(coefficients) for member in spec.members}
    draft = directory.with_name(directory.name + "-draft")
    write_artifact(draft, spec, graphs, make_documents())
    features = make_features(n_features=len(spec.features))
    golden = golden_document(features, load_artifact(draft).probabilities(features))
    return write_artifact(directory, spec, graphs, make_documents(**{"golden": golden} | documents))
