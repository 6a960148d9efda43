"""The net's forward pass: it is the attention that its words promise, though no key or value is made."""

import math
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from training.families.field_net.fields import places_of, rows_of
from training.families.field_net.scales import learn_scales
from training.families.field_net.shape import DEAD, Shape

if find_spec("torch") is None:
    pytest.skip("torch is of the extra nets", allow_module_level=True)

import torch
from torch.nn import functional

from training.families.field_net.network import Noise, dropped, field_log_odds, first_weights
from training.families.field_net.races import Races, RaceSource

N_FEATURES, N_RUN_COLUMNS, N_RUNS = 7, 4, 5


def make_rows(sizes, seed=0):
    """Features with codes and unknown values, and runs of which the older ones are missing."""
    draw = np.random.default_rng(seed)
    n = sum(sizes)
    features = draw.normal(size=(n, N_FEATURES)).astype(np.float32)
    features[:, 3] = draw.integers(0, 6, n)
    features[draw.random(n) < 0.3, 2] = np.nan
    features[:, 5] = np.exp(3 * features[:, 5])
    runs = draw.normal(size=(n, N_RUNS, N_RUN_COLUMNS)).astype(np.float32)
    runs[:, :, 1][draw.random((n, N_RUNS)) < 0.4] = np.nan
    runs[np.arange(N_RUNS) >= draw.integers(0, N_RUNS + 1, n)[:, None]] = np.nan
    return features, runs.reshape(n, -1), np.repeat(np.arange(len(sizes)), sizes)


@pytest.fixture(scope="module")
def rows():
    return make_rows([6, 8, 2, 7, 1, 8])


@pytest.fixture(scope="module")
def shape(rows):
    features, runs, _ = rows
    single = runs.reshape(-1, N_RUN_COLUMNS)
    return Shape(
        n_features=N_FEATURES,
        n_run_columns=N_RUN_COLUMNS,
        n_runs=N_RUNS,
        static=learn_scales(features, (3,)),
        of_run=learn_scales(single[~np.isnan(single).all(axis=1)]),
        n_layers=2,
    )


@pytest.fixture(scope="module")
def weights(shape):
    draw = torch.Generator().manual_seed(1)
    drawn = first_weights(shape, 0)
    return {name: value + 0.2 * torch.randn(value.shape, generator=draw) for name, value in drawn.items()}


def scaled(raw, scales):
    """What ``Scales`` promises, in numpy."""
    x = raw[:, scales.amounts].astype(np.float64)
    logs = np.log1p(np.maximum(x, 0))
    x = (np.where(scales.is_log > 0, logs, x) - scales.mean) * scales.factor
    flags = np.isnan(raw[:, scales.flags])
    return torch.from_numpy(np.hstack([np.nan_to_num(np.clip(x, -4, 4)), flags]).astype(np.float32))


def attention(q, k, v, n_heads, is_there):
    """Attention as it is taught, of shapes (n, width): a head at a time."""
    seen = []
    for own_q, own_k, own_v in zip(*(x.chunk(n_heads, dim=-1) for x in (q, k, v)), strict=True):
        score = own_q @ own_k.T / math.sqrt(own_q.shape[-1])
        seen.append((score + torch.where(is_there, 0.0, DEAD)).softmax(dim=-1) @ own_v)
    return torch.cat(seen, dim=-1)


def plain_log_odds(weights, shape, features, runs):
    """One race, nothing padded: every key and value of every run is made."""

    def linear(x, name):
        return x @ weights[name] + weights[f"{name}_bias"]

    def norm(x, name):
        return functional.layer_norm(x, x.shape[-1:], weights[name], weights[f"{name}_bias"], 1e-5)

    codes = weights["code_0"][torch.from_numpy(np.nan_to_num(features[:, 3]).astype(np.int64))]
    static = torch.cat([scaled(features, shape.static), codes], dim=-1)
    of_runs = []
    for own, query in zip(runs.reshape(-1, N_RUNS, N_RUN_COLUMNS), linear(static, "query"), strict=True):
        hidden = functional.gelu(linear(scaled(own, shape.of_run), "run_in") + weights["run_ago"])
        k, v = torch.cat([linear(hidden, "run_key_value"), weights["no_run"]]).chunk(2, dim=-1)
        is_there = torch.from_numpy(np.append(~np.isnan(own).all(axis=1), True))
        of_runs.append(attention(query[None], k, v, shape.n_heads, is_there))
    x = torch.cat([static, torch.cat(of_runs)], dim=-1)
    x = linear(functional.gelu(linear(x, "in")), "down")
    for layer in range(shape.n_layers):
        q, k, v = linear(norm(x, f"{layer}_attention_norm"), f"{layer}_qkv").chunk(3, dim=-1)
        everyone = torch.ones(len(x), dtype=torch.bool)
        x = x + linear(attention(q, k, v, shape.n_heads, everyone), f"{layer}_out")
        x = x + linear(
            functional.gelu(linear(norm(x, f"{layer}_forward_norm"), f"{layer}_up")), f"{layer}_back"
        )
    return (norm(x, "last_norm") @ weights["last"] + static @ weights["straight"])[:, 0]


def with_gradients(weights):
    return {name: value.clone().requires_grad_() for name, value in weights.items()}


def test_log_odds_and_gradients_are_those_of_plain_attention_race_by_race(rows, shape, weights):
    features, runs, race = rows
    plain, quick = with_gradients(weights), with_gradients(weights)
    expected = torch.cat(
        [plain_log_odds(plain, shape, features[race == each], runs[race == each]) for each in np.unique(race)]
    )
    taken = rows_of(*places_of(race), np.arange(race[-1] + 1))
    got = field_log_odds(quick, shape, RaceSource.of(features, runs, N_RUNS).races(taken))[
        torch.from_numpy(taken >= 0)
    ]
    assert np.ptp(expected.detach().numpy()) > 1
    np.testing.assert_allclose(got.detach(), expected.detach(), atol=1e-5)
    slope = torch.linspace(-1, 1, len(expected))
    for odds in (expected, got):
        (odds * slope).sum().backward()
    for name, value in plain.items():
        np.testing.assert_allclose(quick[name].grad, value.grad, atol=1e-4, err_msg=name)


def test_rows_of_runs_are_found_by_their_numbers_and_only_runs_that_are_there_are_taken(rows):
    features, runs, race = rows
    taken = rows_of(*places_of(race), np.array([1, 4]))
    own = RaceSource.of(features, runs, N_RUNS).races(taken)
    backwards = np.arange(len(runs))[::-1]
    by_number = RaceSource.of(features, runs[::-1].copy(), N_RUNS, backwards).races(taken)
    assert torch.equal(own.slot, by_number.slot)
    np.testing.assert_array_equal(own.runs, by_number.runs)
    single = runs.reshape(len(runs), N_RUNS, -1)
    is_run = ~np.isnan(single).all(axis=2)
    assert len(own.runs) == is_run[race == 1].sum() + is_run[race == 4].sum()
    place, ago = np.divmod(own.slot.numpy(), N_RUNS)
    np.testing.assert_array_equal(own.runs, single[taken.ravel()[place], ago])


def test_a_run_left_out_by_chance_is_as_one_that_never_was(rows, shape, weights):
    features, runs, race = rows
    source = RaceSource.of(features, runs, N_RUNS)
    taken = rows_of(*places_of(race), np.arange(race[-1] + 1))
    fewer = source.races(taken, 0.5, np.random.default_rng(0))
    assert 0.3 < len(fewer.slot) / len(source.races(taken).slot) < 0.7
    left = np.full((taken.size * N_RUNS, N_RUN_COLUMNS), np.nan, np.float32)
    left[fewer.slot] = fewer.runs
    without = runs.copy()
    without[taken[taken >= 0]] = left.reshape(taken.size, -1)[taken.ravel() >= 0]
    again = RaceSource.of(features, without, N_RUNS).races(taken)
    np.testing.assert_array_equal(
        field_log_odds(weights, shape, fewer), field_log_odds(weights, shape, again)
    )


def test_of_many_runs_a_round_number_is_left_that_is_near_to_the_share():
    features, runs, race = make_rows([8] * 900)
    source = RaceSource.of(features, runs, N_RUNS)
    taken = rows_of(*places_of(race), np.arange(900))
    draw = np.random.default_rng(0)
    slot = source.races(taken, 0.1, draw).slot
    assert len(slot) % 1024 == 0
    assert len(slot) / source.is_run.sum() == pytest.approx(0.9, abs=0.04)
    assert (np.diff(slot) > 0).all()


def test_a_field_of_which_no_run_is_known_is_judged_by_its_features(rows, shape, weights):
    features, runs, race = rows
    taken = rows_of(*places_of(race), np.array([0, 1]))
    source = RaceSource.of(features, np.full_like(runs, np.nan), N_RUNS)
    draw = np.random.default_rng(0)
    quiet, noisy = (field_log_odds(weights, shape, source.races(taken, 0.1, each)) for each in (None, draw))
    assert torch.isfinite(quiet).all()
    assert torch.equal(quiet, noisy)


def test_dropout_leaves_the_mean_as_it_is():
    got = dropped(torch.ones(300, 200), Noise(0.2, np.random.default_rng(0))).numpy()
    assert np.mean(got == 0) == pytest.approx(0.2, abs=0.01)
    np.testing.assert_allclose(np.unique(got), [0, 1.25])


def test_without_runs_the_features_are_all_there_is(rows, shape):
    features, _, race = rows
    blind = replace(shape, n_run_columns=0, n_runs=0)
    taken = rows_of(*places_of(race), np.arange(2))
    races = RaceSource.of(features, None, 0).races(taken)
    assert races.runs is None
    assert isinstance(races, Races)
    assert field_log_odds(first_weights(blind, 0), blind, races).shape == taken.shape
