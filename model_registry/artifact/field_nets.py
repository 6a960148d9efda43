"""What the graph of a net over the field computes, by the names that our training gives its constants."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_registry.artifact.onnx_reader import NotRead, read_graph
from racing.ops.nets import Columns, FieldNet

Constants = Mapping[str, NDArray[Any]]


def read_net(content: bytes, n_inputs: int) -> FieldNet:
    """Return the net of an ONNX graph, written by :mod:`training.families.field_net.graph`.

    Its nodes are not followed: that it computes the same is for the caller to prove.

    Raises
    ------
    NotRead
        If constants of such a graph are missing or of other shapes.
    """
    constants = read_graph(content).constants
    try:
        return _net(constants, n_inputs)
    except (LookupError, TypeError, ValueError) as error:
        raise NotRead(f"{type(error).__name__}: {error}") from error


def _net(constants: Constants, n_inputs: int) -> FieldNet:
    _, n_heads, _ = constants["heads"].tolist()
    n_runs = n_run_columns = 0
    if "runs" in constants:
        _, n_runs, n_run_columns = constants["runs"].tolist()
    n_codes = sum(name.startswith("code_column_") for name in constants)
    return FieldNet(
        n_features=n_inputs - n_runs * n_run_columns,
        n_runs=n_runs,
        n_run_columns=n_run_columns,
        n_heads=n_heads,
        of_runner=_columns(constants, "runner"),
        of_run=_columns(constants, "run") if n_runs else None,
        code_columns=tuple(int(constants[f"code_column_{place}"]) for place in range(n_codes)),
        weights={name[2:]: value for name, value in constants.items() if name.startswith("w_")},
    )


def _columns(constants: Constants, what: str) -> Columns:
    amounts = constants[f"{what}_amounts"]
    return Columns(
        amounts=amounts,
        is_log=constants.get(f"{what}_is_log", np.zeros(len(amounts), bool)),
        mean=constants[f"{what}_mean"],
        factor=constants[f"{what}_factor"],
        flags=constants.get(f"{what}_flags", np.zeros(0, np.int64)),
    )
