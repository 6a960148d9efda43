"""Changes of the champion, as events: each of the registry's record once, whichever replica sees it first."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from racing.race_day.events import add_event, events_of_kind_since, lock_events

if TYPE_CHECKING:
    from model_registry.history import PromotionRecord

RECENT = dt.timedelta(days=1)
"""Older ones are no news: the service may have been off, or be new here."""
_SLACK = dt.timedelta(minutes=10)  # clocks of the replicas and of the registry differ


class PromotionEvents:
    """Adds an event for each recent promotion and rollback, by people and by the guard."""

    def __init__(self) -> None:
        self._noted: set[str] = set()

    def note(self, engine: Engine, history: "Sequence[PromotionRecord]") -> None:
        """Note what is new in a history of promotions."""
        since = dt.datetime.now(dt.UTC) - RECENT
        recent = [record for record in history if record.at > since and record.is_carried_out]
        new = {_key(record): record for record in recent if _key(record) not in self._noted}
        if not new:
            return
        with engine.begin() as connection:
            lock_events(connection)
            on_record = _keys_on_record(connection, min(record.at for record in new.values()))
            for key, record in new.items():
                if key not in on_record:
                    add_event(connection, "promotion", _body(key, record))
        self._noted.update(new)


def _key(record: "PromotionRecord") -> str:
    # Not the number in the history, which can change once when two promote at the same time.
    return f"{record.action}:{record.version}:{record.at:%Y%m%dT%H%M%S.%f}"


def _body(key: str, record: "PromotionRecord") -> dict[str, object]:
    return {
        "key": key,
        "action": record.action,
        "version": record.version,
        "previous": record.previous,
        "by": record.by,
        "reason": record.reason,
        "at": record.at.isoformat(),
    }


def _keys_on_record(connection: Connection, since: dt.datetime) -> set[str]:
    """Return the keys of the promotions that have an event already."""
    after = since.astimezone(dt.UTC).replace(tzinfo=None) - _SLACK
    return {json.loads(event.body)["key"] for event in events_of_kind_since(connection, "promotion", after)}
