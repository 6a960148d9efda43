"""What is done at intervals with the counts of inputs: alarms raised and cleared, old rows put together."""

import datetime as dt

from sqlalchemy import Engine

from racing.monitor.input_alarms import check_inputs
from racing.monitor.input_days import tidy_counts
from service.automation.tasks import PeriodicTask
from service.settings import ServiceSettings

CHECK_S = 300.0
N_WRITES = 10  # of the counts, between two checks
TIDY_S = 3600.0


def input_tasks(settings: ServiceSettings) -> tuple[PeriodicTask, ...]:
    """Return the tasks; a check decodes some weeks of counts, in some 20 ms."""

    def check(engine: Engine) -> None:
        check_inputs(engine)

    def tidy(engine: Engine) -> None:
        today = dt.datetime.now(dt.UTC).date()
        tidy_counts(engine, today=today, retention_days=settings.inputs_retention_days)

    check_s = min(CHECK_S, N_WRITES * settings.inputs_interval_s)
    return PeriodicTask("input-alarms", check_s, check), PeriodicTask("input-tidying", TIDY_S, tidy)
