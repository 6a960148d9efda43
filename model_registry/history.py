"""The record of promotions: what MLflow's aliases forget.

One tag of the registered model an event, ``promotion.000012.3f9c`` = JSON. The last part is random,
so that two promoters at once never overwrite each other's; the order is (number, time, key), and numbers
are given anew in that order when the record is read.
"""

import datetime as dt
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

PREFIX = "promotion."
MAX_REASON = 2000

Action = Literal["promote", "rollback"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRecord:
    """One change of the champion: which version, instead of which, why, by whom, and when (UTC)."""

    number: int
    action: Action
    version: int
    previous: int | None
    reason: str
    by: str
    forced: bool
    at: dt.datetime


def read_history(tags: Mapping[str, str]) -> list[PromotionRecord]:
    """Return every event, oldest first; a tag that is none of ours is passed over."""
    events = []
    for key, value in tags.items():
        if key.startswith(PREFIX):
            try:
                event = json.loads(value)
                at = dt.datetime.fromisoformat(event["at"])
                record = PromotionRecord(**event | {"at": at})
                events.append(((int(record.number), at, key), record))
            except (ValueError, TypeError, KeyError):
                continue
    events.sort(key=lambda event: event[0])
    return [replace(record, number=i) for i, (_, record) in enumerate(events, start=1)]


def tag_of(record: PromotionRecord) -> tuple[str, str]:
    """Return a new event's tag: key and value."""
    key = f"{PREFIX}{record.number:06d}.{secrets.token_hex(4)}"
    return key, json.dumps(asdict(record) | {"at": record.at.isoformat()}, ensure_ascii=False)


def earlier_champions(history: Sequence[PromotionRecord], current: int) -> list[int]:
    """Return whom to roll back to from ``current``, the nearest first.

    A rollback takes its promotion back: after 1, 2, 3 and a rollback to 2, the next goes to 1, not to 3.
    A current champion whom the record does not know was set by hand: then the last recorded one is first.
    """
    champions: list[int] = []
    for record in history:
        if record.action == "promote":
            champions.append(record.version)
        elif record.version in champions:
            while champions[-1] != record.version:
                champions.pop()
    if current in champions:
        while champions.pop() != current:
            pass
    return [version for version in reversed(champions) if version != current]
