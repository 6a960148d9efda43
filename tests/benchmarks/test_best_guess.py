"""The best guess at a simulated season lies before the truth, and knows nothing of the days to come."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.quality.best_guess import best_guess
from racing.metrics import expected_loss
from racing.probabilities import share_within_race
from racing.simulation.season import Season, run_season

N_DAYS, FIRST_DAY = 60, 54


@pytest.fixture(scope="module")
def season() -> Season:
    return run_season(1_200, N_DAYS, np.random.default_rng(3))


def test_it_covers_most_of_the_way_to_the_truth_but_not_all(season):
    later = season.day >= FIRST_DAY
    true = share_within_race(season.strength, season.race)[later]
    number = np.unique(season.race[later], return_inverse=True)[1]
    guess = best_guess(season, FIRST_DAY)
    uniform, guessed, least = (
        expected_loss(true, p, number).mean() for p in (1 / np.bincount(number)[number], guess[later], true)
    )
    assert np.isnan(guess[~later]).all()
    assert np.bincount(number, guess[later]) == pytest.approx(1)
    assert 0.6 < (uniform - guessed) / (uniform - least) < 0.83


def test_it_knows_nothing_of_that_day_or_later_ones(season):
    changed = np.where(season.day >= FIRST_DAY, season.strength[::-1], season.strength)
    today = season.day == FIRST_DAY
    as_it_was = best_guess(season, FIRST_DAY)[today]
    assert best_guess(replace(season, strength=changed), FIRST_DAY)[today] == pytest.approx(as_it_was)
