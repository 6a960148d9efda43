"""Deliver what lies in the outbox: each message once to each channel, in the normal case.

**Guarantee:** at least once. A message is claimed, sent, and noted as delivered to that channel; if the
process is killed between sending and noting, it is sent again, with the same key, once its claim is over.
Of two processes one claims a message. A channel that fails or hangs holds up no other: each has a thread, and
is left alone for the rest of a round once it failed; a message is tried again with growing pauses for a day,
and then given up. Shown by ``tests/service/notifications``.
"""

import datetime as dt
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, select, update

from racing.database.monitor_tables import Notification
from racing.database.outbox import KINDS
from service.notifications.channels import Channel
from service.notifications.message import Message, NotSent

_TABLE = Notification.__table__  # type: ignore[attr-defined]
ROUND_S = 60.0  # that all channels have together for a round
CLAIM_S = 150.0  # longer than a round: the process that claimed it then is dead
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 3600.0
MAX_AGE = dt.timedelta(days=1)
MAX_ROUND = 50  # messages


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message in a round: ``delivered``, ``failed`` (it is tried again) or ``given up``."""

    key: str
    result: str
    error: str = ""


def n_due(engine: Engine) -> int:
    """Return how many messages are to be sent now, at most :data:`MAX_ROUND`."""
    with engine.connect() as connection:
        return len(connection.execute(_due(_now()).with_only_columns(_TABLE.c.id)).all())


def deliver(
    engine: Engine,
    channels: Sequence[Channel],
    kinds: Sequence[str] = KINDS,
    *,
    round_s: float = ROUND_S,
) -> list[Outcome]:
    """Send what is due to every channel that does not have it yet, and note what became of it."""
    claimed = list(_claim(engine, kinds))
    if not claimed:
        return []
    rounds = [_Round(engine, channel, claimed) for channel in channels]
    threads = [threading.Thread(target=one.run, daemon=True) for one in rounds]
    for thread in threads:
        thread.start()
    end = time.monotonic() + round_s
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return [_note(engine, row, rounds) for row in claimed]


class _Round:
    """Sends the messages of a round to one channel, in order, until one fails."""

    def __init__(self, engine: Engine, channel: Channel, rows: Sequence[Row[Any]]) -> None:
        self.channel = channel
        self.error: str | None = None
        self._engine = engine
        self._rows = rows
        self.delivered = {row.id for row in rows if channel.fingerprint in _delivered_to(row)}

    def run(self) -> None:
        for row in self._rows:
            if row.id in self.delivered:
                continue
            try:
                self.channel.send(_message(row))
            except NotSent as error:
                self.error = str(error)
                return
            except Exception as error:  # its text may hold a secret
                self.error = type(error).__name__
                return
            self.delivered.add(row.id)
            _note_delivered(self._engine, row.id, self.channel.fingerprint)


def _claim(engine: Engine, kinds: Sequence[str]) -> Iterator[Row[Any]]:
    """Yield the messages that are ours for a while; note those that nobody is to get."""
    now = _now()
    with engine.connect() as connection:
        due = connection.execute(_due(now)).all()
    for row in due:
        claim: dict[str, Any] = {"next_at": now + dt.timedelta(seconds=CLAIM_S)}
        if row.kind not in kinds:
            claim = {"delivered_at": now, "error": "its kind is not wanted"}
        elif row.at < now - MAX_AGE:
            claim = {"given_up_at": now, "error": row.error or "it was older than a day"}
        is_as_seen = _TABLE.c.next_at.is_(None) if row.next_at is None else _TABLE.c.next_at == row.next_at
        with engine.begin() as connection:
            ours = connection.execute(
                update(_TABLE)
                .where(_TABLE.c.id == row.id, is_as_seen, _TABLE.c.delivered_at.is_(None))
                .where(_TABLE.c.given_up_at.is_(None))
                .values(**claim)
            ).rowcount
        if ours and "next_at" in claim:
            yield row


def _due(now: dt.datetime) -> Any:
    return (
        select(_TABLE)
        .where(_TABLE.c.delivered_at.is_(None), _TABLE.c.given_up_at.is_(None))
        .where(_TABLE.c.next_at.is_(None) | (_TABLE.c.next_at <= now))
        .order_by(_TABLE.c.id)
        .limit(MAX_ROUND)
    )


def _note_delivered(engine: Engine, number: int, fingerprint: str) -> None:
    """Add a channel to those that have a message; the threads of other channels do the same."""
    with _NOTING, engine.begin() as connection:
        has = connection.scalar(select(_TABLE.c.delivered_to).where(_TABLE.c.id == number))
        values = {"delivered_to": json.dumps(sorted({*json.loads(has or "[]"), fingerprint}))}
        connection.execute(update(_TABLE).where(_TABLE.c.id == number).values(**values))


_NOTING = threading.Lock()


def _note(engine: Engine, row: Row[Any], rounds: Sequence[_Round]) -> Outcome:
    now = _now()
    missing = [one for one in rounds if row.id not in one.delivered]
    if not missing:
        values: dict[str, Any] = {"delivered_at": now, "next_at": None, "error": None}
        outcome = Outcome(row.key, "delivered")
    else:
        error = "; ".join(f"{one.channel.name}: {one.error or 'it takes too long'}" for one in missing)
        pause = dt.timedelta(seconds=min(FIRST_PAUSE_S * 2**row.n_attempts, LONGEST_PAUSE_S))
        values = {"next_at": now + pause, "error": error}
        outcome = Outcome(row.key, "failed", error)
        if now + pause > row.at + MAX_AGE:
            values["given_up_at"] = now
            outcome = Outcome(row.key, "given up", error)
    with engine.begin() as connection:
        connection.execute(
            update(_TABLE).where(_TABLE.c.id == row.id).values(n_attempts=row.n_attempts + 1, **values)
        )
    return outcome


def _message(row: Row[Any]) -> Message:
    return Message(
        key=row.key,
        kind=row.kind,
        title=row.title,
        text=row.text,
        details=json.loads(row.details),
        at=row.at,
    )


def _delivered_to(row: Row[Any]) -> set[str]:
    return set(json.loads(row.delivered_to or "[]"))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)
