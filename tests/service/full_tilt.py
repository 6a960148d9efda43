"""Keep-alive clients that ask as fast as they are answered, and count what became of each request."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.service.living import SOON_S


@dataclass
class Outcomes:
    """Outcomes of one client's requests."""

    statuses: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """A connection was there, and no whole answer came."""
    n_turned_away: int = 0
    """There was no connection."""


@contextmanager
def clients_at_full_tilt(url: str, n_clients: int, card: dict[str, Any]) -> Iterator[list[Outcomes]]:
    """Keep-alive clients that ask again as soon as they are answered, until nobody lets them in."""
    stop, tallies = threading.Event(), [Outcomes() for _ in range(n_clients)]

    def ask(tally: Outcomes) -> None:
        with httpx.Client(base_url=url, timeout=SOON_S, limits=httpx.Limits(keepalive_expiry=600)) as client:
            while not stop.is_set() and tally.n_turned_away < 3:
                start = time.perf_counter()
                try:
                    answer = client.post("/predict", json=card)
                except httpx.ConnectError:
                    tally.n_turned_away += 1
                except httpx.TransportError as error:
                    tally.lost.append(repr(error))
                else:
                    tally.statuses.append(answer.status_code)
                    tally.seconds.append(time.perf_counter() - start)

    threads = [threading.Thread(target=ask, args=(tally,)) for tally in tallies]
    for thread in threads:
        thread.start()
    try:
        yield tallies
    finally:
        stop.set()
        for thread in threads:
            thread.join()
