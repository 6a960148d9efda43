"""Which trials of a search go on."""

import numpy as np
import pytest

from training.search.schedule import is_among_best


@pytest.mark.parametrize(
    ("loss", "others", "goes_on"),
    [
        (1.5, [], True),
        (1.5, [1.4], False),
        (1.5, [1.6, 1.7], True),
        (1.5, [1.4, 1.6, 1.7, 1.8], False),
        (1.5, [1.4, 1.6, 1.7, 1.8, 1.9], True),
        (1.5, [np.nan, np.nan], True),
        (np.nan, [], False),
        (np.nan, [1.5, 1.6], False),
    ],
)
def test_the_best_third_of_the_trials_goes_on_and_of_few_the_best_one(loss, others, goes_on):
    assert is_among_best(loss, others) is goes_on
