"""The search and the fit of several families side by side; the results do not depend on the processes."""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import optuna

from racing.race_table import RaceTable
from training.data.splits import latest, time_folds
from training.engines.engine import run_side_by_side, side_by_side
from training.engines.work import Data, Run
from training.families import FittedMember, family_named, reads_field
from training.search.fitting import fit_member, steps_of_fit
from training.search.schedule import go_on, rounds
from training.search.search import SearchResult, Trial, forget_studies, search
from training.search.settings import SearchSettings
from training.search.storage import reserved

_SLOWEST_FIRST = (
    "field_net",
    "random_forest",
    "catboost",
    "gradient_boosting",
    "xgboost",
    "logistic_regression",
)
"""The order in which families start, so that the last process ends early; others start before these."""


THREADS_OF_ONE = 2
"""Of a final fit that no other runs beside; a constant, so that every machine finds the same model."""


@dataclass(frozen=True, slots=True)
class FamilyResult:
    """The search of one family, and its member fitted with the best parameters."""

    family: str
    member: FittedMember
    search: SearchResult
    seconds: float


def search_families(
    settings: SearchSettings,
    train: RaceTable,
    categorical: Sequence[int],
    on_trial: Callable[[Trial], None],
    on_fit: Callable[[str], None] = lambda name: None,
) -> list[FamilyResult]:
    """Return the result of each family, in the order of the settings."""
    time_folds(latest(train, settings.search_rows), settings.n_folds)  # refuse before any process starts
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with _stored(settings) as settings, side_by_side(train, settings.engine) as run:
        found, finalists = _search_in_rounds(settings, tuple(categorical), run, on_trial)
        params = {name: result.best.params for name, (result, _) in found.items()}
        behind = frozenset(name for name in found if name not in finalists and not reads_field(name))
        work = partial(_fit_timed, params, settings, tuple(categorical), behind)
        in_turn = sorted(_slowest_first(params), key=lambda name: name in behind)  # brief fits fill the end
        fits = run(in_turn, work, on_fit)
    return [
        FamilyResult(name, fits[name][0], found[name][0], found[name][1] + fits[name][1])
        for name in settings.searched
    ]


def _search_in_rounds(
    settings: SearchSettings, categorical: tuple[int, ...], run: Run, on_trial: Callable[[Trial], None]
) -> tuple[dict[str, tuple[SearchResult, float]], Sequence[str]]:
    """Return each family's search and its seconds, and the families of the last round.

    After each round the better half goes on.
    """
    began = time.monotonic()
    found: dict[str, tuple[SearchResult, float]] = {}
    left, stops = settings.searched, rounds(settings.n_trials)
    finalists = left
    for place, n_until in enumerate(stops):
        budget_s = None
        if settings.time_budget_s is not None:
            remains_s = max(0.0, settings.time_budget_s - (time.monotonic() - began)) / (len(stops) - place)
            budget_s = remains_s * settings.engine.n_at_once(len(left)) / len(left)
        work = partial(_search, settings, categorical, n_until, budget_s)
        done = run(_slowest_first(left), work, on_trial)
        for name, (result, seconds) in done.items():
            found[name] = result, seconds + (found[name][1] if name in found else 0.0)
        finalists = left
        left = go_on({name: found[name][0].best.loss for name in left if not reads_field(name)})
        if not left:
            break
    return found, finalists


def fit_members(
    params: Mapping[str, Mapping[str, Any]],
    train: RaceTable,
    settings: SearchSettings,
    categorical: Sequence[int],
    on_fit: Callable[[str], None] = lambda name: None,
) -> dict[str, FittedMember]:
    """Return each family's member, fitted with the parameters that its search found."""
    work = _fit_of(params, settings, categorical)
    return run_side_by_side(_slowest_first(params), work, train, settings.engine, on_fit)


@contextmanager
def fit_members_ahead(
    params: Mapping[str, Mapping[str, Any]],
    train: RaceTable,
    settings: SearchSettings,
    categorical: Sequence[int],
) -> Iterator[Callable[[Callable[[str], None]], dict[str, FittedMember]]]:
    """Begin to fit members in processes of their own, and yield what waits for them: see :func:`fit_members`.

    Where there is one process only, they are fitted when they are waited for. What ends early ends the fits.
    """
    if not settings.scheduler and settings.n_jobs == 1:
        yield lambda on_fit: fit_members(params, train, settings, categorical, on_fit)
        return
    steps: SimpleQueue[str | None] = SimpleQueue()
    work, names = _fit_of(params, settings, categorical), _slowest_first(params)
    # left in turn: the workers end first, then nothing keeps the thread
    with ThreadPoolExecutor(1) as threads, side_by_side(train, settings.engine) as run:
        fitting = threads.submit(run, names, work, steps.put)
        fitting.add_done_callback(lambda _: steps.put(None))

        def wait(on_fit: Callable[[str], None]) -> dict[str, FittedMember]:
            while (name := steps.get()) is not None:
                on_fit(name)
            return fitting.result()

        yield wait


def _fit_of(
    params: Mapping[str, Mapping[str, Any]], settings: SearchSettings, categorical: Sequence[int]
) -> Callable[..., FittedMember]:
    n_threads = THREADS_OF_ONE if len(params) == 1 else 1
    return partial(_fit, params, settings, tuple(categorical), n_threads)


@contextmanager
def _stored(settings: SearchSettings) -> Iterator[SearchSettings]:
    """Hold the storage while the search lasts; one in memory is a file meanwhile, for all processes."""
    if settings.storage is None:
        with tempfile.TemporaryDirectory(prefix="greyhound-journal-") as folder:
            yield replace(settings, storage=Path(folder) / "search.journal")
        return
    with reserved(settings.storage, resume=settings.resume):
        if not settings.resume:
            forget_studies(settings)
        yield settings


def _search(
    settings: SearchSettings,
    categorical: tuple[int, ...],
    n_until: int,
    budget_s: float | None,
    name: str,
    train: Data[RaceTable],
    on_trial: Callable[[Trial], None],
) -> tuple[SearchResult, float]:
    began = time.monotonic()
    family = family_named(name)
    result = search(family, train, settings, categorical, on_trial, n_until=n_until, budget_s=budget_s)
    return result, time.monotonic() - began


def _fit_timed(
    params: Mapping[str, Mapping[str, Any]],
    settings: SearchSettings,
    categorical: tuple[int, ...],
    behind: frozenset[str],
    name: str,
    train: Data[RaceTable],
    on_fit: Callable[[str], None],
) -> tuple[FittedMember, float]:
    began = time.monotonic()
    member = _fit(params, settings, categorical, 1, name, train, on_fit, is_brief=name in behind)
    return member, time.monotonic() - began


def _fit(
    params: Mapping[str, Mapping[str, Any]],
    settings: SearchSettings,
    categorical: tuple[int, ...],
    n_threads: int,
    name: str,
    train: Data[RaceTable],
    on_fit: Callable[[str], None] = lambda name: None,
    *,
    is_brief: bool = False,
) -> FittedMember:
    fit = _Fit(
        family=name,
        params=params[name],
        categorical=categorical,
        seed=settings.seed,
        search_rows=settings.search_rows,
        n_threads=n_threads,
        is_brief=is_brief,
    )
    left = iter(range(steps_of_fit(family_named(name), params[name])))

    def on_step() -> None:
        if next(left, None) is not None:
            on_fit(name)

    train.on_step = on_step
    (member,) = train.each(_fitted, [fit])
    for _ in left:  # of a fit that has one step, or was made by another machine's worker
        on_fit(name)
    return member


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    family: str
    params: Mapping[str, Any]
    categorical: tuple[int, ...]
    seed: int
    search_rows: int
    n_threads: int
    is_brief: bool
    """On the races of the search alone: of a family that was left behind, to see if it counts in a blend."""


def _fitted(train: Data[RaceTable], fit: _Fit) -> FittedMember:
    table = latest(train.value, fit.search_rows) if fit.is_brief else train.value
    # five times the runners bear six tenths more boosting
    growth = (len(table) / len(latest(table, fit.search_rows))) ** 0.3
    return fit_member(
        family_named(fit.family),
        table,
        fit.params,
        categorical=fit.categorical,
        seed=fit.seed,
        is_final=True,
        growth=growth,
        n_threads=fit.n_threads,
        on_step=train.on_step,
    )


def _slowest_first(names: Iterable[str]) -> list[str]:
    order = {name: place for place, name in enumerate(_SLOWEST_FIRST)}
    return sorted(names, key=lambda name: order.get(name, -1))
