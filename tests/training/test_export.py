"""Graphs against estimators, and the losses and samples that these are fitted with."""

import numpy as np
import onnxruntime as ort
import pytest
from sklearn._loss.loss import HalfSquaredError

from racing.probabilities import share_within_race
from training.data.imbalance import add_synthetic_winners, focal_derivatives, focal_loss, weigh_classes
from training.data.training_set import TrainingSet
from training.export.onnx_graphs import to_onnx
from training.families import FAMILIES, Setting, TreeMember, family_named


def make_training_set(n=1500, n_features=12, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, n_features)).astype(np.float32)
    features[rng.random(features.shape) < 0.15] = np.nan
    features[:, 0] = rng.integers(1, 9, n)
    features[:, 1] = np.nan
    features[:, 2] = np.round(features[:, 2] * 4) / 4  # values that thresholds fall between, and ties
    odds = np.nan_to_num(features[:, 3]) + np.nan_to_num(features[:, 4]) - 1.5
    won = rng.random(n) < 1 / (1 + np.exp(-odds))
    return TrainingSet(features, won, np.ones(n))


def by_race(train, size=6):
    """Return the same rows in races, each runner's share of the target known."""
    n = len(train.won) // size * size
    race = np.arange(n) // size
    odds = np.nan_to_num(train.features[:n, 3]) + np.nan_to_num(train.features[:n, 4])
    return TrainingSet(train.features[:n], train.won[:n], np.ones(n), share_within_race(odds, race), race)


def answer(graph, features):
    return ort.InferenceSession(graph).run(["log_odds"], {"features": features})[0]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_graph_agrees_with_its_estimator_on_known_unknown_and_extreme_values(family):
    train = make_training_set()
    features = train.features.copy()
    features[:20] = np.nan
    features[20:30], features[30:40] = 1e30, -1e30
    gammas = (None, 2.0) if family.has_focal_loss else (None,)
    for rows, gamma in [*((train, gamma) for gamma in gammas), (by_race(train), None)]:
        member = family.fit(
            rows, family.defaults, Setting(categorical=(0,), focal_gamma=gamma, is_final=True)
        )
        graph = to_onnx(member, features.shape[1])
        got = answer(graph, features)
        assert got.shape == (len(features),)
        assert np.ptp(got) > 1
        assert np.abs(got - member.log_odds(features)).max() < 1e-5
        assert len(graph) < 5_000_000


def test_graph_branches_alike_on_the_thresholds_themselves():
    train = make_training_set()
    for family in FAMILIES:
        member = family.fit(train, family.defaults, Setting())
        if not isinstance(member, TreeMember):
            continue
        forest = member.forest()
        tree = forest.trees[0]
        features = np.zeros((3, train.features.shape[1]), np.float32)
        threshold = np.float32(tree.threshold[0])
        features[:, tree.feature[0]] = [np.nextafter(threshold, np.float32(-9)), threshold,
                                     np.nextafter(threshold, np.float32(9))]  # fmt: skip
        np.testing.assert_allclose(
            answer(to_onnx(member, features.shape[1]), features), member.log_odds(features), atol=1e-5
        )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_derivatives_are_those_of_the_loss(gamma):
    odds = np.linspace(-3, 3, 25)
    for won in (np.ones(25, bool), np.zeros(25, bool)):
        gradient, hessian = focal_derivatives(odds, won, gamma)
        step = 1e-4
        up, down = focal_loss(odds + step, won, gamma), focal_loss(odds - step, won, gamma)
        np.testing.assert_allclose(gradient, (up - down) / (2 * step), atol=1e-6)
        curvature = (up + down - 2 * focal_loss(odds, won, gamma)) / step**2
        np.testing.assert_allclose(hessian, np.maximum(curvature, 1e-6), atol=1e-5)


def test_synthetic_winners_follow_untouched_rows_and_keep_codes_whole():
    train = make_training_set()
    more = add_synthetic_winners(train, (0,), seed=1)
    n = len(train.won)
    np.testing.assert_array_equal(more.features[:n], train.features)
    assert more.won[n:].all()
    assert len(more.won) > n
    assert set(np.unique(more.features[n:, 0])) <= set(range(1, 9))
    assert abs(more.won.sum() / (~more.won).sum() - 0.5) < 0.01 or train.won.mean() > 1 / 3


def test_class_weights_make_winners_and_losers_even():
    train = weigh_classes(make_training_set())
    assert train.weights[train.won].sum() == pytest.approx(train.weights[~train.won].sum())


def test_what_scikit_learn_keeps_private_and_gradient_boosting_needs_is_there():
    family = family_named("gradient_boosting")
    for rows in (make_training_set(), by_race(make_training_set())):
        estimator = family.fit(rows, family.defaults, Setting()).estimator
        assert len(estimator._predictors) == family.defaults["max_iter"]
        assert {
            "is_leaf",
            "feature_idx",
            "num_threshold",
            "left",
            "right",
            "missing_go_to_left",
            "value",
        } <= set(estimator._predictors[0][0].nodes.dtype.names)
        assert np.size(estimator._baseline_prediction) == 1
    assert isinstance(estimator._loss, HalfSquaredError)
