"""Challengers that fail on some cards, though their golden card is right."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from model_registry.artifact import golden_document, load_artifact, write_artifact
from tests.model_registry.builders import make_documents, make_features, make_spec
from tests.service.builders import FEATURES, RunningService, make_card, make_model, make_runner

HEAVY_KG = 36.0
"""With a runner of such a weight a spoiled version fails; without any it answers like another."""
Fault = Literal["non-finite", "raises", "hangs"]


def make_spoiled_model(directory: Path, fault: Fault) -> None:
    """An artifact that is whole, right on its golden card, and fails on cards with a heavy runner."""
    make_model(directory.with_name(f"{directory.name}-sound"))
    summary = load_artifact(directory.with_name(f"{directory.name}-sound")).documents["summary"]
    spec = make_spec(features=FEATURES)
    graphs = {member.file: _spoiled_graph(fault) for member in spec.members}
    draft = directory.with_name(f"{directory.name}-draft")
    write_artifact(draft, spec, graphs, make_documents())
    features = make_features(n_features=len(FEATURES))
    golden = golden_document(features, load_artifact(draft).probabilities(features))
    write_artifact(directory, spec, graphs, make_documents(golden=golden, summary=summary))


def heavy_card(n_runners: int = 6, **changes: Any) -> dict[str, Any]:
    """A card on which spoiled versions fail."""
    runners = [make_runner(box, weight_kg=HEAVY_KG) for box in range(1, n_runners + 1)]
    return make_card(n_runners, runners=runners) | changes


def settings_of(tmp_path: Path, database: str | None) -> dict[str, Any]:
    """A service that logs, and follows experiments quickly."""
    return {
        "database": database,
        "spool": str(tmp_path / "spool"),
        "log_interval_s": 0.1,
        "experiments_poll_s": 0.2,
    }


def wait_for_challengers(service: RunningService, *versions: int) -> None:
    """Wait until these versions run beside the champion, and no other."""
    wanted = [(version, "running") for version in versions]
    service.wait_until(lambda s: [(one["version"], one["state"]) for one in s["challengers"]] == wanted)


def _spoiled_graph(fault: Fault) -> bytes:
    """log_odds = -0.4 box, and the fault where weight_kg is over 20."""
    nodes = [
        helper.make_node("IsNaN", ["features"], ["unknown"]),
        helper.make_node("Where", ["unknown", "zero", "features"], ["known"]),
        helper.make_node("MatMul", ["known", "weights"], ["odds"]),
        helper.make_node("MatMul", ["known", "of_weight"], ["weight"]),
        helper.make_node("ReduceMax", ["weight"], ["heaviest"], keepdims=0),
        helper.make_node("Greater", ["heaviest", "limit"], ["is_heavy"]),
        *_FAULTS[fault],
    ]
    constants = {
        "zero": np.zeros(1, np.float32),
        "weights": np.array([-0.4, 0.0, 0.0], np.float32),
        "of_weight": np.array([0.0, 1.0, 0.0], np.float32),
        "limit": np.array(20.0, np.float32),
        "one": np.array(1.0, np.float32),
        "minus_one": np.array(-1.0, np.float32),
        "first": np.array(0, np.int64),
        "beyond": np.array(7, np.int64),
        "never": np.array(0, np.int64),
        "for_ever": np.array(2**62, np.int64),
        "yes": np.array(True),
        "nothing": np.zeros(1, np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "spoiled",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("log_odds", TensorProto.FLOAT, [None])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _endless() -> onnx.NodeProto:
    """A loop without an end where a runner is heavy, and without a turn elsewhere."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["goes_on"]),
            helper.make_node("Add", ["sum", "one"], ["next_sum"]),
        ],
        "turn",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next_sum", TensorProto.FLOAT, [1]),
        ],
    )
    return helper.make_node("Loop", ["turns", "yes", "nothing"], ["sum_of_turns"], body=body)


_FAULTS: dict[Fault, list[onnx.NodeProto]] = {
    "non-finite": [
        helper.make_node("Where", ["is_heavy", "minus_one", "one"], ["sign"]),
        helper.make_node("Log", ["sign"], ["spoil"]),
        helper.make_node("Add", ["odds", "spoil"], ["log_odds"]),
    ],
    "raises": [
        helper.make_node("Where", ["is_heavy", "beyond", "first"], ["place"]),
        helper.make_node("Gather", ["zero", "place"], ["spoil"]),
        helper.make_node("Add", ["odds", "spoil"], ["log_odds"]),
    ],
    "hangs": [
        helper.make_node("Where", ["is_heavy", "for_ever", "never"], ["turns"]),
        _endless(),
        helper.make_node("Mul", ["sum_of_turns", "zero"], ["spoil"]),
        helper.make_node("Add", ["odds", "spoil"], ["log_odds"]),
    ],
}
