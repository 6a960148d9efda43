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
from contextlib import contextmanager, suppress
from dataclasses import fields
from functools import partial
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


Run = Callable[[Sequence[str], Work, Callable[[Any], None]], dict[str, Any]]
"""Returns the result of the work on each name, begun in their order; steps are reported as they end."""


@contextmanager
def side_by_side(train: RaceTable, n_jobs: int) -> Iterator[Run]:
    """Open workers over one table, for as many rounds of work as there are; ``n_jobs`` work at a time.

    This is the one place through which training's parallel work goes. The run that it gives raises
    :class:`SearchFailed` if a worker ended or its work failed; a :class:`TrainingError` of the work as it is.
    """
    if n_jobs == 1:
        yield partial(_in_turn, train)
        return
    with tempfile.TemporaryDirectory(prefix="greyhound-search-") as folder:
        _save(train, Path(folder))
        workers = _Workers(Path(folder), n_jobs)
        try:
            yield workers.run
        finally:
            workers.end()


def run_side_by_side(
    names: Sequence[str], work: Work, train: RaceTable, n_jobs: int, on_step: Callable[[Any], None]
) -> dict[str, Any]:
    """Return the result of one round of work on each name; see :func:`side_by_side`."""
    with side_by_side(train, min(n_jobs, len(names))) as run:
        return run(names, work, on_step)


def _in_turn(
    train: RaceTable, names: Sequence[str], work: Work, on_step: Callable[[Any], None]
) -> dict[str, Any]:
    with threadpool_limits(1):  # also keeps sums in one order, whatever the machine
        return {name: work(name, train, on_step) for name in names}


class _Workers:
    """Processes that wait for work; started when there is some, since each imports for seconds."""

    def __init__(self, folder: Path, n_jobs: int) -> None:
        self._folder = folder
        self._n_jobs = n_jobs
        self._context = mp.get_context("spawn")  # a fork would copy the locks of libraries' threads
        self._processes: dict[Connection, Any] = {}

    def run(self, names: Sequence[str], work: Work, on_step: Callable[[Any], None]) -> dict[str, Any]:
        waiting, running, results = list(names), dict[Connection, str](), dict[str, Any]()
        while waiting or running:
            while waiting and len(running) < self._n_jobs:
                idle = next((one for one in self._processes if one not in running), None) or self._start()
                running[idle] = waiting.pop(0)
                with suppress(BrokenPipeError):  # it ended: reading says so, with its code
                    idle.send((running[idle], work))
            for connection in wait(list(running)):
                assert isinstance(connection, Connection)
                name = running[connection]
                try:
                    kind, content = connection.recv()
                except (EOFError, ConnectionResetError):
                    process = self._processes[connection]
                    process.join()
                    raise SearchFailed(f"the work on {name} ended with code {process.exitcode}") from None
                match kind:
                    case "step":
                        on_step(content)
                    case "refused":
                        raise content
                    case "failed":
                        raise SearchFailed(f"the work on {name} failed:\n{content}")
                    case "done":
                        results[name] = content
                        del running[connection]
        return results

    def end(self) -> None:
        for connection, process in self._processes.items():
            process.terminate()
            process.join()
            connection.close()

    def _start(self) -> Connection:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(self._folder, theirs), daemon=True)
        with _interrupts_blocked():
            process.start()
        theirs.close()
        self._processes[ours] = process
        return ours


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


def _work(folder: Path, connection: Connection) -> None:
    """Run in the worker, until it is terminated."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    table = _load(folder)
    while True:
        name, work = connection.recv()
        try:
            with threadpool_limits(1):
                result = work(name, table, lambda step: connection.send(("step", step)))
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
