"""One look of the monitor, in a process of its own: ``python -m service.automation.monitor_look``.

What it is about comes on standard input as JSON: addresses may hold passwords, and arguments can be seen.
"""

import json
import os
import sys
from dataclasses import dataclass
from typing import Any

from racing.database.engine import open_database
from racing.monitor.champion import ChampionFacts
from racing.monitor.report import MonitorReport, look
from racing.monitor.store import n_live_days, note_live_days
from racing.predictions.latest import begin_writing


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRequest:
    """What a look is about."""

    database: str
    registry: str | None
    champion: ChampionFacts | None
    retrain_after_weeks: float

    def to_json(self) -> str:
        """Return the request as one line."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(values | {"champion": self.champion and self.champion.as_json()})

    @classmethod
    def from_json(cls, line: str) -> "LookRequest":
        """Return what :meth:`to_json` wrote."""
        values = json.loads(line)
        champion = values["champion"] and ChampionFacts.from_json(values["champion"])
        return cls(**{**values, "champion": champion})


def look_once(request: LookRequest) -> MonitorReport:
    """Make and store a report, and write settled days into the champion's MLflow run."""
    engine = open_database(request.database)
    try:
        report = look(engine, request.champion, retrain_after_weeks=request.retrain_after_weeks)
        if report.champion is not None and report.live_days:
            version, n_days = report.champion.version, len(report.live_days)
            with engine.connect() as connection:
                is_noted = n_live_days(connection, version) == n_days
            if not is_noted:  # else MLflow need not be imported, which takes seconds
                from model_registry import get_model_registry

                get_model_registry(request.registry).log_live_days(version, report.live_days)
                with engine.begin() as connection:
                    begin_writing(connection)
                    note_live_days(connection, version, n_days)
        return report
    finally:
        engine.dispose()


if __name__ == "__main__":
    os.nice(10)
    look_once(LookRequest.from_json(sys.stdin.readline()))
