"""The text of ``GET /metrics``: of this process, or of all the workers of one service."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from service.settings import ServiceSettings

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FILE = re.compile(r"_(\d+)\.db$")


class Exposition:
    """Writes the metrics of a registry, and memory, processor and files of the process.

    With a folder that workers share it writes the sums of all workers (the counts of a dead one stay),
    gauges of the living, and the figures of each process with its number as ``pid``.
    """

    def __init__(self, registry: CollectorRegistry, directory: str | None = None) -> None:
        self._directory = directory
        if directory is None:
            self._registry = registry
            ProcessCollector(registry=registry)
        else:
            self._registry = CollectorRegistry()
            MultiProcessCollector(self._registry, path=directory)  # type: ignore[no-untyped-call]
            self._registry.register(_Processes(directory))

    def text(self) -> bytes:
        """Return the metrics in Prometheus' text format; some milliseconds of work."""
        if self._directory is not None:
            forget_the_dead(self._directory)
        return generate_latest(self._registry)


class _Processes(Collector):
    """The process metrics of each living worker."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def collect(self) -> Iterator[Metric]:
        merged: dict[str, Metric] = {}
        for pid in living_workers(self._directory):
            for family in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]
                known = merged.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    known.add_sample(sample.name, {**sample.labels, "pid": str(pid)}, sample.value)
        yield from merged.values()


@contextmanager
def shared_metrics(settings: ServiceSettings, n_workers: int) -> Iterator[ServiceSettings]:
    """Give settings with a temporary folder of metrics that workers share, for as long as they run.

    For one worker, or where a folder is set, the settings are the same.
    """
    if n_workers == 1 or settings.metrics_directory:
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="greyhound-metrics-", ignore_cleanup_errors=True) as folder:
        yield settings.model_copy(update={"metrics_directory": folder})


def living_workers(directory: str) -> list[int]:
    """Return the processes that write metrics to a folder and still run."""
    return sorted(pid for pid in _workers(directory) if _is_alive(pid))


def forget_the_dead(directory: str) -> None:
    """Drop the gauges of workers that have ended or were killed."""
    for pid in _workers(directory):
        if not _is_alive(pid):
            mark_process_dead(pid, path=directory)  # type: ignore[no-untyped-call]


def _workers(directory: str) -> set[int]:
    found = (_FILE.search(path.name) for path in Path(directory).glob("*.db"))
    return {int(match[1]) for match in found if match}


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
