"""A fitted member as an ONNX graph, from ``features`` (n, n_features), NaN unknown, to ``log_odds`` (n,)."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from training.families.family import Member, TreeMember
from training.families.logistic_regression import LinearMember
from training.onnx_trees import finished_graph, forest_graph


def to_onnx(member: Member, n_features: int) -> bytes:
    """Return the graph of a member of any family."""
    if isinstance(member, LinearMember):
        return _linear_graph(member, n_features)
    if isinstance(member, TreeMember):
        return forest_graph(member.forest(), n_features)
    raise TypeError(f"a member is linear or made of trees, got {type(member).__name__}")


def _linear_graph(member: LinearMember, n_features: int) -> bytes:
    constants: dict[str, NDArray[np.generic]] = {
        "median": member.median,
        "low": member.low,
        "high": member.high,
        "weight": member.weight,
        "unknown_weight": member.unknown_weight,
        "intercept": np.array(member.intercept),
    }
    nodes: list[onnx.NodeProto] = [
        helper.make_node("Cast", ["features"], ["wide"], to=TensorProto.DOUBLE),
        helper.make_node("IsNaN", ["wide"], ["unknown"]),
        helper.make_node("Where", ["unknown", "median", "wide"], ["filled"]),
        helper.make_node("Max", ["filled", "low"], ["raised"]),
        helper.make_node("Min", ["raised", "high"], ["clipped"]),
        helper.make_node("MatMul", ["clipped", "weight"], ["of_values"]),
        helper.make_node("Cast", ["unknown"], ["flags"], to=TensorProto.DOUBLE),
        helper.make_node("MatMul", ["flags", "unknown_weight"], ["of_flags"]),
        helper.make_node("Add", ["of_values", "of_flags"], ["of_amounts"]),
    ]
    summed = "of_amounts"
    if len(member.level_column):
        constants |= {
            "level_column": member.level_column,
            "level_value": member.level_value,
            "level_weight": member.level_weight,
        }
        nodes += [
            helper.make_node("Gather", ["wide", "level_column"], ["codes"], axis=1),
            helper.make_node("Equal", ["codes", "level_value"], ["is_level"]),
            helper.make_node("Cast", ["is_level"], ["levels"], to=TensorProto.DOUBLE),
            helper.make_node("MatMul", ["levels", "level_weight"], ["of_levels"]),
            helper.make_node("Add", ["of_amounts", "of_levels"], ["of_all"]),
        ]
        summed = "of_all"
    nodes.append(helper.make_node("Add", [summed, "intercept"], ["log_odds"]))
    return finished_graph(nodes, constants, n_features)
