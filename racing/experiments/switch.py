"""The one switch that stops all automation: in the database, so that every replica follows it at once."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from racing.database.experiment_tables import Switch
from racing.database.upsert import insert_missing

_SWITCH = Switch.__table__  # type: ignore[attr-defined]
_NAME = "automation"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomationSwitch:
    """How the switch stands, and who put it there; it is on until somebody turns it off."""

    is_on: bool = True
    changed_at: dt.datetime | None = None
    """UTC; None where nobody ever touched it."""
    changed_by: str | None = None
    reason: str | None = None


def automation_switch(connection: Connection) -> AutomationSwitch:
    """Return how the switch stands."""
    row = connection.execute(select(_SWITCH).where(_SWITCH.c.name == _NAME)).first()
    if row is None:
        return AutomationSwitch()
    return AutomationSwitch(
        is_on=row.value == "on",
        changed_at=row.changed_at.replace(tzinfo=dt.UTC),
        changed_by=row.changed_by,
        reason=row.reason,
    )


def turn_automation(connection: Connection, *, on: bool, by: str, reason: str) -> AutomationSwitch:
    """Turn all automation on or off, and return how the switch stands then."""
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    values = {"value": "on" if on else "off", "changed_at": now, "changed_by": by, "reason": reason}
    if not insert_missing(connection, _SWITCH, [{"name": _NAME, **values}]):
        connection.execute(update(_SWITCH).where(_SWITCH.c.name == _NAME).values(**values))
    return automation_switch(connection)
