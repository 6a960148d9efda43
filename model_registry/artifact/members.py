"""What a member's graph computes, where it is one that our training exports: trees, or a linear member."""

import numpy as np

from model_registry.artifact.onnx_reader import MODES, Graph, NotRead, read_graph
from racing.ops.trees import BlendMember, LinearMember, TreesMember

# Operation, inputs, output of each node, as training/export/onnx_graphs.py writes them.
_TREES = "Cast features > wide; TreeEnsembleRegressor wide > summed; Cast summed > sum_of_leaves; "
_PLAIN = _TREES + "Reshape sum_of_leaves flat > log_odds"
_PROBABILITY = _TREES + (
    "Clip sum_of_leaves low high > p; Sub one p > q; Div p q > odds; Log odds > answer; "
    "Reshape answer flat > log_odds"
)
_AMOUNTS = (
    "Cast features > wide; IsNaN wide > unknown; Where unknown median wide > filled; "
    "Max filled low > raised; Min raised high > clipped; MatMul clipped weight > of_values; "
    "Cast unknown > flags; MatMul flags unknown_weight > of_flags; Add of_values of_flags > of_amounts; "
)
_LINEAR = _AMOUNTS + "Add of_amounts intercept > log_odds"
_WITH_LEVELS = _AMOUNTS + (
    "Gather wide level_column > codes; Equal codes level_value > is_level; Cast is_level > levels; "
    "MatMul levels level_weight > of_levels; Add of_amounts of_levels > of_all; "
    "Add of_all intercept > log_odds"
)
_DOUBLE = 11
_FIXED = {"Cast": {"to": _DOUBLE}, "Gather": {"axis": 1}}
_ENSEMBLE = {"n_targets": 1, "aggregate_function": "SUM", "post_transform": "NONE"}


def read_member(content: bytes) -> BlendMember:
    """Return what the ONNX graph of a member computes.

    Raises
    ------
    NotRead
        If the graph is of another kind; ONNX Runtime can run it all the same.
    """
    graph = read_graph(content)
    text = "; ".join(f"{n.op_type} {' '.join(n.inputs)} > {' '.join(n.outputs)}" for n in graph.nodes)
    try:
        for node in graph.nodes:
            if node.op_type != "TreeEnsembleRegressor" and node.attributes != _FIXED.get(node.op_type, {}):
                raise NotRead(f"{node.op_type} with {node.attributes}")
        match text:
            case _ if text in (_PLAIN, _PROBABILITY):
                return _trees(graph, is_probability=text == _PROBABILITY)
            case _ if text in (_LINEAR, _WITH_LEVELS):
                return _linear(graph, has_levels=text == _WITH_LEVELS)
    except (LookupError, TypeError, ValueError) as error:
        raise NotRead(f"{type(error).__name__}: {error}") from error
    raise NotRead(f"nodes {text[:200]}")


def _linear(graph: Graph, *, has_levels: bool) -> LinearMember:
    constants = graph.constants
    names = ("median", "low", "high", "weight", "unknown_weight")
    if any(constants[name].ndim != 1 for name in names):
        raise NotRead("constants of a linear member that have more than one dimension")
    none = np.zeros(0)
    return LinearMember(
        **{name: constants[name] for name in names},
        level_column=constants["level_column"] if has_levels else none.astype(np.int64),
        level_value=constants["level_value"] if has_levels else none,
        level_weight=constants["level_weight"] if has_levels else none,
        base=float(constants["intercept"]),
    )


def _trees(graph: Graph, *, is_probability: bool) -> TreesMember:
    attributes = graph.nodes[1].attributes
    if any(attributes[name] != value for name, value in _ENSEMBLE.items()):
        raise NotRead("trees that are not summed")
    modes = attributes["nodes_modes"]
    is_leaf = modes == MODES.index("LEAF")
    n_of = np.bincount(modes, minlength=len(MODES))
    comparisons = [mode for mode, n in zip(MODES, n_of, strict=True) if n and mode != "LEAF"]
    if len(comparisons) > 1:
        raise NotRead("comparisons of several kinds in one member")
    tree_ids, node_ids = attributes["nodes_treeids"], attributes["nodes_nodeids"]
    roots = np.flatnonzero(np.diff(tree_ids, prepend=-1))
    start = roots[np.cumsum(np.diff(tree_ids, prepend=tree_ids[0]) != 0)]
    nodes = np.arange(len(tree_ids))
    if (np.diff(tree_ids) < 0).any() or not np.array_equal(nodes - start, node_ids):
        raise NotRead("nodes that are not in order")
    leaves = np.flatnonzero(is_leaf)
    if not (
        np.array_equal(attributes["target_treeids"], tree_ids[leaves])
        and np.array_equal(attributes["target_nodeids"], node_ids[leaves])
        and not attributes["target_ids"].any()
    ):
        raise NotRead("leaves that are not in order, or of several targets")
    value = np.zeros(len(nodes))
    value[leaves] = attributes["target_weights_as_tensor"]
    (base,) = attributes["base_values_as_tensor"].tolist()
    return TreesMember(
        roots=roots,
        feature=attributes["nodes_featureids"],
        threshold=attributes["nodes_values_as_tensor"],
        yes=np.where(is_leaf, -1, start + attributes["nodes_truenodeids"]),
        no=np.where(is_leaf, -1, start + attributes["nodes_falsenodeids"]),
        unknown_is_yes=attributes["nodes_missing_value_tracks_true"] != 0,
        value=value,
        comparison=comparisons[0] if comparisons else "LEQ",
        base=base,
        clip=float(graph.constants["low"]) if is_probability else 0.0,
    )
