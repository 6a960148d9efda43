"""The search and the fit of several families side by side; the results do not depend on the processes."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import optuna

from racing.race_table import RaceTable
from training.data.splits import latest, time_folds
from training.families import Member, family_named
from training.search.fitting import fit_member
from training.search.search import SearchResult, Trial, search
from training.search.settings import SearchSettings
from training.search.storage import reserved
from training.search.workers import run_side_by_side

_SLOWEST_FIRST = ("random_forest", "catboost", "gradient_boosting", "xgboost", "logistic_regression")
"""The order in which families start, so that the last process ends early; others start before these."""


@dataclass(frozen=True, slots=True)
class FamilyResult:
    """The search of one family, and its member fitted with the best parameters."""

    family: str
    member: Member
    search: SearchResult
    seconds: float


def search_families(
    settings: SearchSettings, train: RaceTable, categorical: Sequence[int], on_trial: Callable[[Trial], None]
) -> list[FamilyResult]:
    """Return the result of each family, in the order of the settings."""
    time_folds(latest(train, settings.search_rows), settings.n_folds)  # refuse before any process starts
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    work = partial(_search_and_fit, settings, tuple(categorical))
    with reserved(settings.storage, resume=settings.resume):
        results = run_side_by_side(_slowest_first(settings.families), work, train, settings.n_jobs, on_trial)
    return [results[name] for name in settings.families]


def fit_members(
    params: Mapping[str, Mapping[str, Any]],
    train: RaceTable,
    settings: SearchSettings,
    categorical: Sequence[int],
    on_fit: Callable[[str], None] = lambda name: None,
) -> dict[str, Member]:
    """Return each family's member, fitted with the parameters that its search found."""
    work = partial(_fit, params, settings, tuple(categorical))
    return run_side_by_side(_slowest_first(params), work, train, settings.n_jobs, on_fit)


def _search_and_fit(
    settings: SearchSettings,
    categorical: tuple[int, ...],
    name: str,
    train: RaceTable,
    on_trial: Callable[[Trial], None],
) -> FamilyResult:
    began = time.monotonic()
    result = search(family_named(name), latest(train, settings.search_rows), settings, categorical, on_trial)
    member = _fit({name: result.best.params}, settings, categorical, name, train)
    return FamilyResult(name, member, result, time.monotonic() - began)


def _fit(
    params: Mapping[str, Mapping[str, Any]],
    settings: SearchSettings,
    categorical: tuple[int, ...],
    name: str,
    train: RaceTable,
    on_fit: Callable[[str], None] = lambda name: None,
) -> Member:
    # five times the runners bear six tenths more boosting
    growth = (len(train) / len(latest(train, settings.search_rows))) ** 0.3
    member = fit_member(
        family_named(name),
        train,
        params[name],
        categorical=categorical,
        seed=settings.seed,
        is_final=True,
        growth=growth,
    )
    on_fit(name)
    return member


def _slowest_first(names: Iterable[str]) -> list[str]:
    order = {name: place for place, name in enumerate(_SLOWEST_FIRST)}
    return sorted(names, key=lambda name: order.get(name, -1))
