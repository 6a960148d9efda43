"""A fitted member as an ONNX graph, from ``features`` (n, n_features), NaN unknown, to ``log_odds`` (n,).

Features are widened to double in the graph, so that thresholds stay what the estimator compares with and
every runner takes the branches it takes there; leaves are summed in double too.
"""

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from training.families.family import FittedMember, TreeMember
from training.families.field_net.graph import net_graph
from training.families.field_net.member import FieldNetMember
from training.families.forest import CLIP, Floats, Forest
from training.families.logistic_regression import LinearMember

OPSETS = (("", 17), ("ai.onnx.ml", 3))
IR_VERSION = 8


def to_onnx(member: FittedMember, n_features: int) -> bytes:
    """Return the graph of a member of any family; a net takes its runs' columns behind the features."""
    if isinstance(member, FieldNetMember):
        graph = net_graph(member)
        return _finished_graph(graph.nodes, graph.constants, member.shape.n_inputs)
    if isinstance(member, LinearMember):
        return _linear_graph(member, n_features)
    if isinstance(member, TreeMember):
        return _forest_graph(member.forest(), n_features)
    raise TypeError(f"a member is linear, made of trees or a net, got {type(member).__name__}")


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
    return _finished_graph(nodes, constants, n_features)


def _forest_graph(forest: Forest, n_features: int) -> bytes:
    """Return the graph from ``features`` (n, n_features) to ``log_odds`` (n,)."""
    nodes = [
        helper.make_node("Cast", ["features"], ["wide"], to=TensorProto.DOUBLE),
        _ensemble_node(forest),
        helper.make_node("Cast", ["summed"], ["sum_of_leaves"], to=TensorProto.DOUBLE),
    ]
    constants: dict[str, NDArray[np.generic]] = {"flat": np.array([-1], np.int64)}
    if forest.is_probability:
        constants |= {"low": np.array(CLIP), "high": np.array(1 - CLIP), "one": np.array(1.0)}
        nodes += [
            helper.make_node("Clip", ["sum_of_leaves", "low", "high"], ["p"]),
            helper.make_node("Sub", ["one", "p"], ["q"]),
            helper.make_node("Div", ["p", "q"], ["odds"]),
            helper.make_node("Log", ["odds"], ["answer"]),
        ]
    nodes.append(helper.make_node("Reshape", [nodes[-1].output[0], "flat"], ["log_odds"]))
    return _finished_graph(nodes, constants, n_features)


def _finished_graph(
    nodes: list[onnx.NodeProto], constants: Mapping[str, NDArray[np.generic]], n: int
) -> bytes:
    """Return the bytes of a checked model with the input and output that every member has."""
    graph = helper.make_graph(
        nodes,
        "member",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, n])],
        [helper.make_tensor_value_info("log_odds", TensorProto.DOUBLE, [None])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="greyhound")
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString(deterministic=True)
    return written


def _ensemble_node(forest: Forest) -> onnx.NodeProto:
    sizes = [len(tree.feature) for tree in forest.trees]
    tree_ids = np.repeat(np.arange(len(sizes)), sizes)
    node_ids = np.concatenate([np.arange(size) for size in sizes])
    yes, no, feature, unknown = (
        np.concatenate([getattr(tree, name) for tree in forest.trees])
        for name in ("yes", "no", "feature", "unknown_is_yes")
    )
    threshold = np.concatenate([tree.threshold for tree in forest.trees])
    value = np.concatenate([tree.value for tree in forest.trees])
    is_leaf = yes < 0
    return helper.make_node(
        "TreeEnsembleRegressor",
        ["wide"],
        ["summed"],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        nodes_treeids=tree_ids.tolist(),
        nodes_nodeids=node_ids.tolist(),
        nodes_featureids=np.where(is_leaf, 0, feature).tolist(),
        nodes_modes=np.where(is_leaf, "LEAF", f"BRANCH_{forest.comparison}").tolist(),
        nodes_values_as_tensor=_tensor(np.where(is_leaf, 0.0, threshold)),
        nodes_truenodeids=np.where(is_leaf, 0, yes).tolist(),
        nodes_falsenodeids=np.where(is_leaf, 0, no).tolist(),
        nodes_missing_value_tracks_true=np.where(is_leaf, False, unknown).astype(np.int64).tolist(),
        target_treeids=tree_ids[is_leaf].tolist(),
        target_nodeids=node_ids[is_leaf].tolist(),
        target_ids=np.zeros(int(is_leaf.sum()), np.int64).tolist(),
        target_weights_as_tensor=_tensor(value[is_leaf]),
        base_values_as_tensor=_tensor(np.array([forest.base])),
    )


def _tensor(values: Floats) -> onnx.TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(values, np.float64))
