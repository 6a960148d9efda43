"""Scores answered cards by the other contestants, in a thread of its own, after the answer.

Guarantee: no answer waits for it, and none fails by it. What is too much or comes too late is dropped and
counted; a version that fails, or that hangs, is turned off (:mod:`service.shadow.breaker`). Cards are
gathered for some milliseconds and scored together: Python's part of a call, which would hold up the event
loop, is then paid once for many cards.
"""

import asyncio
import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from model_registry.errors import NotScored
from service.observability.metrics import Metrics
from service.serving.slots import ModelSlots, Snapshot
from service.shadow.breaker import HANG_S, Breakers
from service.shadow.scoring import AnsweredCard, Floats, score, shadows_json

log = logging.getLogger("greyhound.service")
GATHER_S = 0.02
MAX_TOGETHER = 64
MAX_WAITING = 1024
"""Cards, some 6 kB each."""
MAX_AGE_S = 1.0
"""The prediction log has saved what is older."""
MAX_HANGING = 4
"""Threads that hang; with so many nothing is scored any more until one comes back."""
STOP_S = 0.5
_CHECK_S = 0.25


class ShadowScorer:
    """Takes answered cards from the event loop; ``breakers`` says how each version does."""

    def __init__(self, slots: ModelSlots, metrics: Metrics) -> None:
        self.breakers = Breakers()
        self._slots = slots
        self._metrics = metrics
        self._gathered: list[AnsweredCard] = []
        self._is_scheduled = False
        self._worker: _Worker | None = None
        self._hanging: list[_Worker] = []

    def put(self, card: AnsweredCard) -> bool:
        """Take an answered card, or count it as dropped; costs a microsecond, from the event loop."""
        n_waiting = len(self._gathered) + (self._worker.n_waiting if self._worker else 0)
        if n_waiting >= MAX_WAITING or len(self._hanging) >= MAX_HANGING:
            _count_dropped(self.breakers, self._metrics, card.others, "full")
            return False
        self._gathered.append(card)
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_later(GATHER_S, self._hand_over)
        return True

    @property
    def is_running(self) -> bool:
        """Whether a thread of it is there, perhaps in a call that hangs."""
        workers = (*self._hanging, self._worker)
        return any(worker is not None and worker.is_alive() for worker in workers)

    def forget_others(self) -> None:
        """Forget versions that have no role any more."""
        serving = self._slots.peek()
        versions = {one.version for one in self._slots.challengers}
        self.breakers.forget_all_but(versions | ({serving.version} if serving else set()))

    async def run(self) -> None:
        """Look for calls that hang, until cancelled."""
        while True:
            await asyncio.sleep(_CHECK_S)
            self.check()

    def check(self) -> None:
        """Turn a version off whose call hangs, and go on without the thread that it hangs in."""
        worker = self._worker
        if worker is not None and (hanging := worker.hangs()) is not None:
            snapshot, n_cards = hanging
            why = f"a call has not returned within {HANG_S:g} s"
            self.breakers.failed(snapshot.version, why, n_cards)
            self.breakers.turn_off(snapshot.version, why)
            self._metrics.shadow_dropped.labels(str(snapshot.version), "failed").inc(n_cards)
            self._hanging.append(worker)
            self._worker = worker.replaced()
        self._hanging = [one for one in self._hanging if one.is_alive()]

    def stop(self) -> None:
        """Hand over what was gathered, and let the thread end after it."""
        self._hand_over()
        if self._worker is not None:
            self._worker.end()

    def wait(self) -> None:
        """Wait until the thread has ended, for a while; blocking."""
        if self._worker is not None:
            self._worker.join(STOP_S)

    def _hand_over(self) -> None:
        self._is_scheduled = False
        cards, self._gathered = self._gathered, []
        if not cards:
            return
        if self._worker is None:
            self._worker = _Worker(self.breakers, self._metrics)
        for start in range(0, len(cards), MAX_TOGETHER):
            self._worker.put(cards[start : start + MAX_TOGETHER])


class _Worker:
    """One thread that scores batches of cards, until it ends or hangs."""

    def __init__(self, breakers: Breakers, metrics: Metrics) -> None:
        self._breakers = breakers
        self._metrics = metrics
        self._batches: queue.SimpleQueue[list[AnsweredCard] | None] = queue.SimpleQueue()
        self._n_in = self._n_out = 0
        self._call: tuple[Snapshot, int, float] | None = None
        """Version, number of cards, and begin of the call that is being made."""
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

    def hangs(self) -> tuple[Snapshot, int] | None:
        """Return the version that it hangs in, and of how many cards, if it does."""
        call = self._call
        if call is None or time.monotonic() - call[2] < HANG_S:
            return None
        return call[:2]

    def replaced(self) -> "_Worker":
        """Return another one that goes on with what waits; this one ends when it comes back."""
        self._is_replaced = True
        other = _Worker(self._breakers, self._metrics)
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
                _count_dropped(self._breakers, self._metrics, card.others, "late")
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
                _count_dropped(self._breakers, self._metrics, snapshots, "late")
        for version, n in scored.items():
            self._breakers.scored(version, n)
            self._metrics.shadow_scored.labels(str(version)).inc(n)

    def _call_of(self, snapshot: Snapshot, cards: Sequence[AnsweredCard]) -> list[Floats | Exception]:
        start = time.monotonic()
        self._call = snapshot, len(cards), start
        found = score(snapshot, cards)
        self._call = None
        if self._is_replaced:
            return found
        seconds = time.monotonic() - start
        self._metrics.shadow_seconds.observe(seconds)
        self._breakers.took(snapshot.version, seconds)
        for error in found:
            if isinstance(error, Exception):
                reason = "non_finite" if isinstance(error, NotScored) else "failed"
                self._metrics.shadow_dropped.labels(str(snapshot.version), reason).inc()
                self._breakers.failed(snapshot.version, " ".join(str(error).split())[:200])
        return found


def _count_dropped(breakers: Breakers, metrics: Metrics, snapshots: Iterable[Snapshot], reason: str) -> None:
    for snapshot in snapshots:
        breakers.dropped(snapshot.version)
        metrics.shadow_dropped.labels(str(snapshot.version), reason).inc()


def _distinct(cards: Sequence[AnsweredCard]) -> list[Snapshot]:
    return list({id(one): one for card in cards for one in card.others}.values())
