"""A fitted net as an ONNX graph of one race: from ``features`` (n, n_inputs) to ``log_odds`` (n,).

The graph is written operation by operation, as :mod:`training.families.field_net.network` works them out for
padded races; here a race has as many rows as it has runners, and nothing is padded.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from training.families.field_net.member import FieldNetMember
from training.families.field_net.scales import Scales
from training.families.field_net.shape import CLIP, DEAD, EPSILON, Shape


@dataclass(slots=True)
class NetGraph:
    """Nodes and constants of a graph while it is written."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, NDArray[np.generic]] = field(default_factory=dict)

    def add(self, operation: str, *inputs: str, n_outputs: int = 1, **attributes: Any) -> str:
        """Add an operation and return the name of its first output."""
        name = f"{operation.lower()}_{len(self.nodes)}"
        outputs = [name, *(f"{name}_{place}" for place in range(1, n_outputs))]
        self.nodes.append(helper.make_node(operation, list(inputs), outputs, **attributes))
        return name

    def named(self, name: str, value: NDArray[np.generic]) -> str:
        """Add an array under a name that :mod:`model_registry.artifact.field_nets` reads it by."""
        self.constants[name] = value
        return name

    def constant(self, value: NDArray[np.generic]) -> str:
        """Add an array and return its name; equal arrays are stored once."""
        for name, known in self.constants.items():
            if known.dtype == value.dtype and known.shape == value.shape and np.array_equal(known, value):
                return name
        name = f"constant_{len(self.constants)}"
        self.constants[name] = value
        return name

    def number(self, value: float) -> str:
        """Add a float and return its name."""
        return self.constant(np.array(value, np.float32))

    def whole(self, *values: int) -> str:
        """Add whole numbers, of shapes and places, and return their name."""
        return self.constant(np.array(values, np.int64))

    def part(self, x: str, start: int, stop: int, axis: int = -1) -> str:
        """Return a slice of an axis."""
        return self.add("Slice", x, self.whole(start), self.whole(stop), self.whole(axis))


def net_graph(member: FieldNetMember) -> NetGraph:
    """Return the nodes that lead from ``features`` to ``log_odds``, and their constants."""
    shape = member.shape
    graph = NetGraph()
    graph.constants.update({f"w_{name}": value for name, value in member.weights.items()})
    of_runner = graph.part("features", 0, shape.n_features) if shape.n_run_columns else "features"
    parts = [_scaled(graph, of_runner, shape.static, "runner")]
    for place, (column, size) in enumerate(zip(shape.static.codes, shape.static.n_codes, strict=True)):
        codes = _codes(graph, of_runner, graph.named(f"code_column_{place}", column), size)
        parts.append(graph.add("Gather", f"w_code_{place}", codes, axis=0))
    static = graph.add("Concat", *parts, axis=1)
    x = static
    if shape.n_run_columns:
        x = graph.add("Concat", static, _of_runs(graph, shape, static), axis=1)
    x = _linear(graph, _gelu(graph, _linear(graph, x, "in")), "down")
    for layer in range(shape.n_layers):
        x = _field_layer(graph, shape, layer, x)
    last = graph.add("MatMul", _norm(graph, x, "last_norm"), "w_last")
    total = graph.add("Add", last, graph.add("MatMul", static, "w_straight"))
    wide = graph.add("Cast", graph.add("Reshape", total, graph.whole(-1)), to=TensorProto.DOUBLE)
    graph.nodes.append(helper.make_node("Identity", [wide], ["log_odds"]))
    return graph


def _scaled(graph: NetGraph, raw: str, scales: Scales, what: str) -> str:
    amounts = graph.add("Gather", raw, graph.named(f"{what}_amounts", scales.amounts), axis=-1)
    is_unknown = graph.add("IsNaN", amounts)
    amounts = graph.add("Where", is_unknown, graph.number(0), amounts)
    if scales.is_log.any():
        logs = graph.add("Log", graph.add("Add", graph.add("Relu", amounts), graph.number(1)))
        amounts = graph.add("Where", graph.named(f"{what}_is_log", scales.is_log > 0), logs, amounts)
    amounts = graph.add("Sub", amounts, graph.named(f"{what}_mean", scales.mean))
    amounts = graph.add("Mul", amounts, graph.named(f"{what}_factor", scales.factor))
    amounts = graph.add("Clip", amounts, graph.number(-CLIP), graph.number(CLIP))
    amounts = graph.add("Where", is_unknown, graph.number(0), amounts)
    if not len(scales.flags):
        return amounts
    flags = graph.add("Gather", raw, graph.named(f"{what}_flags", scales.flags), axis=-1)
    flags = graph.add("IsNaN", flags)
    return graph.add("Concat", amounts, graph.add("Cast", flags, to=TensorProto.FLOAT), axis=-1)


def _codes(graph: NetGraph, raw: str, column: str, size: int) -> str:
    code = graph.add("Gather", raw, column, axis=1)
    code = graph.add("Where", graph.add("IsNaN", code), graph.number(0), code)
    is_low = graph.add("Less", code, graph.number(size))
    is_code = graph.add("And", graph.add("GreaterOrEqual", code, graph.number(0)), is_low)
    return graph.add("Cast", graph.add("Where", is_code, code, graph.number(0)), to=TensorProto.INT64)


def _of_runs(graph: NetGraph, shape: Shape, static: str) -> str:
    n_heads, width = shape.n_heads, shape.run_width
    a_head = width // n_heads
    raw = graph.part("features", shape.n_features, shape.n_inputs)
    raw = graph.add("Reshape", raw, graph.named("runs", np.array([-1, shape.n_runs, shape.n_run_columns])))
    unknown = graph.add("Cast", graph.add("IsNaN", raw), to=TensorProto.FLOAT)
    is_none = graph.add("ReduceMin", unknown, axes=[2], keepdims=0)
    absent = graph.add("Mul", is_none, graph.number(DEAD))
    hidden = _linear(graph, _scaled(graph, raw, shape.of_run, "run"), "run_in")
    hidden = graph.add("Add", hidden, "w_run_ago")
    key_value = _linear(graph, _gelu(graph, hidden), "run_key_value")
    n_runners = graph.add("Shape", "features", start=0, end=1)
    one_each = graph.add("Concat", n_runners, graph.whole(1, 2 * width), axis=0)
    key_value = graph.add("Concat", key_value, graph.add("Expand", "w_no_run", one_each), axis=1)
    present = graph.add("Expand", graph.number(0), graph.add("Concat", n_runners, graph.whole(1), axis=0))
    absent = graph.add("Concat", absent, present, axis=1)
    absent = graph.add("Unsqueeze", absent, graph.whole(1, 2))
    of_heads = graph.whole(0, -1, n_heads, a_head)
    keys = graph.add("Reshape", graph.part(key_value, 0, width), of_heads)
    values = graph.add("Reshape", graph.part(key_value, width, 2 * width), of_heads)
    query = graph.add("Reshape", _linear(graph, static, "query"), graph.whole(-1, n_heads, 1, a_head))
    score = graph.add("MatMul", query, graph.add("Transpose", keys, perm=[0, 2, 3, 1]))
    score = graph.add("Div", score, graph.number(math.sqrt(a_head)))
    share = graph.add("Softmax", graph.add("Add", score, absent), axis=-1)
    seen = graph.add("MatMul", share, graph.add("Transpose", values, perm=[0, 2, 1, 3]))
    return graph.add("Reshape", seen, graph.whole(-1, width))


def _field_layer(graph: NetGraph, shape: Shape, layer: int, x: str) -> str:
    a_head = shape.width // shape.n_heads
    qkv = _linear(graph, _norm(graph, x, f"{layer}_attention_norm"), f"{layer}_qkv")
    of_heads = graph.named("heads", np.array([-1, shape.n_heads, a_head]))
    q, k, v = (
        graph.add("Reshape", graph.part(qkv, start, start + shape.width), of_heads)
        for start in range(0, 3 * shape.width, shape.width)
    )
    q, v = (graph.add("Transpose", part, perm=[1, 0, 2]) for part in (q, v))
    score = graph.add("MatMul", q, graph.add("Transpose", k, perm=[1, 2, 0]))
    score = graph.add("Div", score, graph.number(math.sqrt(a_head)))
    seen = graph.add("MatMul", graph.add("Softmax", score, axis=-1), v)
    seen = graph.add("Reshape", graph.add("Transpose", seen, perm=[1, 0, 2]), graph.whole(-1, shape.width))
    x = graph.add("Add", x, _linear(graph, seen, f"{layer}_out"))
    up = _gelu(graph, _linear(graph, _norm(graph, x, f"{layer}_forward_norm"), f"{layer}_up"))
    return graph.add("Add", x, _linear(graph, up, f"{layer}_back"))


def _linear(graph: NetGraph, x: str, name: str) -> str:
    return graph.add("Add", graph.add("MatMul", x, f"w_{name}"), f"w_{name}_bias")


def _norm(graph: NetGraph, x: str, name: str) -> str:
    return graph.add("LayerNormalization", x, f"w_{name}", f"w_{name}_bias", axis=-1, epsilon=EPSILON)


def _gelu(graph: NetGraph, x: str) -> str:
    erf = graph.add("Erf", graph.add("Div", x, graph.number(math.sqrt(2))))
    product = graph.add("Mul", x, graph.add("Add", erf, graph.number(1)))
    return graph.add("Mul", product, graph.number(0.5))
