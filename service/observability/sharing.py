"""One set of metrics for the worker processes of a service."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from service.settings import ServiceSettings


@contextmanager
def shared_metrics(settings: ServiceSettings, n_workers: int) -> Iterator[ServiceSettings]:
    """Give settings by which workers share a temporary folder; for one worker, or where one is set, the same.

    For whoever starts the workers, around their lives.
    """
    if n_workers == 1 or settings.metrics_directory:
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="greyhound-metrics-", ignore_cleanup_errors=True) as folder:
        yield settings.model_copy(update={"metrics_directory": folder})
