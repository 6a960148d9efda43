"""The days of predictions are sealed once they are over, in a process of its own: it reads the whole day."""

import datetime as dt
import logging

from sqlalchemy import Engine

from racing.predictions.seals import days_due
from service.automation.own_process import run_in_own_process
from service.automation.tasks import PeriodicTask
from service.settings import ServiceSettings

log = logging.getLogger("greyhound.service")
EVERY_S = 600.0
_SEAL = """
import datetime as dt
from racing.predictions.seals import seal_days
for seal in seal_days(engine, grace=dt.timedelta(hours=given["grace_h"])):
    print(seal.date, seal.n_predictions, seal.seal, flush=True)
"""


def seal_task(settings: ServiceSettings, *, every_s: float = EVERY_S) -> PeriodicTask:
    """Return the task that seals each day of predictions that is due, and logs its seal."""
    grace = dt.timedelta(hours=settings.seal_grace_h)

    def seal(engine: Engine) -> None:
        if not days_due(engine, grace=grace):
            return
        for line in run_in_own_process(_SEAL, engine, {"grace_h": settings.seal_grace_h}):
            log.info("sealed %s: %s predictions, seal %s", *line.split())

    return PeriodicTask("seal", every_s, seal)
