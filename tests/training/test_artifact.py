"""What only the artifact needs is fitted on the calibration races."""

import numpy as np
import pytest

from racing.probabilities import BENTER_DISCOUNTS
from tests.training.builders import FEATURE_NAMES
from tests.training.test_places import make_placed
from training.data.splits import Split, split_by_time
from training.export.artifact import build_artifact
from training.search.candidates import fit_candidates
from training.search.settings import SearchSettings


def pack_of(split):
    settings = SearchSettings(families=("logistic_regression",), n_trials=1, n_folds=1, n_jobs=1)
    found = fit_candidates(split.train, split.calibration, settings, ())
    fitted = found["logistic_regression"]
    return build_artifact(fitted, fitted, split, FEATURE_NAMES, "1")


def without_places(part):
    part.placed[:] = np.nan
    return part


def test_discounts_of_places_are_fitted_on_the_calibration_races_alone():
    known = split_by_time(make_placed(4000, 6, discounts=(1.0, 0.2, BENTER_DISCOUNTS[2])))
    hidden = Split(without_places(known.train), known.calibration, without_places(known.test))
    first, second, third = pack_of(hidden).spec.place_discounts
    assert first == 1
    assert 0.05 < second < 0.45
    assert third == pytest.approx(BENTER_DISCOUNTS[2], abs=1e-3)


def test_calibration_races_without_known_places_leave_benters_discounts():
    split = split_by_time(make_placed(800, 6))
    unknown = Split(split.train, without_places(split.calibration), split.test)
    assert pack_of(unknown).spec.place_discounts == pytest.approx(BENTER_DISCOUNTS, abs=1e-3)
