"""The race as the unit of learning: its targets, its loss and what families make of it."""

from dataclasses import replace

import numpy as np
import pytest

from racing.probabilities import share_within_race
from tests.training.builders import make_table
from training.data.training_set import race_training_set
from training.families import FAMILIES, Setting
from training.objective import WithinRace, race_losses, race_targets


def test_the_derivatives_are_those_of_the_loss():
    rng = np.random.default_rng(3)
    race = np.repeat(np.arange(7), 5)
    target, weights = share_within_race(rng.normal(size=35), race), np.repeat(rng.random(7), 5)
    races, odds = WithinRace(target, race, weights), rng.normal(size=35)
    gradient, curvature = races.derivatives(odds)
    for runner in range(35):
        step = 1e-4 * np.eye(35)[runner]
        up, down, here = races.loss(odds + step), races.loss(odds - step), races.loss(odds)
        assert gradient[runner] == pytest.approx((up - down) / 2e-4, abs=1e-6)
        assert curvature[runner] == pytest.approx((up + down - 2 * here) / 1e-8, abs=1e-4)


def test_targets_mix_market_and_winner_and_sum_to_one():
    table = make_table(50)
    targets = race_targets(table, 0.8)
    assert targets.rows.all()
    np.testing.assert_allclose(np.bincount(table.race, targets.share), 1)
    np.testing.assert_allclose(targets.share, 0.8 * table.market_probability + 0.2 * table.won)


def test_where_one_witness_is_missing_the_other_is_the_target():
    table = make_table(3, n_runners=4)
    market = np.where(table.race == 0, np.nan, table.market_probability)
    won = np.where(table.race == 1, False, table.won)
    targets = race_targets(replace(table, market_probability=market, won=won), 0.8)
    assert targets.share[:4].tolist() == table.won[:4].tolist()
    np.testing.assert_allclose(targets.share[4:8], table.market_probability[4:8])
    neither = race_targets(replace(table, market_probability=np.where(won, np.nan, market), won=won & False))
    assert neither.rows.tolist() == [False] * 4 + [True] * 4 + [False] * 4


def test_the_expected_loss_is_least_for_the_target_itself():
    race = np.repeat(np.arange(40), 6)
    rng = np.random.default_rng(1)
    target = share_within_race(rng.normal(size=240), race)
    other = share_within_race(rng.normal(size=240), race)
    assert (race_losses(target, target, race) < race_losses(other, target, race)).all()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_taught_by_the_market_knows_the_truth_better_than_by_winners_alone(family):
    table, later = make_table(400, seed=1), make_table(400, seed=2)

    def distance(market_weight: float) -> float:
        train = race_training_set(table, 400.0, market_weight)
        odds = family.fit(train, family.defaults, Setting(is_final=True)).log_odds(later.features)
        p = share_within_race(odds, later.race)
        return float(race_losses(p, later.true_probability, later.race).mean())

    assert distance(0.9) < distance(0.0)
    assert distance(0.9) < np.log(6) - 0.2
