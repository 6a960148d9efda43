"""The choice among the candidates, and what weighs in it."""

import numpy as np
import pytest

from tests.training.builders import known_in_part, log_odds_of, make_table
from training.data.splits import time_folds
from training.families.forest import Forest, Tree
from training.search.choice import choose
from training.search.cost import N_RUNNERS, STEPS_A_MEMBER, scoring_steps
from training.search.ensemble import ENSEMBLE
from training.search.schedule import go_on, planned_trials, rounds, steps_of

RACES = make_table(600)
TRUE = log_odds_of(RACES.true_probability)
NOISE = np.random.default_rng(3).normal(size=len(RACES))
STEPS = {"small": 1, ENSEMBLE: 5}


def test_of_two_that_chance_alone_separates_the_cheaper_is_chosen_and_the_larger_ones_gain_is_named():
    choice = choose({"small": TRUE + 0.005 * NOISE, ENSEMBLE: TRUE}, RACES, "platt", STEPS)
    best = min(choice.losses, key=choice.losses.__getitem__)
    assert choice.name == "small"
    assert (choice.larger is None) == (best == "small")
    worse = choose({"small": TRUE + 0.05 * NOISE, ENSEMBLE: TRUE}, RACES, "platt", STEPS)
    if worse.larger is not None:
        gain = worse.losses["small"] - worse.losses[ENSEMBLE]
        assert worse.larger.gain == pytest.approx(gain)
        assert 0 < gain <= worse.larger.standard_error
        assert worse.larger.times_the_work == 5


def test_a_cheap_candidate_that_is_clearly_worse_is_not_chosen():
    choice = choose({"small": TRUE + NOISE, ENSEMBLE: TRUE}, RACES, "platt", STEPS)
    assert (choice.name, choice.larger) == (ENSEMBLE, None)


def test_whatever_it_costs_the_ensemble_is_chosen_in_doubt():
    odds = {"small": TRUE, ENSEMBLE: TRUE}
    assert choose(odds, RACES, "platt").name == ENSEMBLE
    assert choose(odds, RACES, "platt", STEPS).name == "small"


def test_in_races_known_in_part_who_beats_whom_counts_and_not_a_level_of_the_race():
    known = known_in_part(RACES)
    true = log_odds_of(known.true_probability)
    draw = np.random.default_rng(5)
    of_race = 3 * draw.normal(size=known.race[-1] + 1)[known.race]
    odds = {"small": true + 0.6 * draw.normal(size=len(true)), ENSEMBLE: true + of_race}
    choice = choose(odds, known, "platt", STEPS)
    assert (choice.name, choice.judged_by) == (ENSEMBLE, "expected race log loss")


class OneTree:
    """A member of one tree: a question, and behind its "yes" another."""

    def forest(self):
        no_leaf = np.array([1, -1, 3, -1, -1])
        return Forest((Tree(np.zeros(5, int), np.zeros(5), np.array([2, -1, 4, -1, -1]), no_leaf,
                            np.zeros(5, bool), np.zeros(5)),), "LEQ")  # fmt: skip

    def log_odds(self, features):
        return np.zeros(len(features))


def test_the_work_of_a_tree_is_its_mean_depth_for_each_runner():
    n_runner_steps = (1 + 2 + 2) / 3
    one = scoring_steps([OneTree()])
    assert one == STEPS_A_MEMBER + round(N_RUNNERS * n_runner_steps)
    assert scoring_steps([OneTree(), OneTree()]) == 2 * one


@pytest.mark.parametrize("n_trials", [1, 2, 3, 6, 30])
def test_families_that_lie_behind_make_fewer_trials_and_two_are_searched_to_the_end(n_trials):
    ends = rounds(n_trials)
    assert ends[-1] == n_trials
    assert list(ends) == sorted(set(ends))
    losses = {"a": 1.5, "b": 1.4, "c": 1.6, "d": 1.45, "e": 1.7}
    left, n_all, before = tuple(losses), 0, 0
    for end in ends:
        n_all += len(left) * (end - before)
        left, before = go_on({name: losses[name] for name in left}), end
    assert set(left) == {"b", "d"} or n_trials == 1
    assert n_all == planned_trials(5, n_trials)
    assert go_on({"a": 2.0, "b": 1.0}) == ("a", "b")


def test_a_trial_looks_at_the_latest_third_first_and_then_at_whole_folds_the_latest_first():
    table = make_table(2600)
    folds = time_folds(table, 3)
    steps = steps_of(folds, table.race)
    assert [step.is_whole_fold for step in steps] == [False, True, True, True]
    first, latest = steps[0], steps[1]
    assert latest.train is folds[-1].train
    assert set(first.train) < set(latest.train)
    assert first.train[-1] == latest.train[-1]
    assert len(first.train) == pytest.approx(len(latest.train) / 3, abs=6)
    assert table.race[first.train[0]] != table.race[first.train[0] - 1]  # races stay whole
    assert [step.resource for step in steps] == [1, 3, 9, 27]
    few = make_table(300)
    assert all(step.is_whole_fold for step in steps_of(time_folds(few, 2), few.race))
