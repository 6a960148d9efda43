"""Logged predictions that are older than the settings allow are deleted, month by month."""

import datetime as dt
import logging

from sqlalchemy import Engine

from racing.predictions.prune import any_before
from service.automation.own_process import run_in_own_process
from service.automation.tasks import PeriodicTask
from service.settings import ServiceSettings

log = logging.getLogger("greyhound.service")
EVERY_S = 6 * 3600.0
_PRUNE = """
import datetime as dt
from racing.predictions.prune import prune
print(prune(engine, dt.date.fromisoformat(given["before"])))
"""


def retention_tasks(settings: ServiceSettings, *, every_s: float = EVERY_S) -> tuple[PeriodicTask, ...]:
    """Return the task that deletes whole months of old predictions; none where they stay for ever."""

    def delete_old(engine: Engine) -> None:
        oldest = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=settings.log_days)
        before = oldest.replace(day=1)  # whole months, which PostgreSQL drops at once
        if not any_before(engine, before):
            return
        (n,) = run_in_own_process(_PRUNE, engine, {"before": before.isoformat()})
        log.info("%s predictions of before %s were deleted: they stay %d days", n, before, settings.log_days)

    return (PeriodicTask("retention", every_s, delete_old),) if settings.log_days else ()
