"""Sends what happened to races to a service, in order and in few requests, until it has taken all of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from greyhound.race_day.recordings import Happening
from greyhound_client import GreyhoundClient, NotFound, Problem, Refused, Unavailable, Unreachable

MAX_CARDS, MAX_PRICES, MAX_RESULTS = 50, 200, 50
AWAY_S = 600.0
"""A service that is away for longer is given up."""
_GATHER_S = 0.05  # prices of several races go in one request where they come at once
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 3.0
Answer = TypeVar("Answer")


@dataclass(slots=True)
class Sent:
    """What was sent, and taken."""

    n_requests: int = 0
    n_cards: int = 0
    n_scratchings: int = 0
    n_price_reports: int = 0
    n_price_events: int = 0
    """Races with new prices in a request: each is an event."""
    n_results: int = 0
    n_repeated: int = 0
    """Requests that were sent again, for the service was away."""
    refused: list[str] = field(default_factory=list)


class Sender:
    """Holds what is to be sent, and sends it at most so often a second.

    Parameters
    ----------
    posts_per_s
        Requests a second; None sends at once whatever there is.
    """

    def __init__(self, client: GreyhoundClient, *, posts_per_s: float | None) -> None:
        self._client = client
        self._pause_s = 1 / posts_per_s if posts_per_s else 0.0
        self._next_at = 0.0
        self._waiting: list[Happening] = []
        self._races: dict[str, int] = {}
        self.sent = Sent()

    def take(self, happening: Happening) -> None:
        """Take what happened; it is sent when its turn comes."""
        if self._waiting and (self._waiting[0].kind != happening.kind or self._is_full(happening.kind)):
            self.flush()
        self._waiting.append(happening)
        gathered_s = _GATHER_S if happening.kind == "prices" else 0.0
        if time.monotonic() >= self._next_at + gathered_s:
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        send = {"card": self._cards, "prices": self._prices, "result": self._results}
        for some in _parts(waiting) if waiting[0].kind != "scratching" else ():
            send[some[0].kind](some)
        for one in waiting if waiting[0].kind == "scratching" else ():
            self._scratching(one)

    def _is_full(self, kind: str) -> bool:
        limit = {"card": MAX_CARDS, "prices": MAX_PRICES, "result": MAX_RESULTS, "scratching": 1}[kind]
        return len(self._waiting) >= limit

    def _cards(self, some: list[Happening]) -> None:
        newest = {one.market: one for one in some}
        try:
            stored = self._call(lambda: self._client.send_cards([one.body for one in newest.values()]))
        except Refused as problem:
            self._one_by_one(self._cards, some, problem)
            return
        for one, race in zip(newest.values(), stored.races, strict=True):
            self._races[one.market] = race.id
            self.sent.n_cards += 1

    def _scratching(self, one: Happening) -> None:
        race_id = self._races.get(one.market)
        if race_id is None:
            return
        try:
            self._call(lambda: self._client.scratch(race_id, **one.body))
            self.sent.n_scratchings += 1
        except (Refused, NotFound) as problem:
            self.sent.refused.append(str(problem))

    def _prices(self, some: list[Happening]) -> None:
        reports = [
            {"race_id": self._races[one.market], **one.body} for one in some if one.market in self._races
        ]
        if not reports:
            return
        try:
            taken = self._call(lambda: self._client.send_prices(reports))
        except Refused as problem:
            self._one_by_one(self._prices, some, problem)
            return
        self.sent.n_price_reports += len(reports)
        self.sent.n_price_events += taken.n_races

    def _results(self, some: list[Happening]) -> None:
        known = [one.body for one in some if one.market in self._races]
        if not known:
            return
        try:
            self._call(lambda: self._client.send_results(known))
        except Refused as problem:
            self._one_by_one(self._results, some, problem)
            return
        self.sent.n_results += len(known)

    def _one_by_one(
        self, send: Callable[[list[Happening]], None], some: list[Happening], problem: Problem
    ) -> None:
        """Send each alone, so that one that is refused keeps no other out."""
        if len(some) == 1:
            self.sent.refused.append(f"{some[0].kind} of market {some[0].market}: {problem}")
        else:
            for one in some:
                send([one])

    def _call(self, call: Callable[[], Answer]) -> Answer:
        """Return the answer of a request; where the service is away, it is sent again until it is back."""
        wait_s, until = _FIRST_WAIT_S, time.monotonic() + AWAY_S
        if (pause_s := self._next_at - time.monotonic()) > 0:
            time.sleep(pause_s)
        while True:
            self._next_at = time.monotonic() + self._pause_s
            try:
                answer = call()
            except (Unreachable, Unavailable):
                if time.monotonic() > until:
                    raise
                self.sent.n_repeated += 1
                time.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
            else:
                self.sent.n_requests += 1
                return answer


def _parts(waiting: list[Happening]) -> list[list[Any]]:
    """Return what waits in parts that go into one request: of a card or result a race stands once in each."""
    if waiting[0].kind == "prices":
        return [waiting]
    parts: list[list[Any]] = []
    for one in waiting:
        place = next((part for part in parts if all(other.market != one.market for other in part)), None)
        if place is None or len(parts) > 1:
            parts.append([one])
        else:
            place.append(one)
    return parts
