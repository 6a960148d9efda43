"""The net itself in torch: from the raw features of padded races to one log odds a runner.

Each runner's last runs are read by attention (Vaswani et al., 2017), with a query made of its features; then
the runners of a race look at each other, and nothing tells them apart but their features::

    features ─ scales ─┬──────────────────────────────────┐
                       └─ query ─┐                        ├─ 128 ─ width ─ field layers ─ log odds
    runs ── scales ── hidden ── keys, values ── attention ┘                                  ^
                                                          └────────── straight ──────────────┘

It is written as functions of named arrays, the weights: torch fits them, ONNX Runtime runs them
(:mod:`training.families.field_net.graph` writes the same in ONNX), and no class of torch is ever stored.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from training.families.field_net.scales import Scales
from training.families.field_net.shape import CLIP, DEAD, EPSILON, Shape

Tensor = Any
Weights = Mapping[str, Tensor]


def first_weights(shape: Shape, seed: int) -> dict[str, Tensor]:
    """Return weights to begin with, drawn by a seed."""
    draw = torch.Generator().manual_seed(seed)

    def linear(n_in: int, n_out: int) -> Tensor:
        bound = 1 / math.sqrt(max(n_in, 1))
        return (torch.rand(n_in, n_out, generator=draw) * 2 - 1) * bound

    weights: dict[str, Tensor] = {}
    for place, size in enumerate(shape.static.n_codes):
        weights[f"code_{place}"] = torch.randn(size, shape.code_width, generator=draw) * 0.1
    n_in = shape.static_width
    if shape.n_run_columns:
        n_in += shape.run_width
        weights["run_in"] = linear(shape.of_run.width, 2 * shape.run_width)
        weights["run_in_bias"] = torch.zeros(2 * shape.run_width)
        weights["run_key_value"] = linear(2 * shape.run_width, 2 * shape.run_width)
        weights["run_key_value_bias"] = torch.zeros(2 * shape.run_width)
        weights["run_ago"] = torch.randn(shape.n_runs, 2 * shape.run_width, generator=draw) * 0.02
        weights["no_run"] = torch.randn(1, 2 * shape.run_width, generator=draw) * 0.1
        weights["query"] = linear(shape.static_width, shape.run_width)
        weights["query_bias"] = torch.zeros(shape.run_width)
    weights["in"] = linear(n_in, shape.hidden)
    weights["in_bias"] = torch.zeros(shape.hidden)
    weights["down"] = linear(shape.hidden, shape.width)
    weights["down_bias"] = torch.zeros(shape.width)
    for layer in range(shape.n_layers):
        for name in ("attention", "forward"):
            weights[f"{layer}_{name}_norm"] = torch.ones(shape.width)
            weights[f"{layer}_{name}_norm_bias"] = torch.zeros(shape.width)
        weights[f"{layer}_qkv"] = linear(shape.width, 3 * shape.width)
        weights[f"{layer}_qkv_bias"] = torch.zeros(3 * shape.width)
        weights[f"{layer}_out"] = linear(shape.width, shape.width)
        weights[f"{layer}_out_bias"] = torch.zeros(shape.width)
        weights[f"{layer}_up"] = linear(shape.width, 2 * shape.width)
        weights[f"{layer}_up_bias"] = torch.zeros(2 * shape.width)
        weights[f"{layer}_back"] = linear(2 * shape.width, shape.width)
        weights[f"{layer}_back_bias"] = torch.zeros(shape.width)
    weights["last_norm"] = torch.ones(shape.width)
    weights["last_norm_bias"] = torch.zeros(shape.width)
    weights["last"] = linear(shape.width, 1) * 0.1
    weights["straight"] = torch.zeros(shape.static_width, 1)
    return weights


@dataclass(frozen=True, slots=True)
class Noise:
    """What is left out at random while a net is fitted."""

    dropout: float
    run_dropout: float


def field_log_odds(
    weights: Weights,
    shape: Shape,
    features: Tensor,
    runs: Tensor | None,
    is_runner: Tensor,
    noise: Noise | None = None,
) -> Tensor:
    """Return log odds of shape (n_races, n_places).

    Parameters
    ----------
    features : tensor of shape (n_races, n_places, n_features)
        Races padded to the largest field; NaN is unknown.
    runs : tensor of shape (n_races, n_places, n_runs * n_run_columns), optional
        Newest run first; NaN is unknown, and a run that is NaN altogether is none.
    is_runner : tensor of shape (n_races, n_places)
        Where there is a runner.
    """
    static = _scaled(features, shape.static)
    codes = [
        weights[f"code_{place}"][_codes(features[..., int(column)], size)]
        for place, (column, size) in enumerate(zip(shape.static.codes, shape.static.n_codes, strict=True))
    ]
    static = torch.cat([static, *codes], dim=-1)
    x = static
    if runs is not None and shape.n_run_columns:
        x = torch.cat([static, _of_runs(weights, shape, static, runs, noise)], dim=-1)
    x = _dropped(functional.gelu(x @ weights["in"] + weights["in_bias"]), noise)
    x = x @ weights["down"] + weights["down_bias"]
    unseen = torch.where(is_runner, 0.0, DEAD)[:, None, None, :]
    for layer in range(shape.n_layers):
        x = _field_layer(weights, shape, layer, x, unseen, noise)
    x = _norm(x, weights, "last_norm")
    return (x @ weights["last"] + static @ weights["straight"])[..., 0]


def _field_layer(
    weights: Weights, shape: Shape, layer: int, x: Tensor, unseen: Tensor, noise: Noise | None
) -> Tensor:
    """Return what runners are after they have looked at each other (pre-norm: Xiong et al., 2020)."""
    normed = _norm(x, weights, f"{layer}_attention_norm")
    qkv = normed @ weights[f"{layer}_qkv"] + weights[f"{layer}_qkv_bias"]
    q, k, v = (_heads(part, shape.n_heads) for part in qkv.chunk(3, dim=-1))
    score = q @ k.transpose(-1, -2) / math.sqrt(shape.width // shape.n_heads) + unseen
    seen = _merged(_dropped(score.softmax(dim=-1), noise) @ v)
    x = x + _dropped(seen @ weights[f"{layer}_out"] + weights[f"{layer}_out_bias"], noise)
    normed = _norm(x, weights, f"{layer}_forward_norm")
    up = _dropped(functional.gelu(normed @ weights[f"{layer}_up"] + weights[f"{layer}_up_bias"]), noise)
    return x + _dropped(up @ weights[f"{layer}_back"] + weights[f"{layer}_back_bias"], noise)


def _of_runs(weights: Weights, shape: Shape, static: Tensor, runs: Tensor, noise: Noise | None) -> Tensor:
    """Return what a runner's runs say to the query of its features: (n_races, n_places, run_width)."""
    n_races, n_places = runs.shape[:2]
    n_runners = n_races * n_places
    runs = runs.reshape(n_runners, shape.n_runs, shape.n_run_columns)
    is_run = ~torch.isnan(runs).all(dim=-1)
    if noise is not None:
        is_run = is_run & (torch.rand(is_run.shape) >= noise.run_dropout)
    hidden = _scaled(runs, shape.of_run) @ weights["run_in"] + weights["run_in_bias"] + weights["run_ago"]
    key_value = functional.gelu(hidden) @ weights["run_key_value"] + weights["run_key_value_bias"]
    key_value = torch.cat([key_value, weights["no_run"].expand(n_runners, 1, -1)], dim=1)
    keys, values = (_heads(part, shape.n_heads) for part in key_value.chunk(2, dim=-1))
    query = static.reshape(n_runners, 1, -1) @ weights["query"] + weights["query_bias"]
    score = _heads(query, shape.n_heads) @ keys.transpose(-1, -2)
    score = score / math.sqrt(shape.run_width // shape.n_heads)
    absent = torch.cat([torch.where(is_run, 0.0, DEAD), torch.zeros(n_runners, 1)], dim=1)
    seen = _merged((score + absent[:, None, None, :]).softmax(dim=-1) @ values)
    return seen.reshape(n_races, n_places, shape.run_width)


def _scaled(raw: Tensor, scales: Scales) -> Tensor:
    amounts = raw[..., torch.from_numpy(scales.amounts)]
    is_unknown = torch.isnan(amounts)
    amounts = torch.where(is_unknown, 0.0, amounts)
    is_log = torch.from_numpy(scales.is_log) > 0
    amounts = torch.where(is_log, torch.log(torch.clamp(amounts, min=0) + 1), amounts)
    amounts = (amounts - torch.from_numpy(scales.mean)) * torch.from_numpy(scales.factor)
    amounts = torch.where(is_unknown, 0.0, torch.clamp(amounts, -CLIP, CLIP))
    flags = torch.isnan(raw[..., torch.from_numpy(scales.flags)]).float()
    return torch.cat([amounts, flags], dim=-1)


def _codes(raw: Tensor, size: int) -> Tensor:
    known = torch.nan_to_num(raw, nan=0.0)
    return torch.where((known >= 0) & (known < size), known, 0.0).long()


def _norm(x: Tensor, weights: Weights, name: str) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], weights[name], weights[f"{name}_bias"], EPSILON)


def _heads(x: Tensor, n_heads: int) -> Tensor:
    return x.unflatten(-1, (n_heads, -1)).transpose(-2, -3)


def _merged(x: Tensor) -> Tensor:
    return x.transpose(-2, -3).flatten(-2)


def _dropped(x: Tensor, noise: Noise | None) -> Tensor:
    return x if noise is None else functional.dropout(x, noise.dropout)


def as_tensors(weights: Mapping[str, NDArray[np.float32]]) -> dict[str, Tensor]:
    """Return stored weights as tensors."""
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in weights.items()}
