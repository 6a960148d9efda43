"""Work on the workers of a Dask scheduler: this process decides, the workers fit.

Each piece of work runs in a thread here and hands its parts (a fit on some rows) to the workers. What is
decided stays here, with the record of the search: a worker that ends costs the parts that it had begun, which
another does again to the same result.

Guarantees (tests/training/test_cluster.py): the same model as in processes of one machine, though a worker is
killed in the middle; a worker of another version is refused; without workers a search ends with an error.
"""

import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import distributed  # type: ignore[import-not-found,import-untyped,unused-ignore]
from distributed.scheduler import KilledWorker  # type: ignore[import-not-found,import-untyped,unused-ignore]
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from training.engines.versions import difference, versions
from training.engines.work import Data, Run, Work
from training.errors import NoWorkers, SearchFailed, TrainingError, WorkersDiffer

VERSIONS = "greyhound-versions"
"""Name under which the scheduler holds the versions of the training that came last."""

CONNECT_S = 30
NO_WORKER_S = 300
"""So long a search waits for a worker, at its start and whenever all have ended."""
_LOOK_EVERY_S = 5
_MAX_PIECES = 128
"""Pieces under way at a time, each a thread here."""
_MAX_LOSSES = 5
"""So often the data is sent again when every worker that held it has ended."""


@contextmanager
def cluster_over(value: Any, scheduler: str) -> Iterator[Run]:
    """Send one value to the workers of a scheduler, for as many rounds of work as there are.

    Raises
    ------
    NoWorkers
        If the scheduler does not answer or has no worker.
    WorkersDiffer
        If a worker's code or libraries are of another version.
    """
    with connected(scheduler) as client:
        _wait_for_a_worker(client)
        client.set_metadata(VERSIONS, versions())
        yield _ClusterData(value, client).run


@contextmanager
def connected(scheduler: str) -> Iterator[Any]:
    """Open a client of a scheduler."""
    try:
        client = distributed.Client(  # type: ignore[no-untyped-call]
            scheduler, timeout=CONNECT_S, set_as_default=False
        )
    except (OSError, ValueError) as error:
        raise NoWorkers(f"no Dask scheduler answers at {scheduler}: {error}") from error
    try:
        yield client
    finally:
        client.close()  # type: ignore[no-untyped-call]


class _ClusterData(Data[Any]):
    """The value, of which the workers hold copies."""

    def __init__(self, value: Any, client: Any) -> None:
        super().__init__(value)
        self._client = client
        self._copy: Any = None
        self._copying = threading.Lock()
        self._open: set[Any] = set()
        self._is_stopped = False

    def each(self, function: Callable[..., Any], arguments: Sequence[Any]) -> list[Any]:
        """Return the function's results, each from some worker."""
        for _ in range(_MAX_LOSSES):
            copy = self._sent()
            parts = [
                self._client.submit(_on_worker, function, copy, argument, versions(), pure=False)
                for argument in arguments
            ]
            self._open.update(parts)
            try:
                return self._results(parts)
            except CancelledError:  # every worker that held the copy has ended
                if self._is_stopped:
                    raise
            finally:
                self._open.difference_update(parts)
        raise SearchFailed(f"all workers that held the data ended, {_MAX_LOSSES} times")

    def run(self, names: Sequence[str], work: Work, on_step: Callable[[Any], None]) -> dict[str, Any]:
        """Return the result of the work on each name; steps are reported in this thread."""
        news: SimpleQueue[Any] = SimpleQueue()
        results: dict[str, Any] = {}
        with threadpool_limits(1), ThreadPoolExecutor(min(_MAX_PIECES, len(names))) as threads:
            running: dict[Future[Any], str] = {}
            for name in names:
                future = threads.submit(work, name, self, news.put)
                running[future] = name
                future.add_done_callback(news.put)
            try:
                while running:
                    step = news.get()
                    if isinstance(step, Future):
                        name = running.pop(step)
                        results[name] = _result_of(name, step)
                    else:
                        on_step(step)
            except BaseException:
                self._is_stopped = True
                self._client.cancel(list(self._open), force=True)
                raise
        return results

    def _sent(self) -> Any:
        with self._copying:
            if self._copy is None or self._copy.status != "finished":
                _wait_for_a_worker(self._client)
                data = Data(self.value)
                self._copy = self._client.scatter(data, broadcast=True, hash=False)
            return self._copy

    def _results(self, parts: Sequence[Any]) -> list[Any]:
        while True:
            try:
                with self._client.as_current():
                    distributed.wait(parts, timeout=_LOOK_EVERY_S)  # type: ignore[no-untyped-call]
            except TimeoutError:
                _wait_for_a_worker(self._client)
            else:
                return list(self._client.gather(parts))


def _result_of(name: str, done: Future[Any]) -> Any:
    try:
        return done.result()
    except TrainingError:
        raise
    except KilledWorker as error:
        raise SearchFailed(f"the work on {name} ended a worker {error.allowed_failures + 1} times") from error
    except Exception as error:
        trace = "".join(traceback.format_exception(error, limit=-3))
        raise SearchFailed(f"the work on {name} failed:\n{trace}") from error


def _wait_for_a_worker(client: Any) -> None:
    until = time.monotonic() + NO_WORKER_S
    while not client.scheduler_info(n_workers=1)["workers"]:
        if time.monotonic() > until:
            address = client.scheduler.address
            raise NoWorkers(
                f"no worker has joined {address} within {NO_WORKER_S} s; "
                f"start some: greyhound worker --scheduler {address}"
            )
        time.sleep(0.2)


def _on_worker(function: Callable[..., Any], data: Data[Any], argument: Any, expected: dict[str, str]) -> Any:
    """Run in the worker: refuse if it would find something else."""
    if other := difference(versions(), expected):
        raise WorkersDiffer(f"a worker has {other}; install there what the training runs with")
    with threadpool_limits(1):
        return function(data, argument)
