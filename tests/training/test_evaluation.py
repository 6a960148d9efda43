"""The judgement puts every source on the same races and says how sure it is."""

from dataclasses import replace

import numpy as np
import pytest

from racing.probabilities import share_within_race
from tests.training.builders import make_table
from training.data.whole_races import judged_rows
from training.evaluation.baselines import learn_baselines
from training.evaluation.evaluation import BOX_ONLY, COMBINED, MARKET, MODEL, RATED, TRUTH, UNIFORM, evaluate


def judge(table, p=None, **options):
    p = table.true_probability if p is None else p
    return evaluate(table, p, p, learn_baselines(table), f1_threshold=0.3, **options)


def test_a_model_that_knows_the_truth_beats_uniform_and_covers_the_whole_way():
    found = judge(make_table())
    assert found.races[UNIFORM].race_log_loss == pytest.approx(np.log(6))
    assert found.races[UNIFORM].model_minus_this.high < 0
    assert found.races[MODEL].model_minus_this == (0, 0, 0)
    assert found.truth_covered == pytest.approx(1)


def test_a_model_that_knows_nothing_carries_no_market_information():
    table = make_table()
    found = judge(table, np.full(len(table), 1 / 6))
    assert found.market_information == 0
    assert found.races[BOX_ONLY].model_minus_this.low > -0.05


def test_partial_races_and_dead_heats_are_judged_by_runner_only():
    table = make_table(10)
    is_whole, won = table.is_whole.copy(), table.won.copy()
    is_whole[3] = False
    won[6:12] = [True, True, False, False, False, False]
    table = replace(table, is_whole=is_whole, won=won)
    assert judged_rows(table).tolist() == [False] * 12 + [True] * 48
    found = judge(table)
    assert found.races.n_races == 8
    assert found.runners.n_runners == 60


def test_every_row_of_a_comparison_is_judged_on_the_same_races():
    table = make_table(100)
    market = table.market_probability.copy()
    market[: 6 * 30] = np.nan
    rated = table.true_probability.copy()
    rated[6 * 90 :] = np.nan
    found = judge(replace(table, market_probability=market, rated_probability=rated))
    assert found.races.n_races == 100
    assert found.beside_market.n_races == 60
    priced = table.take(slice(6 * 30, 6 * 90))
    alone = judge(priced).beside_market
    for name in (MODEL, UNIFORM, MARKET, TRUTH):
        assert found.beside_market[name].race_log_loss == pytest.approx(alone[name].race_log_loss)
    assert found.beside_market[RATED].race_log_loss == pytest.approx(alone[MODEL].race_log_loss)


def test_a_price_that_few_races_have_does_not_shrink_the_comparison():
    table = make_table(100)
    rated = np.full(len(table), np.nan)
    rated[:60] = 1 / 6
    found = judge(replace(table, rated_probability=rated))
    assert RATED not in found.beside_market
    assert found.beside_market.n_races == 100


def test_without_any_price_there_is_no_comparison_with_prices():
    table = make_table(30)
    unknown = np.full(len(table), np.nan)
    found = judge(
        replace(table, market_probability=unknown, true_probability=unknown), table.true_probability
    )
    assert found.beside_market is None
    assert found.market_information is None


def test_the_combination_joins_where_it_was_fitted():
    table = make_table(50)
    assert COMBINED not in judge(table).beside_market
    beside = judge(table, market_combination=(0.0, 1.0)).beside_market
    assert beside[COMBINED].race_log_loss == pytest.approx(beside[MARKET].race_log_loss)


def test_known_runners_are_those_with_a_run_before():
    table = make_table(40)
    assert judge(table).known_runners.n_runners == (table.n_prior_runs >= 1).sum()
    assert judge(replace(table, n_prior_runs=np.zeros(len(table), int))).known_runners is None


def test_box_rates_come_from_the_training_races_and_draw_rare_boxes_to_the_mean():
    rng = np.random.default_rng(0)
    won = np.zeros((400, 6), bool)
    won[np.arange(400), rng.choice(6, 400, p=[0.5, 0.1, 0.1, 0.1, 0.1, 0.1])] = True
    table = make_table(400, won=won.ravel())
    baselines = learn_baselines(table)
    p = baselines.box_only(table)
    assert p.reshape(400, 6).sum(axis=1) == pytest.approx(np.ones(400))
    assert 0.35 < p[0] < 0.5
    assert baselines.box_rates[9] == pytest.approx(baselines.base_rate)


def test_a_table_without_whole_races_is_judged_by_runner():
    table = make_table(20)
    found = judge(replace(table, is_whole=np.zeros(len(table), bool)))
    assert (found.races.n_races, found.races.rows) == (0, ())
    assert found.beside_market is None
    assert found.runners.auc > 0.6


def test_the_judgement_as_json_begins_with_the_headline_figures():
    table = make_table(40)
    document = judge(table, share_within_race(table.features[:, 0], table.race)).as_json()
    assert document["race_log_loss"] == document["races"]["rows"][0]["race_log_loss"]
    assert {"race_log_loss", "auc", "brier", "ece", "top_pick_rate", "n_races"} <= document.keys()
