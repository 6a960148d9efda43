"""The days of predictions are sealed once they are over, in a process of its own: it reads the whole day."""

import datetime as dt
import json
import logging
import subprocess
import sys

from sqlalchemy import Engine

from racing.predictions.seals import days_due
from service.automation.tasks import PeriodicTask
from service.settings import ServiceSettings

log = logging.getLogger("greyhound.service")
EVERY_S = 600.0
MAX_S = 3 * 3600.0  # the first time it seals all days that there are
_SEAL = """
import datetime as dt, json, os, sys
os.nice(10)
from racing.database.engine import open_database
from racing.predictions.seals import seal_days
given = json.loads(sys.stdin.readline())
for seal in seal_days(open_database(given["database"]), grace=dt.timedelta(hours=given["grace_h"])):
    print(seal.date, seal.n_predictions, seal.seal, flush=True)
"""


def seal_task(settings: ServiceSettings, *, every_s: float = EVERY_S) -> PeriodicTask:
    """Return the task that seals each day of predictions that is due, and logs its seal."""
    grace = dt.timedelta(hours=settings.seal_grace_h)

    def seal(engine: Engine) -> None:
        if not days_due(engine, grace=grace):
            return
        # Not in its arguments, which every user of the machine may read: the address may hold a password.
        given = {
            "database": engine.url.render_as_string(hide_password=False),
            "grace_h": settings.seal_grace_h,
        }
        done = subprocess.run(
            [sys.executable, "-c", _SEAL],
            input=json.dumps(given) + "\n",
            capture_output=True,
            text=True,
            timeout=MAX_S,
            process_group=0,  # Ctrl-C is for the service; a sealing that is under way ends by itself
        )
        for line in done.stdout.splitlines():
            log.info("sealed %s: %s predictions, seal %s", *line.split())
        if done.returncode:
            raise RuntimeError(f"sealing failed: {done.stderr.strip()[-300:]}")

    return PeriodicTask("seal", every_s, seal)
