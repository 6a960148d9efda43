"""Families side by side: a process each with one thread, the table memory-mapped, none left behind."""

import multiprocessing as mp
import os
import signal
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, fields
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from racing.race_table import RaceTable
from training.errors import SearchFailed, TrainingError
from training.families import Member, family_named
from training.fitting import fit_member
from training.search import Found, Task, Trial, search
from training.splits import latest, time_folds

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
    storage: str | None
    resume: bool
    time_budget_s: float | None
    n_jobs: int
    search_rows: int

    def task(self) -> Task:
        """Return what the search of one family must know, with its share of the time."""
        n_side_by_side = min(self.n_jobs, len(self.families))
        budget = self.time_budget_s
        return Task(
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
    found: Found
    seconds: float


def run_jobs(job: Job, train: RaceTable, on_trial: Callable[[Trial], None]) -> list[FamilyResult]:
    """Search and fit each family; the results come in the order of ``job.families``."""
    time_folds(latest(train, job.search_rows), job.n_folds)  # refuse before any process starts
    if job.storage is not None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        optuna.storages.get_storage(job.storage)  # makes the tables once, not in two processes at a time
    if job.n_jobs == 1 or len(job.families) == 1:
        return [_run(name, job, train, on_trial) for name in job.families]
    with tempfile.TemporaryDirectory(prefix="greyhound-search-") as folder:
        _save(train, Path(folder))
        return _run_side_by_side(job, Path(folder), on_trial)


def _run(name: str, job: Job, train: RaceTable, on_trial: Callable[[Trial], None]) -> FamilyResult:
    began = time.monotonic()
    family = family_named(name)
    with threadpool_limits(1):  # also keeps sums in one order, whatever the machine
        found = search(family, latest(train, job.search_rows), job.task(), on_trial)
        member = fit_member(
            family, train, found.best.params, categorical=job.categorical, seed=job.seed, is_final=True
        )
    return FamilyResult(name, member, found, time.monotonic() - began)


def _run_side_by_side(job: Job, folder: Path, on_trial: Callable[[Trial], None]) -> list[FamilyResult]:
    context = mp.get_context("spawn")  # a fork would copy the locks of libraries' threads
    waiting = sorted(job.families, key=_SLOWEST_FIRST.index)
    running: dict[Connection, tuple[str, Any]] = {}
    results: dict[str, FamilyResult] = {}
    try:
        while waiting or running:
            while waiting and len(running) < job.n_jobs:
                name = waiting.pop(0)
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(name, job, folder, theirs), daemon=True)
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
                    raise SearchFailed(f"the search of {name} ended with code {process.exitcode}") from None
                if kind == "trial":
                    on_trial(content)
                    continue
                del running[connection]
                connection.close()
                process.join()
                if kind == "refused":
                    raise content
                if kind == "failed":
                    raise SearchFailed(f"the search of {name} failed:\n{content}")
                results[name] = content
    finally:
        for connection, (_, process) in running.items():
            process.terminate()
            process.join()
            connection.close()
    return [results[name] for name in job.families]


def _work(name: str, job: Job, folder: Path, connection: Connection) -> None:
    """Run in the worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        result = _run(name, job, _load(folder), lambda trial: connection.send(("trial", trial)))
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
