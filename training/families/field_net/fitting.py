"""Fitting a net's weights: AdamW with a warm-up and a cosine, and the moving average of the weights.

AdamW is of Loshchilov and Hutter (2019), as the cosine (2017); averages of weights are of Polyak (1992).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from training.data.training_set import TrainingSet
from training.families.field_net.fields import batches, places_of, rows_of
from training.families.field_net.network import Noise, Tensor, as_tensors, field_log_odds, first_weights
from training.families.field_net.races import RaceSource
from training.families.field_net.shape import Shape

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How long and how carefully a net is fitted."""

    n_epochs: int
    races_a_step: int
    rate: float
    weight_decay: float
    dropout: float
    run_dropout: float
    warm_up: int = 100
    average: float = 0.998
    most_gradient: float = 1.0
    min_steps: int = 600
    """With few races a step takes fewer of them, so that there are as many steps."""


def fit_weights(
    train: TrainingSet, shape: Shape, recipe: Recipe, seed: int, on_epoch: Callable[[], None] = lambda: None
) -> dict[str, Floats]:
    """Return the weights of a net, the same for the same arguments; each epoch is reported."""
    torch.set_num_threads(1)
    draw = np.random.default_rng(seed)
    weights = {name: value.requires_grad_() for name, value in first_weights(shape, seed).items()}
    source = RaceSource.of(train.features, train.run_features, shape.n_runs, train.run_rows)
    first, size = places_of(_race_of(train))
    races_a_step = int(np.clip(len(size) * recipe.n_epochs // recipe.min_steps, 16, recipe.races_a_step))
    n_steps = recipe.n_epochs * max(1, round(len(size) / races_a_step))
    decayed = [value for value in weights.values() if value.ndim > 1]
    others = [value for value in weights.values() if value.ndim == 1]
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=recipe.rate, fused=True)
    average = {name: value.detach().clone() for name, value in weights.items()}
    noise = Noise(recipe.dropout, draw)
    step = 0
    for _ in range(recipe.n_epochs):
        for races in batches(size, races_a_step, draw):
            rate = recipe.rate * _rate_at(step, n_steps, min(recipe.warm_up, n_steps // 5 + 1))
            for group in optimizer.param_groups:
                group["lr"] = rate
            rows = rows_of(first, size, races)
            taken = source.races(rows, recipe.run_dropout, draw)
            loss = _loss(field_log_odds(weights, shape, taken, noise), train, rows)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights.values(), recipe.most_gradient)
            optimizer.step()
            step += 1
            share = min(recipe.average, (1 + step) / (10 + step))
            with torch.no_grad():
                torch._foreach_lerp_(list(average.values()), list(weights.values()), 1 - share)
        on_epoch()
    return {name: value.numpy().copy() for name, value in average.items()}


def log_odds_of(
    weights: Mapping[str, Floats],
    shape: Shape,
    features: Floats,
    runs: Floats | None,
    race: Ints,
    races_at_once: int = 1024,
) -> NDArray[np.float64]:
    """Return each runner's log odds; races are contiguous."""
    if not len(race):
        return np.zeros(0)
    tensors = as_tensors(weights)
    source = RaceSource.of(features, runs, shape.n_runs)
    first, size = places_of(race)
    result = np.empty(len(race))
    with torch.inference_mode():
        for start in range(0, len(size), races_at_once):
            rows = rows_of(first, size, np.arange(start, min(start + races_at_once, len(size))))
            is_runner = rows >= 0
            odds = field_log_odds(tensors, shape, source.races(rows))
            result[rows[is_runner]] = odds.numpy()[is_runner]
    return result


def _race_of(train: TrainingSet) -> Ints:
    if train.race is None:
        raise ValueError("a net over the field learns from rows whose races are known")
    return train.race


def _loss(odds: Tensor, train: TrainingSet, rows: Ints) -> Tensor:
    place, is_runner = np.maximum(rows, 0), torch.from_numpy(rows >= 0)
    share = train.won if train.target is None else train.target
    target = torch.from_numpy(np.where(rows >= 0, share[place], 0).astype(np.float32))
    weight = torch.from_numpy(train.weights[place].astype(np.float32))
    if train.target is not None:
        shares = functional.log_softmax(odds.masked_fill(~is_runner, -1e9), dim=-1)
        return -(target * shares.masked_fill(~is_runner, 0.0) * weight).sum() / len(rows)
    each = functional.binary_cross_entropy_with_logits(odds, target, weight=weight, reduction="none")
    return each[is_runner].mean()


def _rate_at(step: int, n_steps: int, warm_up: int) -> float:
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, n_steps - warm_up)))
