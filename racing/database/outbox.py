"""The outbox of notifications: written in the transaction of what happened, delivered later by the service.

A message that is written with its cause is neither lost by a crash nor written for what never happened.
"""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, Literal, get_args

from sqlalchemy import Connection, select

from racing.database.monitor_tables import Notification
from racing.database.upsert import insert_missing

Kind = Literal["alarm", "verdict", "promotion", "rollback", "refusal", "retraining"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_NOTIFICATION = Notification.__table__  # type: ignore[attr-defined]


def add_notification(
    connection: Connection,
    *,
    key: str,
    kind: Kind,
    title: str,
    text: str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Put a notification into the outbox, unless one with its key is there.

    Parameters
    ----------
    key
        Names the occasion, e.g. ``decision:12``: two replicas that see it write one notification.
    text
        Sentences for people, plain text.
    details
        For programs: values that JSON takes.
    """
    row = {
        "key": key,
        "kind": kind,
        "title": title,
        "text": text,
        "details": json.dumps(details or {}),
        "at": dt.datetime.now(dt.UTC).replace(tzinfo=None),
        "n_attempts": 0,
    }
    insert_missing(connection, _NOTIFICATION, [row])


def list_notifications(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Return notifications as their table has them, the newest first."""
    rows = connection.execute(select(_NOTIFICATION).order_by(_NOTIFICATION.c.id.desc()).limit(limit))
    return [row._asdict() for row in rows]
