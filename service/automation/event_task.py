"""The task that removes events of race days which nobody needs any more."""

import datetime as dt

from sqlalchemy import Engine

from racing.race_day.events import LIFETIME, prune_events
from service.automation.tasks import PeriodicTask

PRUNE_S = 300.0


def prune_events_task(*, every_s: float = PRUNE_S) -> PeriodicTask:
    """Return the task that removes events older than two days, and all before the last 200,000."""

    def prune(engine: Engine) -> None:
        with engine.begin() as connection:
            prune_events(connection, dt.datetime.now(dt.UTC).replace(tzinfo=None) - LIFETIME)

    return PeriodicTask("prune-events", every_s, prune)
