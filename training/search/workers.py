"""Work by name in processes with one thread each, the table memory-mapped.

Guarantees (tests/training/test_workers.py): a search leaves no worker, however it ends; a worker that is
killed ends the search with its name and exit code; steps are reported while the work goes on. joblib's loky
was tried: as quick, but its workers outlive a parent that is killed, and reports of steps need a manager
process beside them. ``concurrent.futures`` cannot end running workers before Python 3.14;
``multiprocessing.Pool`` waits for ever for one that was killed.
"""

import multiprocessing as mp
import os
import signal
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from racing.race_table import RaceTable
from training.errors import SearchFailed, TrainingError

Work = Callable[[str, RaceTable, Callable[[Any], None]], Any]
"""One family's part, given its name, the races, and the callback for each step done."""


def run_side_by_side(
    names: Sequence[str], work: Work, train: RaceTable, n_jobs: int, on_step: Callable[[Any], None]
) -> dict[str, Any]:
    """Return the result of the work on each name; ``n_jobs`` run at a time, begun in the order of the names.

    Raises
    ------
    SearchFailed
        If a worker ended or its work failed; a :class:`TrainingError` of the work is raised as it is.
    """
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
    waiting = list(names)
    running: dict[Connection, tuple[str, Any]] = {}
    results: dict[str, Any] = {}
    try:
        while waiting or running:
            while waiting and len(running) < n_jobs:
                name = waiting.pop(0)
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(name, work, folder, theirs), daemon=True)
                with _interrupts_blocked():
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
def _interrupts_blocked() -> Iterator[None]:
    """Block Ctrl-C in processes that start here: their parent receives it, and ends them.

    A worker that ignored it itself would import for seconds first, and end with a traceback until then.
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
