"""A combination with the market serves only where it beat the market on later races."""

from dataclasses import replace

import numpy as np
import pytest

from model_registry.artifact import ADDS_NOTHING, MARKET_ALONE, load_artifact
from racing.probabilities import share_within_race
from tests.model_registry.empty import empty_registry_in
from tests.training.builders import FEATURE_NAMES, known_in_part, make_table
from training.evaluation.evaluation import COMBINED, MARKET
from training.pipeline import TrainSettings, train_on
from training.search.settings import SearchSettings


def train(folder, table):
    registry = empty_registry_in(folder)
    search = SearchSettings(families=("logistic_regression",), n_trials=1, n_jobs=1)
    training = train_on(
        table, FEATURE_NAMES, ["feature_5"], registry, TrainSettings(search=search), effects={}
    )
    return training, load_artifact(registry.fetch(training.version))


def market_off_by(spread, n_races=900):
    table = make_table(n_races)
    noise = np.random.default_rng(4).normal(size=len(table))
    odds = np.log(table.true_probability) + spread * noise
    return replace(table, market_probability=share_within_race(odds, table.race))


def test_a_market_that_knows_all_stands_alone_and_every_place_says_so(tmp_path):
    training, model = train(tmp_path, market_off_by(0.0))
    assert model.spec.market_combination == MARKET_ALONE
    beside = training.evaluation.beside_market
    assert beside[COMBINED].race_log_loss == beside[MARKET].race_log_loss
    assert training.summary["is_market_alone"]
    assert ADDS_NOTHING in training.report.read_text(encoding="utf-8")


def test_a_market_that_errs_is_combined_with_the_model_and_beaten(tmp_path):
    training, model = train(tmp_path, market_off_by(0.7))
    a, b = model.spec.market_combination
    assert (a > 0, b > 0) == (True, True)
    beside = training.evaluation.beside_market
    assert beside[COMBINED].race_log_loss < beside[MARKET].race_log_loss
    assert not training.summary["is_market_alone"]
    assert ADDS_NOTHING not in training.report.read_text(encoding="utf-8")


def test_races_known_in_part_say_how_model_and_market_combine(tmp_path):
    training, model = train(tmp_path, known_in_part(market_off_by(0.7)))
    a, b = model.spec.market_combination
    assert (a > 0, b > 0) == (True, True)
    assert not training.summary["is_market_alone"]


def test_without_prices_nothing_is_combined(tmp_path):
    table = make_table(900)
    unknown = np.full(len(table), np.nan)
    training, model = train(tmp_path, replace(table, market_probability=unknown))
    assert model.spec.market_combination is None
    assert training.summary["is_market_alone"] is False


def test_place_discounts_never_make_a_favourite_surer_of_second_than_of_first():
    from tests.training.test_places import fit, make_placed

    discounts = fit(make_placed(2000, discounts=(1.0, 1.4, 1.6)))
    assert discounts == pytest.approx((1.0, 1.0, 1.0))
