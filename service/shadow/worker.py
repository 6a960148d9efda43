"""The thread that scores answered cards, many at once."""

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from model_registry.errors import NotScored
from service.observability.metrics import Metrics
from service.serving.slots import Snapshot
from service.shadow.breaker import HANG_CHECKS, Breakers
from service.shadow.scoring import AnsweredCard, Floats, score, shadows_json

log = logging.getLogger("greyhound.service")
MAX_AGE_S = 1.0
"""The prediction log has saved what is older."""


class Call(NamedTuple):
    """A version's scoring of some cards."""

    snapshot: Snapshot
    n_cards: int
    began_s: float


class ShadowWorker:
    """One thread that scores batches of cards, until it ends or hangs."""

    def __init__(self, breakers: Breakers, metrics: Metrics) -> None:
        self._breakers = breakers
        self._metrics = metrics
        self._batches: queue.SimpleQueue[list[AnsweredCard] | None] = queue.SimpleQueue()
        self._n_in = self._n_out = 0
        self._call: Call | None = None
        """The call that is being made."""
        self._seen: Call | None = None
        self._n_seen = 0
        self._is_replaced = False
        self._thread = threading.Thread(target=self._run, name="shadow-scorer", daemon=True)
        self._thread.start()

    @property
    def n_waiting(self) -> int:
        """Return how many cards it has not scored yet."""
        return self._n_in - self._n_out

    def put(self, cards: list[AnsweredCard]) -> None:
        """Score cards soon."""
        self._n_in += len(cards)
        self._batches.put(cards)

    def hangs(self) -> "Call | None":
        """Return the call that it hangs in, if it has been seen in it often enough; look at each check."""
        call = self._call
        self._n_seen = self._n_seen + 1 if call is not None and call is self._seen else 0
        self._seen = call
        return call if self._n_seen >= HANG_CHECKS else None

    def replaced(self) -> "ShadowWorker":
        """Return another one that goes on with what waits; this one ends when it comes back."""
        self._is_replaced = True
        other = ShadowWorker(self._breakers, self._metrics)
        while True:
            try:
                batch = self._batches.get_nowait()
            except queue.Empty:
                self._batches.put(None)
                return other
            if batch is not None:
                other.put(batch)

    def is_alive(self) -> bool:
        """Return whether its thread is there."""
        return self._thread.is_alive()

    def end(self) -> None:
        """End after what waits."""
        self._batches.put(None)

    def join(self, timeout_s: float) -> None:
        """Wait until its thread has ended, for so long at most."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (batch := self._batches.get()) is not None:
            try:
                self._score(batch)
            except Exception:  # the thread must outlive whatever goes wrong
                log.exception("scoring in shadow failed")
            for card in batch:
                if card.awaited is not None:
                    card.awaited.fill(None)  # nothing more is to come
            self._n_out += len(batch)
            if self._is_replaced:
                return
            del batch

    def _score(self, batch: list[AnsweredCard]) -> None:
        oldest = time.monotonic() - MAX_AGE_S
        cards = [card for card in batch if card.at_s >= oldest]
        for card in batch:
            if card.at_s < oldest:
                count_dropped(self._breakers, self._metrics, card.others, "late")
        scores: list[list[tuple[Snapshot, Floats]]] = [[] for _ in cards]
        for snapshot in _distinct(cards):
            if self._breakers.is_off(snapshot.version):
                continue
            theirs = [i for i, card in enumerate(cards) if any(one is snapshot for one in card.others)]
            found = self._call_of(snapshot, [cards[i] for i in theirs])
            if self._is_replaced:
                return
            for i, win in zip(theirs, found, strict=True):
                if not isinstance(win, Exception):
                    scores[i].append((snapshot, win))
        scored: Counter[int] = Counter()
        for card, of_card in zip(cards, scores, strict=True):
            snapshots = [snapshot for snapshot, _ in of_card]
            if card.awaited is None or not of_card or card.awaited.fill(shadows_json(card, of_card)):
                scored.update(snapshot.version for snapshot in snapshots)
            else:
                count_dropped(self._breakers, self._metrics, snapshots, "late")
        for version, n in scored.items():
            self._breakers.scored(version, n)
            self._metrics.shadow_scored.labels(str(version)).inc(n)

    def _call_of(self, snapshot: Snapshot, cards: Sequence[AnsweredCard]) -> list[Floats | Exception]:
        start, start_cpu = time.monotonic(), time.thread_time()
        self._call = Call(snapshot, len(cards), start)
        found = score(snapshot, cards)
        self._call = None
        if self._is_replaced:
            return found
        self._metrics.shadow_seconds.observe(time.monotonic() - start)
        self._breakers.took(snapshot.version, time.thread_time() - start_cpu)
        for error in found:
            if isinstance(error, Exception):
                reason = "non_finite" if isinstance(error, NotScored) else "failed"
                self._metrics.shadow_dropped.labels(str(snapshot.version), reason).inc()
                self._breakers.failed(snapshot.version, " ".join(str(error).split())[:200])
        return found


def count_dropped(breakers: Breakers, metrics: Metrics, snapshots: Iterable[Snapshot], reason: str) -> None:
    """Count a card that went without these versions' shadows."""
    for snapshot in snapshots:
        breakers.dropped(snapshot.version)
        metrics.shadow_dropped.labels(str(snapshot.version), reason).inc()


def _distinct(cards: Sequence[AnsweredCard]) -> list[Snapshot]:
    return list({id(one): one for card in cards for one in card.others}.values())
