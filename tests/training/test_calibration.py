"""Platt's two numbers are found wherever the log odds lie, and never turn the order around."""

import numpy as np
import pytest

from racing import metrics
from training.calibration import calibrated_scores, fit_platt

RNG = np.random.default_rng(0)
STRENGTH = RNG.normal(size=4000)
WON = RNG.random(4000) < 1 / (1 + np.exp(-(0.8 * STRENGTH - 2)))


@pytest.mark.parametrize(("level", "scale"), [(0, 1), (13, 5), (-40, 20), (60, 0.1), (0, 50)])
def test_the_fit_finds_the_same_scores_whatever_the_level_and_scale_of_the_log_odds(level, scale):
    expected = calibrated_scores(fit_platt(STRENGTH, WON), STRENGTH)
    log_odds = level + scale * STRENGTH
    platt = fit_platt(log_odds, WON)
    scores = calibrated_scores(platt, log_odds)
    assert platt.slope >= 0.01
    if 0.8 / scale > 0.01:
        assert scores == pytest.approx(expected, abs=0.02)
        assert scores.mean() == pytest.approx(WON.mean(), abs=0.002)
    assert metrics.log_loss(scores, WON) < 2 * metrics.log_loss(expected, WON)


def test_log_odds_that_say_the_opposite_are_levelled_never_turned_around():
    platt = fit_platt(-STRENGTH, WON)
    assert platt.slope == pytest.approx(0.01)
    scores = calibrated_scores(platt, -STRENGTH)
    assert scores.mean() == pytest.approx(WON.mean(), abs=0.005)
