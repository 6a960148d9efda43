"""Where an attack takes place: a service, its database and registry, and for how long."""

import asyncio
import json
import time
from dataclasses import dataclass, field

from sqlalchemy import Engine

from benchmarks.attack.ledger import Ledger
from benchmarks.attack.peer import Answer, Peer
from benchmarks.serving.cards import card_with_form
from tests.service.process import ServiceProcess


@dataclass
class Stage:
    """What all who take part share."""

    service: ServiceProcess
    engine: Engine
    registry: str
    ledger: Ledger
    until: float
    """By the monotonic clock."""
    pause_s: float
    """Between two cards of an honest client."""
    revocations_s: list[float] = field(default_factory=list)
    """How long each revoked key was still taken after it was revoked."""
    killed_at: list[float] = field(default_factory=list)
    n_swaps: int = 0
    card: bytes = field(default_factory=lambda: card_with_form().encode())

    @property
    def is_on(self) -> bool:
        """Whether there is time left."""
        return time.monotonic() < self.until

    @property
    def port(self) -> int:
        """The service's."""
        return self.service.port

    def peer(self) -> Peer:
        """Return a new connection."""
        return Peer(self.service.port)

    async def ask(
        self, who: str, peer: Peer, method: str, path: str, body: bytes = b"", **headers: str
    ) -> Answer:
        """Send a request, and have its answer noted."""
        began = time.monotonic()
        answer = await peer.ask(method, path, body, **headers)
        return self.ledger.note(who, f"{method} {path}", answer, began)

    async def rest(self, seconds: float) -> None:
        """Wait, but not past the end."""
        await asyncio.sleep(max(0.0, min(seconds, self.until - time.monotonic())))

    def acknowledge(self, body: bytes) -> None:
        """Note that a card was answered: its answer must be in the log afterwards."""
        self.ledger.acknowledged[json.loads(body)["request_id"]] = time.monotonic()
