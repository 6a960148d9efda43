"""The newest report, stored as JSON: made by one process, shown by all."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from racing.database.experiment_tables import Decision
from racing.database.monitor_tables import MonitorReport as _Table
from racing.monitor.alarms import without_nan

_REPORT: Table = _Table.__table__  # type: ignore[attr-defined]
_DECISION: Table = Decision.__table__  # type: ignore[attr-defined]
_REPORT_NAME, _LIVE_NAME = "monitor", "live-figures"
N_DECISIONS = 20


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report as it is stored, and when it was made, UTC."""

    made_at: dt.datetime
    report: Mapping[str, Any]


def store_report(connection: Connection, report: Mapping[str, Any], *, made_at: dt.datetime) -> None:
    """Put a report in the place of the one before, unless that is newer."""
    _store(connection, _REPORT_NAME, report, made_at)


def stored_report(connection: Connection) -> StoredReport | None:
    """Return the newest report, if one was made."""
    return _stored(connection, _REPORT_NAME)


def note_live_days(connection: Connection, version: int, n_days: int) -> None:
    """Note that so many days of a version are in its MLflow run."""
    values = {"version": version, "n_days": n_days}
    _store(connection, _LIVE_NAME, values, dt.datetime.now(dt.UTC))


def n_live_days(connection: Connection, version: int) -> int:
    """Return how many days of a version are in its MLflow run, as far as was noted last."""
    noted = _stored(connection, _LIVE_NAME)
    return int(noted.report["n_days"]) if noted and noted.report["version"] == version else 0


def _store(connection: Connection, name: str, report: Mapping[str, Any], made_at: dt.datetime) -> None:
    row = {
        "name": name,
        "made_at": made_at.astimezone(dt.UTC).replace(tzinfo=None),
        "report": json.dumps(without_nan(report)),
    }
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = dialect.insert(_REPORT)
    connection.execute(
        new.on_conflict_do_update(
            index_elements=["name"],
            set_={"made_at": new.excluded.made_at, "report": new.excluded.report},
            where=_REPORT.c.made_at <= new.excluded.made_at,
        ),
        row,
    )


def _stored(connection: Connection, name: str) -> StoredReport | None:
    row = connection.execute(select(_REPORT).where(_REPORT.c.name == name)).first()
    if row is None:
        return None
    return StoredReport(row.made_at.replace(tzinfo=dt.UTC), json.loads(row.report))


def last_decisions(connection: Connection, *, limit: int = N_DECISIONS) -> list[dict[str, Any]]:
    """Return the last decisions about the champion, the newest first."""
    rows = connection.execute(select(_DECISION).order_by(_DECISION.c.id.desc()).limit(limit))
    return [
        {
            "id": row.id,
            "action": row.action,
            "from_version": row.from_version,
            "to_version": row.to_version,
            "reason": row.reason,
            "decided_by": row.decided_by,
            "decided_at": row.decided_at.replace(tzinfo=dt.UTC),
            "carried_out_at": row.carried_out_at and row.carried_out_at.replace(tzinfo=dt.UTC),
            "error": row.error,
        }
        for row in rows
    ]
