"""The record of promotions: what MLflow's aliases forget.

One tag of the registered model an event, ``promotion.000012.3f9c`` = JSON. The last part is random,
so that two promoters at once never overwrite each other's; the order is (number, time, key), and numbers
are given anew in that order when the record is read.

An event is written before the alias moves, and ``carried-out.000012.3f9c`` after. A promoter that dies
between the two leaves an event that never took effect: a reader of the record sees that, and no repair is
needed. Before either, ``probation.000012.3f9c`` = JSON has the policy of a promotion on probation.
"""

import datetime as dt
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from model_registry.mlflow_store.records import is_text
from racing.domain.errors import ExperimentRefused
from racing.experiments.policy import Policy

PREFIX, CARRIED_OUT, PROBATION = "promotion.", "carried-out.", "probation."
MAX_REASON = 2000
MAX_TAG_CHARACTERS = 16_384  # four times what the longest reason takes; a longer one is none of ours
_MAX_NUMBER = 999_999  # what a key has room for

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
    is_carried_out: bool = True
    """Whether the alias moved: not while the promotion is under way, nor ever if its process died then."""
    probation: Policy | None = None
    """The policy by which the version before may come back by itself; None of a promotion that just stays."""

    @property
    def is_on_probation(self) -> bool:
        """Whether the version before goes on in shadow, and comes back if it is better."""
        return self.probation is not None


def read_history(tags: Mapping[str, str], champion: int | None) -> list[PromotionRecord]:
    """Return every event, oldest first, given who is champion; tags of other programs are passed over."""
    events = []
    for key, value in tags.items():
        if key.startswith(PREFIX) and (record := _record(value)) is not None:
            events.append(((record.number, record.at, key), record))
    events.sort(key=lambda event: event[0])
    found = []
    for i, ((_, _, key), record) in enumerate(events):
        champion_then = champion if i + 1 == len(events) else events[i + 1][1].previous
        is_confirmed = CARRIED_OUT + key.removeprefix(PREFIX) in tags
        # Without a confirmation, one after which the champion was the same as before did not take effect.
        is_without_effect = champion_then == record.previous and champion_then != record.version
        found.append(
            replace(
                record,
                number=i + 1,
                is_carried_out=is_confirmed or not is_without_effect,
                probation=_probation(tags.get(PROBATION + key.removeprefix(PREFIX))),
            )
        )
    return found


def tag_of(record: PromotionRecord) -> tuple[str, str]:
    """Return a new event's tag: key and value."""
    key = f"{PREFIX}{record.number:06d}.{secrets.token_hex(4)}"
    event = asdict(record) | {"at": record.at.isoformat()}
    del event["is_carried_out"], event["probation"]  # tags of their own: older releases read this one
    return key, json.dumps(event, ensure_ascii=False)


def carried_out_tag(key: str, at: dt.datetime) -> tuple[str, str]:
    """Return the tag which says that the event with a key took effect."""
    return CARRIED_OUT + key.removeprefix(PREFIX), at.isoformat()


def probation_tag(key: str, policy: Policy) -> tuple[str, str]:
    """Return the tag which says by which policy the promotion with a key is on probation."""
    return PROBATION + key.removeprefix(PREFIX), policy.to_json()


def earlier_champions(history: Sequence[PromotionRecord], current: int) -> list[int]:
    """Return the versions to roll back to from ``current``, the nearest first.

    A rollback takes its promotion back: after 1, 2, 3 and a rollback to 2, the next goes to 1, not to 3.
    A current champion that is not on record was set by hand: then the last recorded one is first.
    """
    champions: list[int] = []
    for record in history:
        if not record.is_carried_out:
            continue
        if record.action == "promote":
            champions.append(record.version)
        elif record.version in champions:
            while champions[-1] != record.version:
                champions.pop()
    if current in champions:
        while champions.pop() != current:
            pass
    return [version for version in reversed(champions) if version != current]


def _record(value: str) -> PromotionRecord | None:
    """Return the event that a tag holds, or None where it breaks any rule of one."""
    if len(value) > MAX_TAG_CHARACTERS:
        return None
    try:
        event: dict[str, Any] = json.loads(value)
        record = PromotionRecord(**event | {"at": dt.datetime.fromisoformat(event["at"])})
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    is_whole = (
        _is_number(record.number, _MAX_NUMBER)
        and record.action in ("promote", "rollback")
        and _is_number(record.version)
        and (record.previous is None or _is_number(record.previous))
        and is_text(record.reason)
        and is_text(record.by)
        and isinstance(record.forced, bool)
        and not {"is_carried_out", "probation"} & set(event)
        and record.at.tzinfo is not None
    )
    return record if is_whole else None


def _probation(value: str | None) -> Policy | None:
    """Return the policy that a tag holds; None without one, or where it is none."""
    if value is None or len(value) > MAX_TAG_CHARACTERS:
        return None
    try:
        return Policy.from_json(value)
    except (ValueError, TypeError, RecursionError, ExperimentRefused):
        return None


def _is_number(value: object, at_most: int = 2**31 - 1) -> bool:
    return type(value) is int and 1 <= value <= at_most
