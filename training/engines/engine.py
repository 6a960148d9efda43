"""The one place through which parallel work goes, whatever does it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from training.engines.processes import processes_over
from training.engines.work import Data, Run, Work

ENGINES = ("local", "dask")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Where parallel work is done; the results are the same everywhere."""

    scheduler: str | None = None
    """Address of a Dask scheduler; ``None`` is processes of this machine."""
    n_jobs: int = 2
    """Pieces side by side, each in a process with one thread; 1 stays in this process. Dask has its own."""

    def n_at_once(self, n_pieces: int) -> int:
        """Return how many of so many pieces are worked on at a time."""
        return n_pieces if self.scheduler else min(self.n_jobs, n_pieces)


@contextmanager
def side_by_side(value: Any, engine: Engine) -> Iterator[Run]:
    """Open workers over one value, for as many rounds of work as there are.

    The run that it gives raises :class:`SearchFailed` if a worker ended or its work failed; a
    :class:`TrainingError` of the work as it is.
    """
    if engine.scheduler:
        from training.engines.cluster import cluster_over  # distributed is an extra

        with cluster_over(value, engine.scheduler) as run:
            yield run
    elif engine.n_jobs == 1:
        data = Data(value)
        yield lambda names, work, on_step: _in_turn(data, names, work, on_step)
    else:
        with processes_over(value, engine.n_jobs) as run:
            yield run


def run_side_by_side(
    names: Sequence[str], work: Work, value: Any, engine: Engine, on_step: Callable[[Any], None]
) -> dict[str, Any]:
    """Return the result of one round of work on each name; see :func:`side_by_side`."""
    once = Engine(scheduler=engine.scheduler, n_jobs=min(engine.n_jobs, len(names)))
    with side_by_side(value, once) as run:
        return run(names, work, on_step)


def _in_turn(
    data: Data[Any], names: Sequence[str], work: Work, on_step: Callable[[Any], None]
) -> dict[str, Any]:
    with threadpool_limits(1):  # also keeps sums in one order, whatever the machine
        return {name: work(name, data, on_step) for name in names}
