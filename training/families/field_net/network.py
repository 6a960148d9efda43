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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from training.families.field_net.races import Races
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
    draw: np.random.Generator


def field_log_odds(weights: Weights, shape: Shape, races: Races, noise: Noise | None = None) -> Tensor:
    """Return log odds of shape (n_races, n_places)."""
    parts = [_scaled(races.features, shape.static)]
    if len(shape.static.codes):
        parts.append(_embedded(weights, shape.static, races.features))
    of_field = [*parts, _of_runs(weights, shape, parts, races)] if races.runs is not None else parts
    x = dropped(functional.gelu(_product(of_field, weights["in"]) + weights["in_bias"]), noise)
    x = x @ weights["down"] + weights["down_bias"]
    unseen = torch.where(races.is_runner, 0.0, DEAD)[:, None, None, :]
    for layer in range(shape.n_layers):
        x = _field_layer(weights, shape, layer, x, unseen, noise)
    x = _norm(x, weights, "last_norm")
    return (x @ weights["last"] + _product(parts, weights["straight"]))[..., 0]


def _field_layer(
    weights: Weights, shape: Shape, layer: int, x: Tensor, unseen: Tensor, noise: Noise | None
) -> Tensor:
    """Return what runners are after they have looked at each other (pre-norm: Xiong et al., 2020)."""
    normed = _norm(x, weights, f"{layer}_attention_norm")
    qkv = normed @ weights[f"{layer}_qkv"] + weights[f"{layer}_qkv_bias"]
    q, k, v = (part.unflatten(-1, (shape.n_heads, -1)).transpose(1, 2) for part in qkv.chunk(3, dim=-1))
    score = q @ k.transpose(-1, -2) / math.sqrt(shape.width // shape.n_heads) + unseen
    seen = (dropped(_shares(score), noise) @ v).transpose(1, 2).flatten(-2)
    x = x + dropped(seen @ weights[f"{layer}_out"] + weights[f"{layer}_out_bias"], noise)
    normed = _norm(x, weights, f"{layer}_forward_norm")
    up = dropped(functional.gelu(normed @ weights[f"{layer}_up"] + weights[f"{layer}_up_bias"]), noise)
    return x + dropped(up @ weights[f"{layer}_back"] + weights[f"{layer}_back_bias"], noise)


def _of_runs(weights: Weights, shape: Shape, static: Sequence[Tensor], races: Races) -> Tensor:
    """Return what a runner's runs say to the query of its features: (n_races, n_places, run_width).

    A runner has one query, so no run's key or value is ever made: q . (W h) is (q W) . h, and a mean of
    values W h is W times the mean of h. The keys' bias adds the same to all scores of a runner, which changes
    no share, and the values' bias is the same for all runs; what stands for "no run" is taken less both.
    """
    hidden = _hidden_of_runs(weights, shape, races)
    to_keys, to_values = (
        part.unflatten(-1, (shape.n_heads, -1)) for part in weights["run_key_value"].chunk(2, dim=-1)
    )
    bias = weights["run_key_value_bias"]
    no_key, no_value = (weights["no_run"][0] - bias).view(2, shape.n_heads, -1)
    query = (_product(static, weights["query"]) + weights["query_bias"]).view(-1, *no_key.shape)
    query = query / math.sqrt(shape.run_width // shape.n_heads)
    carried = torch.einsum("nhd,chd->nhc", query, to_keys)
    absent = torch.full((hidden.shape[0] * shape.n_runs,), DEAD).index_fill_(0, races.slot, 0.0)
    of_none = (query * no_key).sum(dim=-1, keepdim=True)
    mean, share_of_none = _Look.apply(carried, hidden, absent.view(-1, 1, shape.n_runs), of_none)
    seen = torch.einsum("nhc,chd->nhd", mean, to_values) + share_of_none * no_value
    return seen.reshape(*races.is_runner.shape, -1) + bias[shape.run_width :]


class _Look(torch.autograd.Function):  # type: ignore[misc]
    """The mean of a runner's runs by each head, and what share "no run" has of it.

    ``carried`` is of shape (n, n_heads, width), ``hidden`` (n, n_runs, width), ``absent`` (n, 1, n_runs),
    ``of_none``, the score of no run, (n, n_heads, 1). Its gradient is written out, for ``hidden`` is large
    and is looked at twice: one product finds both gradients, and nothing adds them.
    """

    @staticmethod
    def forward(ctx: Any, carried: Tensor, hidden: Tensor, absent: Tensor, of_none: Tensor) -> Any:
        score = carried @ hidden.transpose(1, 2) + absent
        share = _shares(torch.cat([score, of_none], dim=-1))
        ctx.save_for_backward(carried, hidden, share)
        return share[..., :-1] @ hidden, share[..., -1:]

    @staticmethod
    def backward(ctx: Any, of_mean: Tensor, of_share: Tensor) -> Any:
        carried, hidden, share = ctx.saved_tensors
        slope = torch.cat([of_mean @ hidden.transpose(1, 2), of_share], dim=-1)
        of_score = share * (slope - (share * slope).sum(dim=-1, keepdim=True))
        both = torch.cat([of_score[..., :-1], share[..., :-1]], dim=1)
        of_hidden = both.transpose(1, 2) @ torch.cat([carried, of_mean], dim=1)
        return of_score[..., :-1] @ hidden, of_hidden, None, of_score[..., -1:]


def _hidden_of_runs(weights: Weights, shape: Shape, races: Races) -> Tensor:
    """Return what runs are before they are looked at, 0 where there is none.

    Its shape is (n_runners, n_runs, 2 * run_width).
    """
    of_ago = weights["run_ago"] + weights["run_in_bias"]
    begin = functional.embedding(races.slot % shape.n_runs, of_ago)
    there = functional.gelu(torch.addmm(begin, _scaled(races.runs, shape.of_run), weights["run_in"]))
    hidden = torch.zeros(races.is_runner.numel() * shape.n_runs, there.shape[-1])
    return hidden.index_copy_(0, races.slot, there).view(-1, shape.n_runs, there.shape[-1])


def _scaled(raw: Tensor, scales: Scales) -> Tensor:
    amounts = raw[..., torch.from_numpy(scales.amounts)]
    is_log = torch.from_numpy(np.flatnonzero(scales.is_log))
    if len(is_log):
        amounts[..., is_log] = torch.log(torch.clamp(amounts[..., is_log], min=0) + 1)
    amounts.sub_(torch.from_numpy(scales.mean)).mul_(torch.from_numpy(scales.factor))
    amounts.clamp_(-CLIP, CLIP).nan_to_num_(nan=0.0)
    flags = torch.isnan(raw[..., torch.from_numpy(scales.flags)]).float()
    return torch.cat([amounts, flags], dim=-1)


def _embedded(weights: Weights, scales: Scales, raw: Tensor) -> Tensor:
    embedded = []
    for place, (column, size) in enumerate(zip(scales.codes, scales.n_codes, strict=True)):
        code = torch.nan_to_num(raw[..., int(column)], nan=0.0)
        code = torch.where((code >= 0) & (code < size), code, 0.0).long()
        embedded.append(functional.embedding(code, weights[f"code_{place}"]))
    return torch.cat(embedded, dim=-1)


def _norm(x: Tensor, weights: Weights, name: str) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], weights[name], weights[f"{name}_bias"], EPSILON)


def _product(parts: Sequence[Tensor], weight: Tensor) -> Tensor:
    """Return the product of columns that lie in parts: those that nothing is learnt of need no gradient."""
    rows = weight.split([part.shape[-1] for part in parts])
    return reduce(torch.add, (part @ own for part, own in zip(parts, rows, strict=True)))


def _shares(score: Tensor) -> Tensor:
    """Return the softmax over a short last axis, worked out over a first one: ten times as fast."""
    return score.movedim(-1, 0).contiguous().softmax(dim=0).movedim(0, -1)


def dropped(x: Tensor, noise: Noise | None) -> Tensor:
    """Return numbers with some at random 0 and the others larger; torch's own draws take a tenth of a fit."""
    if noise is None:
        return x
    random = np.frombuffer(noise.draw.bytes(2 * x.numel()), np.uint16)
    factor = (random >= round(noise.dropout * 2**16)) * np.float32(1 / (1 - noise.dropout))
    return x * torch.from_numpy(factor).view(x.shape)


def as_tensors(weights: Mapping[str, NDArray[np.float32]]) -> dict[str, Tensor]:
    """Return stored weights as tensors."""
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in weights.items()}
