"""A notification as channels send it, and why one could not."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from racing.database.outbox import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A notification; ``key`` is the same at every attempt, so that a receiver can tell a repetition."""

    key: str
    kind: Kind
    title: str
    text: str
    details: Mapping[str, Any]
    at: dt.datetime


class NotSent(Exception):
    """A channel did not take a message; the text holds nothing of the channel's URL."""
