"""Families side by side: a process each with one thread, the table memory-mapped, none left behind."""

import multiprocessing as mp
import os
import signal
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from racing.race_table import RaceTable
from training.data.splits import latest, time_folds
from training.errors import SearchFailed, TrainingError
from training.families import Member, family_named
from training.search.fitting import fit_member
from training.search.search import SearchResult, SearchTask, Trial, search
from training.search.storage import reserved

_SLOWEST_FIRST = ("random_forest", "catboost", "gradient_boosting", "xgboost", "logistic_regression")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The search and the final fit of some families."""

    families: tuple[str, ...]
    n_trials: int
    n_folds: int
    seed: int
    categorical: tuple[int, ...]
    study_name: str
    storage: Path | str | None
    resume: bool
    time_budget_s: float | None
    n_jobs: int
    search_rows: int

    def task(self) -> SearchTask:
        """Return what the search of one family must know, with its share of the time."""
        n_side_by_side = min(self.n_jobs, len(self.families))
        budget = self.time_budget_s
        return SearchTask(
            n_trials=self.n_trials,
            n_folds=self.n_folds,
            seed=self.seed,
            categorical=self.categorical,
            study_name=self.study_name,
            storage=self.storage,
            resume=self.resume,
            time_budget_s=None if budget is None else budget * n_side_by_side / len(self.families),
        )


@dataclass(frozen=True, slots=True)
class FamilyResult:
    """What came of one family."""

    family: str
    member: Member
    found: SearchResult
    seconds: float


def run_jobs(job: Job, train: RaceTable, on_trial: Callable[[Trial], None]) -> list[FamilyResult]:
    """Search and fit each family; the results come in the order of ``job.families``."""
    time_folds(latest(train, job.search_rows), job.n_folds)  # refuse before any process starts
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with reserved(job.storage, resume=job.resume):
        results = _side_by_side(job.families, partial(_search_and_fit, job), train, job.n_jobs, on_trial)
    return [results[name] for name in job.families]


def fit_members(
    params: Mapping[str, Mapping[str, Any]],
    train: RaceTable,
    *,
    categorical: Sequence[int],
    seed: int,
    search_rows: int,
    n_jobs: int,
    on_fit: Callable[[str], None] = lambda name: None,
) -> dict[str, Member]:
    """Fit each family with the parameters that a search over about so many rows found for it."""
    work = partial(_fit, params, tuple(categorical), seed, search_rows)
    return _side_by_side(tuple(params), work, train, n_jobs, on_fit)


def _search_and_fit(job: Job, name: str, train: RaceTable, tell: Callable[[Trial], None]) -> FamilyResult:
    began = time.monotonic()
    found = search(family_named(name), latest(train, job.search_rows), job.task(), tell)
    member = _fit({name: found.best.params}, job.categorical, job.seed, job.search_rows, name, train)
    return FamilyResult(name, member, found, time.monotonic() - began)


def _fit(
    params: Mapping[str, Mapping[str, Any]],
    categorical: tuple[int, ...],
    seed: int,
    search_rows: int,
    name: str,
    train: RaceTable,
    tell: Callable[[str], None] = lambda name: None,
) -> Member:
    # five times the runners bear six tenths more boosting
    growth = (len(train) / len(latest(train, search_rows))) ** 0.3
    member = fit_member(
        family_named(name),
        train,
        params[name],
        categorical=categorical,
        seed=seed,
        is_final=True,
        growth=growth,
    )
    tell(name)
    return member


Work = Callable[[str, RaceTable, Callable[[Any], None]], Any]
"""Does one family's part, given its name, the races, and how to tell of steps done."""


def _side_by_side(
    names: Sequence[str], work: Work, train: RaceTable, n_jobs: int, on_step: Callable[[Any], None]
) -> dict[str, Any]:
    if n_jobs == 1 or len(names) == 1:
        with threadpool_limits(1):  # also keeps sums in one order, whatever the machine
            return {name: work(name, train, on_step) for name in names}
    with tempfile.TemporaryDirectory(prefix="greyhound-search-") as folder:
        _save(train, Path(folder))
        return _in_processes(names, work, Path(folder), n_jobs, on_step)


def _in_processes(
    names: Sequence[str], work: Work, folder: Path, n_jobs: int, on_step: Callable[[Any], None]
) -> dict[str, Any]:
    context = mp.get_context("spawn")  # a fork would copy the locks of libraries' threads
    order = {name: place for place, name in enumerate(_SLOWEST_FIRST)}
    waiting = sorted(names, key=lambda name: order.get(name, -1))  # one not listed may be slow
    running: dict[Connection, tuple[str, Any]] = {}
    results: dict[str, Any] = {}
    try:
        while waiting or running:
            while waiting and len(running) < n_jobs:
                name = waiting.pop(0)
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(name, work, folder, theirs), daemon=True)
                with _interrupts_held_back():
                    process.start()
                theirs.close()
                running[ours] = name, process
            for connection in wait(list(running)):
                assert isinstance(connection, Connection)
                name, process = running[connection]
                try:
                    kind, content = connection.recv()
                except EOFError:
                    process.join()
                    raise SearchFailed(f"the work on {name} ended with code {process.exitcode}") from None
                if kind == "step":
                    on_step(content)
                    continue
                del running[connection]
                connection.close()
                process.join()
                if kind == "refused":
                    raise content
                if kind == "failed":
                    raise SearchFailed(f"the work on {name} failed:\n{content}")
                results[name] = content
    finally:
        for connection, (_, process) in running.items():
            process.terminate()
            process.join()
            connection.close()
    return results


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let a process that is started here never hear of Ctrl-C: its parent does, and ends it.

    A worker that ignored it itself would first import for seconds, and end with a traceback meanwhile.
    """
    resource_tracker.ensure_running()  # started with the first worker, it would let interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(name: str, work: Work, folder: Path, connection: Connection) -> None:
    """Run in the worker."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        with threadpool_limits(1):
            result = work(name, _load(folder), lambda step: connection.send(("step", step)))
        connection.send(("done", result))
    except TrainingError as error:
        connection.send(("refused", error))
    except Exception:
        connection.send(("failed", traceback.format_exc(limit=-3)))


def _end_with_parent() -> None:
    """End at once when the parent is gone; its open trial is failed on resuming."""
    parent = mp.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _save(table: RaceTable, folder: Path) -> None:
    for field in fields(table):
        np.save(folder / f"{field.name}.npy", getattr(table, field.name), allow_pickle=False)


def _load(folder: Path) -> RaceTable:
    return RaceTable(
        **{field.name: np.load(folder / f"{field.name}.npy", mmap_mode="c") for field in fields(RaceTable)}
    )
