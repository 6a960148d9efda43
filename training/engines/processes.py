"""Work by name in processes with one thread each, the table memory-mapped.

Guarantees (tests/training/test_processes.py): a search leaves no worker, however it ends; a worker that is
killed ends the search with its name and exit code; steps are reported while the work goes on. joblib's loky
was tried (1.6): as quick, but its workers outlive a parent that is killed (all were there 40 s later; its
own limit is 300 s idle), a killed worker ends all pieces with one error that names none of them, and reports
of steps need a manager process beside them. ``concurrent.futures`` cannot end running workers before Python
3.14; ``multiprocessing.Pool`` waits for ever for one that was killed.
"""

import multiprocessing as mp
import os
import signal
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from racing.race_table import RaceTable
from training.engines.work import Data, Run, Work
from training.errors import SearchFailed, TrainingError


@contextmanager
def processes_over(table: RaceTable, n_jobs: int) -> Iterator[Run]:
    """Open processes over one table of races; ``n_jobs`` work at a time."""
    with tempfile.TemporaryDirectory(prefix="greyhound-search-") as folder:
        _save(table, Path(folder))
        workers = _Workers(Path(folder), n_jobs)
        try:
            yield workers.run
        finally:
            workers.end()


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
    data = Data(_load(folder))
    while True:
        name, work = connection.recv()
        try:
            with threadpool_limits(1):
                result = work(name, data, lambda step: connection.send(("step", step)))
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
    for name, values in table.arrays().items():
        np.save(folder / f"{name}.npy", values, allow_pickle=False)


def _load(folder: Path) -> RaceTable:
    return RaceTable(**{path.stem: np.load(path, mmap_mode="c") for path in sorted(folder.glob("*.npy"))})
