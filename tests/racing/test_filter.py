"""The steps of the rating filter: compiled and in numpy they give the same bits."""

import importlib.util

import numpy as np
import pytest

from racing.ops import plain_filter
from racing.ratings.catalog import MARKET, REVISION_DAYS

if importlib.util.find_spec("racing.ops._filter") is None:
    pytest.skip("the filter was not compiled here", allow_module_level=True)
from racing.ops import _filter

N_DOGS, N_RUNS, N_DISTANCES = 7, 20, 4
LAGS = np.array(REVISION_DAYS, np.float64)


def tables(seed: int, n_revisions: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return around, facts and performed of dogs that run now and then, sometimes twice a day."""
    rng = np.random.default_rng(seed)
    n = N_DOGS * N_RUNS
    day = np.cumsum(rng.integers(0, 9, (N_DOGS, N_RUNS)), axis=1)
    around = [
        (dog * N_RUNS, *(dog * N_RUNS + np.searchsorted(day[dog], at, side) for side in ("left", "right")),
         (dog + 1) * N_RUNS)
        for dog in range(N_DOGS)
        for at in day[dog]
    ]  # fmt: skip
    facts = [day.ravel(), rng.integers(1, 4, n), rng.integers(0, 4, n), rng.integers(0, N_DISTANCES, n)]
    adjusted = np.where(rng.random((n, n_revisions)) < 0.2, np.nan, rng.normal(size=(n, n_revisions)))
    performed = np.concatenate(
        [adjusted, rng.random((n, n_revisions)) + 0.1, rng.normal(size=(n, 1))], axis=1
    )
    return np.array(around, np.int64), np.stack(facts, axis=1).astype(np.float64), performed


@pytest.mark.parametrize(("n_before", "n_after"), [(12, 0), (6, 3), (0, 0)])
@pytest.mark.parametrize("n_revisions", [1, 3])
def test_abilities_are_the_same_bit_for_bit(n_before: int, n_after: int, n_revisions: int) -> None:
    logs = np.log(np.array([300.0, 350.0, 400.0, 520.0]))
    alike = MARKET.kernel.distance * np.exp(-np.abs(logs[:, None] - logs) / MARKET.kernel.distance_scale)
    for seed in range(5):
        places = np.random.default_rng(seed).permutation(N_DOGS * N_RUNS)[:61]
        around, facts, performed = tables(seed, n_revisions)
        rest = (60.0, 50.0, around, facts, performed, LAGS, MARKET.kernel.numbers, alike)
        found = (module.abilities(places, n_before, n_after, *rest) for module in (_filter, plain_filter))
        for mine, theirs in zip(*found, strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("has_opposition", [True, False])
@pytest.mark.parametrize("debut", [0.6, np.nan])
@pytest.mark.parametrize("overall", [0.3, np.nan])
def test_explanations_are_the_same_bit_for_bit(has_opposition: bool, debut: float, overall: float) -> None:
    rng = np.random.default_rng(3)
    n, n_groups = 90, 14
    group = rng.integers(0, n_groups - 1, n)  # the last group is empty
    loading = np.where(group == 2, 1.0, rng.random(n))  # a race of strangers
    known = rng.normal(size=n), loading, rng.random(n) + 0.1
    level = np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n))
    values = rng.normal(size=n) * 3.0, rng.random(n) + 0.1, rng.normal(size=n) / 9.0, level
    arguments = (group, n_groups, known, *values, overall, debut, 3.5, 0.1, 2.5, has_opposition)
    for mine, theirs in zip(_filter.explain(*arguments), plain_filter.explain(*arguments), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("first_open", [0, 9, 40])
def test_settled_levels_are_the_same_bit_for_bit(first_open: int) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        _, facts, performed = tables(seed, 1)
        ends = np.arange(N_DOGS) * N_RUNS + rng.integers(0, N_RUNS + 1, N_DOGS)
        windows = np.stack([np.maximum(ends - 12, np.arange(N_DOGS) * N_RUNS), ends], axis=1)
        race = rng.integers(0, 39, len(facts))
        worth = np.where(np.isnan(performed[:, 0]), np.nan, rng.normal(size=len(facts)))
        found = []
        for module in (_filter, plain_filter):
            now, change = performed.copy(), rng.normal(size=40) * 0.0
            for _ in range(3):
                module.settle(windows, race, facts, worth, now, change, first_open, 0.47, 0.0015, 0.045)
            found.append((now, change))
        for mine, theirs in zip(*found, strict=True):
            np.testing.assert_array_equal(mine, theirs)
        assert (found[0][1][first_open:39] != 0.0).any() == (first_open < 39)


def test_what_lies_outside_of_the_tables_is_refused() -> None:
    around, facts, performed = tables(0, 3)
    rest = (LAGS, MARKET.kernel.numbers, np.ones((N_DISTANCES, N_DISTANCES)))
    with pytest.raises(IndexError, match="places"):
        _filter.abilities(np.array([len(facts)]), 12, 0, 0.0, 0.0, around, facts, performed, *rest)
    with pytest.raises(IndexError, match="distance"):
        _filter.abilities(np.array([5]), 12, 0, 0.0, 0.0, around, facts + 9.0, performed, *rest)
    with pytest.raises(IndexError, match="dog's runs"):
        _filter.abilities(np.array([5]), 12, 0, 0.0, 0.0, around + 10**6, facts, performed, *rest)
    with pytest.raises(ValueError, match="32 runs"):
        _filter.abilities(np.array([5]), 30, 3, 0.0, 0.0, around, facts, performed, *rest)
    with pytest.raises(TypeError, match="contiguous"):
        _filter.abilities(np.array([5]), 12, 0, 0.0, 0.0, around, facts[:, ::-1], performed, *rest)
