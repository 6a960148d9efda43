"""Alarms: raised once, cleared when what they are about is well again, each with what to do about it.

What judges something hands in its findings at every look. The first finding raises the alarm and puts a
notification into the outbox in the same transaction; later ones bring its figures up to date. It is cleared
once it is neither found nor unsettled: between the threshold that raises it and the calmer one that clears it
(hysteresis) it stays as it is.
"""

import datetime as dt
import json
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, Row, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from racing.database.monitor_tables import Alarm as _Table
from racing.database.outbox import add_notification

Kind = Literal["quality", "calibration", "inputs", "coverage", "ageing", "operation"]
Severity = Literal["warning", "critical"]
ALARM: Table = _Table.__table__  # type: ignore[attr-defined]
MAX_SUBJECT = 120
MAX_TEXT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that somebody should look at, found at one look."""

    kind: Kind
    subject: str
    """What it is about, e.g. ``version 7`` or a feature's name: with ``kind`` it names the alarm."""
    severity: Severity
    text: str
    """What was found, a sentence or two with figures."""
    todo: str
    """What to do about it, in a sentence."""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    """The figures that it rests on: values that JSON takes; NaN becomes null."""

    @property
    def key(self) -> str:
        """The name under which it can be active once."""
        return alarm_key(self.kind, self.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm as it is on record; times are UTC."""

    id: int
    kind: Kind
    subject: str
    severity: Severity
    text: str
    todo: str
    numbers: Mapping[str, Any]
    raised_at: dt.datetime
    cleared_at: dt.datetime | None

    @property
    def key(self) -> str:
        """The name under which it can be active once."""
        return alarm_key(self.kind, self.subject)


def alarm_key(kind: Kind, subject: str) -> str:
    """Return the name of an alarm."""
    return f"{kind}:{subject[:MAX_SUBJECT]}"


def raise_alarms(connection: Connection, findings: Iterable[Finding]) -> list[Alarm]:
    """Raise an alarm for each finding that has none yet, with its notification; return the new ones.

    Those that are active already get the finding's text, figures and severity; one that becomes critical is
    notified of again. Several processes may do this at the same time: each alarm is raised once.
    """
    ids = [number for one in findings if (number := _raise(connection, one)) is not None]
    rows = connection.execute(select(ALARM).where(ALARM.c.id.in_(ids)).order_by(ALARM.c.id)) if ids else ()
    return [_alarm(row) for row in rows]


def clear_alarms(
    connection: Connection, kinds: Collection[Kind], *, standing: Collection[str], reason: str = ""
) -> list[Alarm]:
    """Clear the active alarms of some kinds whose keys are not in ``standing``; return them.

    ``standing`` are the keys of what was found and of what is not settled yet.
    """
    query = select(ALARM).where(ALARM.c.active_key.is_not(None), ALARM.c.kind.in_(sorted(kinds)))
    cleared = []
    for row in connection.execute(query.order_by(ALARM.c.id)).all():
        if row.active_key in standing:
            continue
        done = connection.execute(
            update(ALARM)
            .where(ALARM.c.id == row.id, ALARM.c.active_key.is_not(None))
            .values(active_key=None, cleared_at=_now())
        )
        if done.rowcount:
            _notify(connection, row.id, "cleared", row, reason or "The last look did not find it any more.")
            cleared.append(row.id)
    rows = connection.execute(select(ALARM).where(ALARM.c.id.in_(cleared)).order_by(ALARM.c.id)).all()
    return [_alarm(row) for row in rows]


def active_alarms(connection: Connection, *, limit: int = 200) -> list[Alarm]:
    """Return the active alarms, critical ones first, then the newest."""
    query = select(ALARM).where(ALARM.c.active_key.is_not(None))
    order = (ALARM.c.severity, ALARM.c.raised_at.desc(), ALARM.c.id)  # "critical" sorts before "warning"
    return [_alarm(row) for row in connection.execute(query.order_by(*order).limit(limit))]


def recent_alarms(connection: Connection, *, limit: int = 50) -> list[Alarm]:
    """Return alarms, active and cleared, the newest first."""
    return [_alarm(row) for row in connection.execute(select(ALARM).order_by(ALARM.c.id.desc()).limit(limit))]


def _raise(connection: Connection, finding: Finding) -> int | None:
    """Return the number of the alarm if it is new; bring the active one up to date otherwise."""
    shown = {
        "severity": finding.severity,
        "text": finding.text[:MAX_TEXT],
        "todo": finding.todo[:MAX_TEXT],
        "numbers": json.dumps(without_nan(finding.numbers)),
    }
    row = {
        "active_key": finding.key,
        "kind": finding.kind,
        "subject": finding.subject[:MAX_SUBJECT],
        "raised_at": _now(),
        **shown,
    }
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = dialect.insert(ALARM).on_conflict_do_nothing().returning(ALARM.c.id)
    number: int | None = connection.execute(new, row).scalar()
    if number is not None:
        _notify(connection, number, "raised", finding, "")
        return number
    active = connection.execute(select(ALARM).where(ALARM.c.active_key == finding.key)).first()
    if active is not None and any(getattr(active, name) != value for name, value in shown.items()):
        connection.execute(update(ALARM).where(ALARM.c.id == active.id).values(shown))
        if (active.severity, finding.severity) == ("warning", "critical"):
            _notify(connection, active.id, "critical", finding, "")
    return None


def _notify(connection: Connection, number: int, event: str, about: Any, text: str) -> None:
    titles = {"raised": "Alarm", "critical": "Alarm, now critical", "cleared": "Alarm cleared"}
    add_notification(
        connection,
        key=f"alarm:{number}:{event}",
        kind="alarm",
        title=f"{titles[event]}: {about.kind}, {about.subject[:MAX_SUBJECT]}",
        text=text or f"{about.text} {about.todo}",
        details={"alarm": number, "event": event, "kind": about.kind, "severity": about.severity},
    )


def without_nan(value: Any) -> Any:
    """Return a value that JSON takes: what is not a finite number becomes None."""
    if isinstance(value, Mapping):
        return {str(key): without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dt.date):  # times too
        return value.isoformat()
    return value


def _alarm(row: Row[Any]) -> Alarm:
    return Alarm(
        id=row.id,
        kind=row.kind,
        subject=row.subject,
        severity=row.severity,
        text=row.text,
        todo=row.todo,
        numbers=json.loads(row.numbers),
        raised_at=row.raised_at.replace(tzinfo=dt.UTC),
        cleared_at=row.cleared_at and row.cleared_at.replace(tzinfo=dt.UTC),
    )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)
