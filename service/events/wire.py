"""Events as server-sent events (the HTML standard, 9.2): lines of text that every browser reads."""

import json
from typing import Any

from racing.race_day.events import StoredEvent

RETRY_MS = 1000
"""After which a follower whose stream ended comes again."""


def as_bytes(event: StoredEvent) -> bytes:
    """Return one event as it is sent."""
    body: dict[str, Any] = {"race_id": event.race_id} if event.kind != "promotion" else {}
    body |= {"at": f"{event.at.isoformat()}Z"} | json.loads(event.body)
    return f"id: {event.id}\nevent: {event.kind}\ndata: {json.dumps(body)}\n\n".encode()


def opening(position: int | None) -> bytes:
    """Return what a stream begins with: when to come again, and from where."""
    return f"retry: {RETRY_MS}\n".encode() + comment("events follow", position)


def comment(text: str, position: int | None = None) -> bytes:
    """Return a comment; with a position, the follower resumes there, though there was no event for it."""
    where = "" if position is None else f"id: {position}\n"
    line = " ".join(text.split())
    return f": {line}\n{where}\n".encode()


def missed(after: int, until: int) -> bytes:
    """Return the event that says that some are no longer stored."""
    text = "Some events were no longer stored when you came again; read the races anew."
    data = json.dumps({"after": after, "until": until, "text": text})
    return f"id: {until}\nevent: missed\ndata: {data}\n\n".encode()
