"""The record of decisions: written before they are carried out, so that each is carried out once.

A decision's key names its occasion and is unique: of two replicas one writes it. Who carries it out first
claims an attempt; a process that is killed half-way leaves a decision that another process looks at anew.
"""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from racing.database.experiment_tables import Decision as _Table
from racing.database.outbox import Kind, add_notification
from racing.database.upsert import insert_missing
from racing.experiments.guard import CHANGES, Act, Proposal
from racing.experiments.records import active_experiment, end_experiment

_DECISION = _Table.__table__  # type: ignore[attr-defined]
GUARD = "guard"
_KINDS: dict[Act, Kind] = {
    "promote": "promotion",
    "roll-back": "rollback",
    "keep": "verdict",
    "recommend": "verdict",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision as it is on record; times are UTC."""

    id: int
    key: str
    experiment_id: int | None
    action: Act
    from_version: int
    to_version: int
    reason: str
    numbers: dict[str, Any]
    decided_by: str
    decided_at: dt.datetime
    carried_out_at: dt.datetime | None = None
    n_attempts: int = 0
    error: str | None = None
    void_at: dt.datetime | None = None

    @property
    def is_pending(self) -> bool:
        """Whether it waits to be carried out."""
        return self.carried_out_at is None and self.void_at is None


def put_on_record(connection: Connection, proposal: Proposal, *, by: str = GUARD) -> bool:
    """Write a decision with its notification, and return whether it is new.

    What changes no champion is carried out by this alone: ``keep`` ends its experiment.
    """
    now = _now()
    row = {
        "key": proposal.key,
        "experiment_id": proposal.experiment_id,
        "action": proposal.action,
        "from_version": proposal.from_version,
        "to_version": proposal.to_version,
        "reason": proposal.reason,
        "numbers": json.dumps(proposal.numbers),
        "decided_by": by,
        "decided_at": now,
        "carried_out_at": None if proposal.action in CHANGES else now,
        "n_attempts": 0,
    }
    if not insert_missing(connection, _DECISION, [row]):
        return False
    add_notification(
        connection,
        key=f"decision:{proposal.key}",
        kind=_KINDS[proposal.action],
        title=_title(proposal),
        text=proposal.reason,
        details={"action": proposal.action, "from": proposal.from_version, "to": proposal.to_version}
        | proposal.numbers,
    )
    if proposal.action == "keep" and proposal.experiment_id is not None:
        end_experiment(
            connection, proposal.experiment_id, by=by, reason=proposal.reason, verdict=proposal.numbers
        )
    return True


def keys_on_record(connection: Connection, experiment_id: int) -> set[str]:
    """Return the keys of what was decided of an experiment."""
    return set(connection.scalars(select(_DECISION.c.key).where(_DECISION.c.experiment_id == experiment_id)))


def pending_decisions(connection: Connection) -> list[Decision]:
    """Return what waits to be carried out, the oldest first."""
    is_pending = _DECISION.c.carried_out_at.is_(None) & _DECISION.c.void_at.is_(None)
    rows = connection.execute(select(_DECISION).where(is_pending).order_by(_DECISION.c.id))
    return [_decision(row) for row in rows]


def list_decisions(
    connection: Connection, *, limit: int = 100, before: int | None = None, experiment: int | None = None
) -> list[Decision]:
    """Return decisions, the newest first."""
    query = select(_DECISION).order_by(_DECISION.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_DECISION.c.id < before)
    if experiment is not None:
        query = query.where(_DECISION.c.experiment_id == experiment)
    return [_decision(row) for row in connection.execute(query)]


def last_change_at(connection: Connection) -> dt.datetime | None:
    """Return when the guard last changed the champion."""
    made = _DECISION.c.action.in_(CHANGES) & (_DECISION.c.decided_by == GUARD)
    found = connection.scalar(select(func.max(_DECISION.c.carried_out_at)).where(made))
    return None if found is None else found.replace(tzinfo=dt.UTC)


def claim_attempt(connection: Connection, decision: Decision) -> bool:
    """Return whether this process may carry a decision out now: another one may have been faster."""
    claimed = connection.execute(
        update(_DECISION)
        .where(
            _DECISION.c.id == decision.id,
            _DECISION.c.n_attempts == decision.n_attempts,
            _DECISION.c.carried_out_at.is_(None),
            _DECISION.c.void_at.is_(None),
        )
        .values(n_attempts=decision.n_attempts + 1)
    )
    return claimed.rowcount > 0


def mark_carried_out(connection: Connection, decision: Decision) -> None:
    """Note that the registry has it; an experiment with the former champion ends with it."""
    values = {"carried_out_at": _now(), "error": None}
    connection.execute(update(_DECISION).where(_DECISION.c.id == decision.id).values(**values))
    running = active_experiment(connection)
    if running is not None and running.champion == decision.from_version:
        end_experiment(
            connection,
            running.id,
            by=decision.decided_by,
            reason=decision.reason,
            verdict=decision.numbers,
        )


def mark_failed(connection: Connection, decision: Decision, error: str) -> None:
    """Note why an attempt failed; it is tried again."""
    connection.execute(update(_DECISION).where(_DECISION.c.id == decision.id).values(error=error[:2000]))


def mark_void(connection: Connection, decision: Decision, why: str) -> None:
    """Give a decision up, with a notification: somebody should know that it was not carried out."""
    values = {"void_at": _now(), "error": why[:2000]}
    changed = connection.execute(
        update(_DECISION)
        .where(_DECISION.c.id == decision.id, _DECISION.c.carried_out_at.is_(None))
        .values(**values)
    )
    if changed.rowcount:
        add_notification(
            connection,
            key=f"void:{decision.key}",
            kind="alarm",
            title=f"Not carried out: {decision.action} to version {decision.to_version}",
            text=f"{why}. It was decided because: {decision.reason}",
        )


def _title(proposal: Proposal) -> str:
    match proposal.action:
        case "promote":
            return (
                f"Version {proposal.to_version} is promoted by the guard, instead of {proposal.from_version}"
            )
        case "roll-back":
            return f"Version {proposal.from_version} is rolled back by the guard to {proposal.to_version}"
        case "keep":
            return f"Version {proposal.from_version} passed its probation"
        case _ if proposal.from_version == proposal.to_version:
            return f"Recommended: end experiment {proposal.experiment_id}"
        case _:
            return f"Recommended: version {proposal.to_version} instead of {proposal.from_version}"


def _decision(row: Row[Any]) -> Decision:
    return Decision(
        id=row.id,
        key=row.key,
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
        void_at=row.void_at and row.void_at.replace(tzinfo=dt.UTC),
    )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)
