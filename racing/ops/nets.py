"""A net over the field, scored in compiled code (``_nets.c``), a race at a time.

What it works out, a row of ``features`` being a runner's features and then its last runs, newest first::

    features ─ scaled, embedded ─┬───────────────────────────────────┐
                                 └─ query ─┐                         ├─ in ─ down ─ layers ─ log odds
    runs ───── scaled ── hidden ── keys, values ── attention ────────┘                        ^
                                 (features once more) ───────────── straight ─────────────────┘

Attention is of Vaswani et al. (2017), with the norms before the layers (Xiong et al., 2020). There is no twin
in numpy: without a compiler ONNX Runtime runs the graph, which says what each number means.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from racing.ops.loops import IS_COMPILED

if TYPE_CHECKING or IS_COMPILED:
    from racing.ops._nets import Net as Net

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

MAX_FIELD = 64
"""Runners of a race; real fields have ten at most."""


@dataclass(frozen=True, slots=True)
class Columns:
    """How some columns become numbers, see :class:`training.families.field_net.scales.Scales`."""

    amounts: Ints
    is_log: NDArray[np.bool_]
    mean: Floats
    factor: Floats
    flags: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldNet:
    """A fitted net: its sizes, what it makes of its inputs, and its weights by name."""

    n_features: int
    n_runs: int
    """0 for a net that takes no runs."""
    n_run_columns: int
    n_heads: int
    of_runner: Columns
    of_run: Columns | None
    code_columns: tuple[int, ...]
    weights: Mapping[str, Floats]
    """As :mod:`training.families.field_net.network` names them, of shapes (numbers in, numbers out)."""


def build_net(net: FieldNet) -> "Net":
    """Return the net ready to score.

    Raises
    ------
    ValueError
        If sizes do not fit each other: widths must be multiples of 16, those of a head among the runners too.
    KeyError
        If a weight is missing.
    """
    weights, n_layers = net.weights, sum(name.endswith("_qkv") for name in net.weights)
    tables = [weights[f"code_{place}"] for place in range(len(net.code_columns))]
    of_run = net.of_run
    sizes = (
        net.n_features,
        net.n_runs,
        net.n_run_columns,
        len(net.of_runner.amounts),
        len(net.of_runner.flags),
        len(tables),
        tables[0].shape[1] if tables else 0,
        len(of_run.amounts) if of_run else 0,
        len(of_run.flags) if of_run else 0,
        weights["query"].shape[1] if of_run else 0,
        weights["in"].shape[1],
        weights["down"].shape[1],
        net.n_heads,
        n_layers,
    )
    columns = [net.of_runner.amounts, net.of_runner.flags, net.code_columns, [len(table) for table in tables]]
    if of_run:
        columns += [of_run.amounts, of_run.flags]
    numbers = [*_scales(net.of_runner), *tables, *(_of_runs(of_run, weights) if of_run else ())]
    numbers += [weights[name] for name in _after_runs(n_layers)]
    return Net(
        sizes,
        np.concatenate([np.asarray(part, np.int64) for part in columns]),
        np.concatenate([np.asarray(part, np.float32).reshape(-1) for part in numbers]),
    )


def _scales(columns: Columns) -> Iterator[NDArray[np.generic]]:
    yield from (columns.is_log, columns.mean, columns.factor)


def _of_runs(columns: Columns, weights: Mapping[str, Floats]) -> Iterator[NDArray[np.generic]]:
    """Yield the numbers of runs; the keys' weights are turned over, to be taken to the query's side."""
    width = weights["query"].shape[1]
    key, value = np.split(weights["run_key_value"], [width], axis=1)
    key_bias, value_bias = np.split(weights["run_key_value_bias"], [width])
    yield from _scales(columns)
    yield from (weights["run_in"], weights["run_in_bias"], weights["run_ago"])
    yield from (key.T, key_bias, value, value_bias)
    yield from (weights["no_run"], weights["query"], weights["query_bias"])


def _after_runs(n_layers: int) -> Iterator[str]:
    """Yield the names of the weights behind those of runs, in the order in which ``_nets.c`` takes them."""
    yield from _with_bias("in", "down")
    for layer in range(n_layers):
        parts = ("attention_norm", "qkv", "out", "forward_norm", "up", "back")
        yield from _with_bias(*(f"{layer}_{part}" for part in parts))
    yield from _with_bias("last_norm")
    yield from ("last", "straight")


def _with_bias(*names: str) -> Iterator[str]:
    for name in names:
        yield from (name, f"{name}_bias")
