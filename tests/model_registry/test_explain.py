"""Explanations: exact Shapley values of the model as it is served, against the field's mean."""

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from model_registry.artifact import (
    Calibration,
    Explanation,
    Isotonic,
    LoadedModel,
    Platt,
    explain,
    load_artifact,
)
from model_registry.artifact.explain import field_mean, shapley_values
from tests.model_registry.builders import make_artifact, make_features, make_spec

FEATURES = ("box", "win_rate", "last_result", "best_time", "days")
TOPICS = ("box", "results", "results", "times", "fitness")
IS_CODE = (True, False, False, False, False)
COEFFICIENTS = (-0.3, 2.0, 0.5, -0.7, 0.0)
TABLE = Isotonic((-4.0, -1.0, 0.5, 4.0), (0.0, 0.1, 0.3, 0.95))


def make_model(
    directory: Path, calibration: Calibration = TABLE, coefficients: Sequence[float] = COEFFICIENTS
) -> LoadedModel:
    """A model that a table of calibration makes far from linear, unless another is given."""
    spec = make_spec(2, features=FEATURES, calibration=calibration, sharing_exponent=0.8)
    make_artifact(directory, spec=spec, coefficients=coefficients)
    return load_artifact(directory)


def make_field(n_runners: int = 6, seed: int = 2) -> np.ndarray:
    """Features of one race: boxes from 1, some values unknown."""
    features = make_features(n_runners, len(FEATURES), seed)
    features[:, 0] = np.arange(1, n_runners + 1)
    features[1:3, 3] = np.nan
    return features


def explained(model: LoadedModel, features: np.ndarray) -> Explanation:
    return explain(model, features, TOPICS, IS_CODE)


@pytest.mark.parametrize("calibration", [Platt(1.3, -0.2), TABLE, None])
def test_contributions_add_up_to_the_strength_less_that_of_the_fields_mean(
    calibration: Calibration, tmp_path: Path
) -> None:
    model, features = make_model(tmp_path / "model", calibration), make_field()
    why = explained(model, features)
    np.testing.assert_allclose(why.base + why.contributions.sum(axis=1), why.strength, rtol=0, atol=1e-9)
    mean = field_mean(features, np.array(IS_CODE))
    assert why.base == pytest.approx(model.strengths_of(model.log_odds(mean[None]))[0])
    assert np.abs(why.contributions).max() > 0.1


def test_strengths_are_what_the_served_probabilities_are_the_softmax_of(tmp_path: Path) -> None:
    model, features = make_model(tmp_path / "model"), make_field()
    odds = np.exp(explained(model, features).strength)
    np.testing.assert_allclose(odds / odds.sum(), model.probabilities(features), rtol=0, atol=1e-12)


def test_a_linear_model_contributes_its_weights_times_the_distance_from_the_mean(tmp_path: Path) -> None:
    model, features = make_model(tmp_path / "model", Platt(1.3, -0.2)), make_field()
    away = np.nan_to_num(features) - np.nan_to_num(field_mean(features, np.array(IS_CODE)))
    by_feature = 0.8 * 1.3 * away * np.array(COEFFICIENTS)
    by_topic = np.stack([by_feature[:, 0], by_feature[:, 1] + by_feature[:, 2], *by_feature[:, 3:].T], axis=1)
    why = explained(model, features)
    assert why.topics == ("box", "results", "times", "fitness")
    np.testing.assert_allclose(why.contributions, by_topic, atol=1e-5)  # the test's graph counts in float32


def test_they_are_what_each_topic_adds_over_all_orders_of_joining(tmp_path: Path) -> None:
    model, features = make_model(tmp_path / "model"), make_field()
    mean = field_mean(features, np.array(IS_CODE))
    why = explained(model, features)
    by_hand = np.zeros_like(why.contributions)
    box_adds = []
    orders = list(permutations(range(len(why.topics))))
    for order in orders:
        rows = np.repeat(mean[None], len(features), axis=0)
        before = model.strengths_of(model.log_odds(rows))
        for topic in order:
            columns = [column for column, name in enumerate(TOPICS) if name == why.topics[topic]]
            rows[:, columns] = features[:, columns]
            after = model.strengths_of(model.log_odds(rows))
            by_hand[:, topic] += (after - before) / len(orders)
            if why.topics[topic] == "box":
                box_adds.append(after - before)
            before = after
    np.testing.assert_allclose(why.contributions, by_hand, rtol=0, atol=1e-9)
    assert np.ptp(box_adds, axis=0).max() > 0.2, "what a topic adds must depend on who is there already"


def test_a_topic_that_the_model_ignores_contributes_exactly_nothing(tmp_path: Path) -> None:
    why = explained(make_model(tmp_path / "model"), make_field())
    assert why.contributions[:, why.topics.index("fitness")].tolist() == [0.0] * 6
    assert (why.contributions[:, why.topics.index("results")] != 0).all()


def test_the_order_of_runners_is_irrelevant(tmp_path: Path) -> None:
    model, features = make_model(tmp_path / "model"), make_field(7)
    order = np.array([3, 0, 6, 2, 5, 1, 4])
    there, back = explained(model, features), explained(model, features[order])
    assert there.base == back.base
    np.testing.assert_allclose(there.contributions[order], back.contributions, rtol=0, atol=1e-12)


@pytest.mark.parametrize("n_runners", [2, 3, 7])
def test_runners_that_are_alike_have_nothing_to_explain(n_runners: int, tmp_path: Path) -> None:
    model, one = make_model(tmp_path / "model"), make_field(1)
    why = explained(model, np.repeat(one, n_runners, axis=0))
    assert not why.contributions.any()
    np.testing.assert_allclose(why.strength, why.base, atol=1e-12)


def test_what_the_whole_field_shares_contributes_nothing_and_what_is_unknown_may(tmp_path: Path) -> None:
    model, features = make_model(tmp_path / "model"), make_field()
    features[:, 1:3] = features[0, 1:3]
    features[:, 3] += 1.0
    why = explained(model, features)
    assert not why.contributions[:, why.topics.index("results")].any()
    times = why.contributions[:, why.topics.index("times")]
    assert np.isnan(features[1, 3])
    assert times[1] != 0


def test_the_fields_mean_is_of_what_is_known_and_of_codes_the_most_common() -> None:
    nan = np.nan
    features = np.array([[1, 3, nan, 4], [nan, 3, nan, 8], [4, 9, nan, 1]], np.float32)
    mean = field_mean(features, np.array([False, True, True, True]))
    np.testing.assert_array_equal(mean, np.array([2.5, 3, nan, 4], np.float32))


def test_the_glove_game_has_its_known_values() -> None:
    """One left glove (player 0), two right ones; a pair is worth 1: 2/3, 1/6, 1/6."""
    worth = [[float(bool(c & 1) and bool(c & 6)) for c in range(8)]]
    np.testing.assert_allclose(shapley_values(np.array(worth)), [[2 / 3, 1 / 6, 1 / 6]])
