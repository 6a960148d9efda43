"""Events of race days as they come over ``GET /events`` (server-sent events, the HTML standard, 9.2)."""

import json
import random
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

import httpx
from pydantic import BaseModel, ValidationError

from greyhound_client import models as wire
from greyhound_client.errors import Problem, Unreadable, unreachable
from greyhound_client.transport import Call

SILENCE_S = 45.0
"""A stream is silent for 15 s at most; one that is for three times as long is dead."""
_NUMBER = re.compile(r"[0-9]{1,18}")
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 10.0
EventData: TypeAlias = (
    wire.CardEventOut
    | wire.ScratchingEventOut
    | wire.PriceEventOut
    | wire.PromotionEventOut
    | wire.ResultEventOut
    | wire.MissedEventOut
)
_MODELS: Mapping[str, type[BaseModel]] = {
    "card": wire.CardEventOut,
    "scratching": wire.ScratchingEventOut,
    "price": wire.PriceEventOut,
    "promotion": wire.PromotionEventOut,
    "result": wire.ResultEventOut,
    "missed": wire.MissedEventOut,
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; ``id`` is what to resume after."""

    id: int
    kind: str
    """card, scratching, price, promotion or result; missed says that some are no longer stored."""
    data: EventData


class EventReader:
    """Reads the lines of streams, and knows where the next one has to begin, and when.

    Parameters
    ----------
    give_up_s
        Seconds without a connection after which it is no longer tried; None tries for ever.
    """

    def __init__(
        self, url: str, kinds: Iterable[str] | None, after: int | None, give_up_s: float | None
    ) -> None:
        self._url = url
        self._kinds = None if kinds is None else ",".join(kinds)
        self._give_up_s = give_up_s
        self._fields: dict[str, str] = {}
        self._n_failures = 0
        self._alive_at = time.monotonic()
        self.position = after
        """The last event that was read, or where the service says that the stream is."""

    def call(self) -> Call[str]:
        """Return the call of the next stream."""
        query = {"kinds": self._kinds, "after": self.position}
        return Call("GET", "/events", str, query, silence_s=SILENCE_S)

    def read(self, line: str) -> Event | None:
        """Take a line; return the event that it ends, if it does.

        Raises
        ------
        greyhound_client.errors.Unreadable
            If an event is not what the OpenAPI document promises.
        """
        self._n_failures, self._alive_at = 0, time.monotonic()
        if line:
            name, _, value = line.partition(":")
            if name:
                self._fields[name] = value.removeprefix(" ")
            return None
        fields, self._fields = self._fields, {}
        if _NUMBER.fullmatch(number := fields.get("id", "")):
            self.position = int(number)
        kind, data = fields.get("event", ""), fields.get("data")
        if data is None or kind not in _MODELS:  # a comment, or a kind that a newer service has
            return None
        try:
            event: Any = _MODELS[kind].model_validate(json.loads(data))
        except (ValidationError, ValueError) as error:
            raise Unreadable(f"an event of {self._url} is not that of this service: {error}") from error
        return Event(self.position or 0, kind, event)

    def wait_s(self, failure: httpx.TransportError | Problem | None) -> float:
        """Return the seconds to wait before the next stream, after one ended or failed.

        Raises
        ------
        greyhound_client.errors.GreyhoundError
            If it is of no use: the service says no, or there was no connection for too long.
        """
        self._fields = {}
        if isinstance(failure, Problem) and failure.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise failure
        silent_s = time.monotonic() - self._alive_at
        if failure is not None and self._give_up_s is not None and silent_s >= self._give_up_s:
            raise failure if isinstance(failure, Problem) else unreachable(self._url, failure)
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self._n_failures, 10))
        self._n_failures += 1
        if isinstance(failure, Problem) and failure.retry_after_s is not None:
            wait_s = min(LONGEST_WAIT_S, max(wait_s, failure.retry_after_s))
        return wait_s * random.uniform(1.0, 1.25)
