"""The task that lets the record of experiments follow the registry's aliases."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from racing.experiments.reconcile import reconcile
from service.automation.tasks import PeriodicTask

if TYPE_CHECKING:  # it brings MLflow along, which takes a second
    from model_registry.registry import ModelRegistry

log = logging.getLogger("greyhound.service")


def reconcile_task(registry: "Callable[[], ModelRegistry]", *, every_s: float) -> PeriodicTask:
    """Return the task; a run is one read of the registry's aliases and one of the record.

    Parameters
    ----------
    registry
        Opens the registry when it is first needed, as
        :meth:`service.serving.watcher.AliasWatcher.registry` does.
    """

    def run(engine: Engine) -> None:
        for sentence in reconcile(engine, registry().roles):
            log.info("%s", sentence)

    return PeriodicTask(name="experiments", every_s=every_s, run=run)
