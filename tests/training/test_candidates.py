"""The search, its resumption, its workers and what they end with."""

from dataclasses import replace

import numpy as np
import pytest

from racing.metrics import log_loss, race_log_loss
from tests.training.builders import known_in_part, make_table
from training.data.splits import latest, split_by_time, time_folds
from training.errors import TrainingSetTooSmall
from training.families import FAMILY_NAMES
from training.search.candidates import fit_again, fit_candidates
from training.search.settings import SearchSettings

CODES = (5,)
QUICK = SearchSettings(families=("logistic_regression", "xgboost"), n_trials=3, n_folds=2, n_jobs=1)


def fit(settings, split=None, on_trial=lambda trial: None):
    split = split or split_by_time(make_table(400))
    return fit_candidates(split.train, split.calibration, settings, CODES, on_trial)


def tried(candidates):
    return [(trial.family, trial.params, trial.fold_losses, trial.state) for trial in candidates.trials]


def test_every_family_and_the_ensemble_beat_a_uniform_guess_on_later_races():
    split = split_by_time(make_table(400))
    seen = []
    found = fit(replace(QUICK, families=FAMILY_NAMES, n_trials=1), split, seen.append)
    names = [candidate.name for candidate in found]
    assert names in ([*FAMILY_NAMES, "ensemble"], [*FAMILY_NAMES, "small_ensemble", "ensemble"])
    assert {trial.family for trial in seen} == set(FAMILY_NAMES)
    race = split.test.race
    for candidate in found:
        p = candidate.probabilities(split.test)
        np.testing.assert_allclose(np.bincount(race, p), 1)
        assert race_log_loss(p, split.test.won, race) < np.log(6) - 0.1, candidate.name


def test_workers_find_what_one_process_finds():
    three = replace(QUICK, families=("logistic_regression", "random_forest", "xgboost"))
    alone, side_by_side = fit(three), fit(replace(three, n_jobs=2))
    assert tried(alone) == tried(side_by_side)
    assert len(alone.trials) == 3 + 2 + 2  # the worst of three makes no second trial
    table = make_table(20, seed=5)
    for candidate in alone:
        np.testing.assert_array_equal(candidate.log_odds(table), side_by_side[candidate.name].log_odds(table))


def test_a_family_that_was_left_behind_learns_from_the_races_of_the_search_alone():
    split = split_by_time(make_table(400))
    settings = replace(
        QUICK, families=("logistic_regression", "random_forest", "xgboost"), n_trials=3, search_rows=700
    )
    found = fit(settings, split)
    n_trials = {name: len(found[name].trials) for name in settings.families}
    (behind,) = [name for name, n in n_trials.items() if n == 1]
    few = latest(split.train, 700)
    assert len(few) < len(split.train) / 1.5
    for name in settings.families:
        alone, on_few = found[name], fit_again(found[name], few, settings, CODES)
        is_same = (alone.log_odds(split.test) == on_few.log_odds(split.test)).all()
        assert is_same == (name == behind), name


def test_a_search_begins_by_race_and_then_by_runner_with_every_way_of_balance():
    first = fit(replace(QUICK, families=("xgboost",), n_trials=5)).trials
    assert [trial.params["objective"] for trial in first] == ["race", *["runner"] * 4]
    assert [trial.params["imbalance"] for trial in first[1:]] == ["none", "smote_nc", "class_weight", "focal"]
    common = {"objective", "market_weight", "imbalance", "focal_gamma"}
    own = [{name: v for name, v in trial.params.items() if name not in common} for trial in first]
    assert own == [own[0]] * 5
    assert first[0].state == "complete"
    # as far as they came, all were judged on the same races
    assert all(trial.fold_losses for trial in first)


def test_a_split_holds_each_race_once_in_memory():
    table = make_table(400)
    split = split_by_time(table)
    for part in (split.train, split.calibration, split.test, split.before_test, split.all_races):
        assert np.shares_memory(part.features, table.features)
    assert len(split.before_test) == len(split.train) + len(split.calibration)
    assert split.before_test.date[-1] < split.test.date[0]


def test_the_final_fit_learns_from_all_races_and_keeps_the_rest():
    split = split_by_time(make_table(400))
    chosen = fit(replace(QUICK, n_trials=1), split)["ensemble"]
    again = fit_again(chosen, split.before_test, QUICK, CODES)
    assert again.calibration == chosen.calibration
    assert [m.weight for m in again.members] == [m.weight for m in chosen.members]
    assert (again.log_odds(split.test) != chosen.log_odds(split.test)).all()
    same = fit_again(chosen, split.train, QUICK, CODES)
    np.testing.assert_array_equal(same.log_odds(split.test), chosen.log_odds(split.test))


def test_races_known_in_part_are_judged_by_the_runners_that_are_known():
    table = make_table(600)
    of_parts, of_whole = (fit(QUICK, split_by_time(each)) for each in (known_in_part(table), table))
    assert of_parts.is_by_race
    assert not of_parts.note
    later = make_table(300, seed=9)
    for candidate in of_parts:
        # what was fitted on parts of fields holds for whole ones
        loss = race_log_loss(candidate.probabilities(later), later.won, later.race)
        as_whole = of_whole[candidate.name].probabilities(later)
        assert loss < race_log_loss(as_whole, later.won, later.race) + 0.03, candidate.name


def test_without_two_runners_of_a_race_they_are_judged_one_by_one():
    table = make_table(900)
    draw = np.random.default_rng(1).integers(0, 6, 900)
    lone = table.take(np.arange(900) * 6 + draw)
    found = fit(QUICK, split_by_time(replace(lone, is_whole=np.zeros(len(lone), bool))))
    assert not found.is_by_race
    assert "0 races to calibrate on" in found.note
    assert {candidate.sharing_exponent for candidate in found} == {1.0}


def test_a_spent_budget_still_gives_one_trial():
    assert len(fit(replace(QUICK, n_trials=50, time_budget_s=0.0)).trials) == 2


def test_parts_of_a_split_follow_each_other_and_share_no_day():
    split = split_by_time(make_table(400))
    assert split.train.date.max() < split.calibration.date.min()
    assert split.calibration.date.max() < split.test.date.min()


@pytest.mark.parametrize("n_days", [7, 8, 40])
def test_folds_are_learnt_calibrated_and_judged_in_this_order(n_days):
    table = make_table(n_days * 5)
    folds = time_folds(table, 3)
    for fold in folds:
        assert table.date[fold.train].max() < table.date[fold.calibrate].min()
        assert table.date[fold.calibrate].max() < table.date[fold.judge].min()
    assert table.date[folds[-1].judge].max() == table.date.max()


def test_where_days_are_few_and_races_many_folds_are_of_races():
    table = make_table(300)
    table = replace(table, date=np.full(len(table), table.date[0]))
    folds = time_folds(table, 3)
    for fold in folds:
        assert table.race[fold.train].max() < table.race[fold.calibrate].min()
        assert table.race[fold.calibrate].max() < table.race[fold.judge].min()
    assert folds[-1].judge.max() == len(table) - 1


def test_too_small_parts_are_refused_with_rule_and_value():
    with pytest.raises(TrainingSetTooSmall, match="needs 200 runners, got"):
        split_by_time(make_table(30))
    with pytest.raises(TrainingSetTooSmall, match=r"need 7 days .* got 6 days and 30 races"):
        time_folds(make_table(30), 3)
    with pytest.raises(TrainingSetTooSmall, match=r"test part .* got 0"):
        split_by_time(make_table(400), test_from=np.datetime64("2030-01-01").item())


def test_few_whole_races_are_centred_so_that_a_level_of_the_race_says_nothing_of_a_runner():
    table = make_table(100)
    drifting = table.features.copy()
    drifting[:, 3] = (
        table.race
    )  # as counts of past runs do in a young history: the level rises from day to day
    found = fit(QUICK, split := split_by_time(replace(table, features=drifting)))
    assert not found.is_by_race
    base_rate = np.full(len(split.test), 1 / 6)
    for candidate in found:
        assert candidate.is_centred
        scores = candidate.scores(split.test)
        assert log_loss(scores, split.test.won) < log_loss(base_rate, split.test.won) + 0.02, candidate.name
