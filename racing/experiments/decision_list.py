"""The record of decisions, page by page."""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from racing.database.experiment_tables import Decision as _Table

_DECISION = _Table.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDecision:
    """A decision as it is on record; times are UTC."""

    id: int
    experiment_id: int | None
    action: str
    from_version: int | None
    to_version: int | None
    reason: str
    numbers: dict[str, Any]
    decided_by: str
    decided_at: dt.datetime
    carried_out_at: dt.datetime | None
    n_attempts: int
    error: str | None


def list_decisions(
    connection: Connection, *, experiment_id: int | None = None, limit: int = 50, before: int | None = None
) -> list[RecordedDecision]:
    """Return decisions, the newest first; of one experiment if one is named."""
    query = select(_DECISION).order_by(_DECISION.c.id.desc()).limit(limit)
    if experiment_id is not None:
        query = query.where(_DECISION.c.experiment_id == experiment_id)
    if before is not None:
        query = query.where(_DECISION.c.id < before)
    return [
        RecordedDecision(
            id=row.id,
            experiment_id=row.experiment_id,
            action=row.action,
            from_version=row.from_version,
            to_version=row.to_version,
            reason=row.reason,
            numbers=json.loads(row.numbers),
            decided_by=row.decided_by,
            decided_at=row.decided_at.replace(tzinfo=dt.UTC),
            carried_out_at=row.carried_out_at and row.carried_out_at.replace(tzinfo=dt.UTC),
            n_attempts=row.n_attempts,
            error=row.error,
        )
        for row in connection.execute(query)
    ]
