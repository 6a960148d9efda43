"""A training on shuffled targets learns nothing: what judges it has no way into what it learns from."""

from dataclasses import replace

import numpy as np

from benchmarks.quality.permutation import OUTCOMES, shuffled
from racing.race_table import RaceTable
from tests.model_registry.empty import empty_registry_in
from tests.training.builders import FEATURE_NAMES, make_table
from training.evaluation.evaluation import MODEL, UNIFORM
from training.pipeline import Training, TrainSettings, train_on
from training.search.settings import SearchSettings


def trained_on(table: RaceTable, folder) -> Training:
    """Train as the product does: search, blend, calibrate, choose, judge, register."""
    families = ("logistic_regression", "xgboost")
    settings = TrainSettings(search=SearchSettings(families=families, n_trials=1, n_jobs=1), refit=False)
    registry = empty_registry_in(folder)
    return train_on(table, FEATURE_NAMES, ["feature_5"], registry, settings, effects={})


def gap_to_uniform(training: Training):
    """The model's race log loss less that of the uniform guess, with its interval."""
    return training.evaluation.races[UNIFORM].model_minus_this


def test_targets_are_dealt_out_within_their_races_with_all_that_goes_with_them():
    table = make_table(50)
    dealt = shuffled(table)
    assert (np.bincount(dealt.race, dealt.won) == 1).all()
    assert np.allclose(np.bincount(dealt.race, dealt.market_probability), 1)
    assert (dealt.won != table.won).any()
    of_winners = [dict(zip(t.race[t.won], t.market_probability[t.won], strict=True)) for t in (table, dealt)]
    assert of_winners[0] == of_winners[1]
    changed = {name for name, values in table.arrays().items() if not _same(values, getattr(dealt, name))}
    assert changed <= set(OUTCOMES)


def _same(one, other):
    return one.tobytes() == other.tobytes()


def test_a_training_beats_the_uniform_guess_on_real_targets_and_not_on_shuffled_ones(tmp_path):
    table = make_table(500)
    real = trained_on(table, tmp_path / "real")
    assert gap_to_uniform(real).high < -0.1
    nothing = trained_on(shuffled(table), tmp_path / "shuffled")
    gap = gap_to_uniform(nothing)
    assert gap.difference > -3 * (gap.high - gap.low) / 3.92
    assert not nothing.is_promoted
    assert nothing.evaluation.races[MODEL].auc < 0.57


def test_a_feature_that_knows_the_target_is_found_out(tmp_path):
    dealt = shuffled(make_table(500))
    features = dealt.features.copy()
    features[:, 3] = dealt.won + 0.5 * features[:, 3]
    leaking = trained_on(replace(dealt, features=features), tmp_path)
    assert gap_to_uniform(leaking).high < -0.1
