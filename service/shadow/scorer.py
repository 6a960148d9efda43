"""Scores answered cards by the other contestants, in a thread of its own, after the answer.

Guarantee: no answer waits for it, and none fails by it. What is too much or comes too late is dropped and
counted; a version that fails, or that hangs, is turned off (:mod:`service.shadow.breaker`). Cards are
gathered for some milliseconds and scored together: Python's part of a call, which would hold up the event
loop, is then paid once for many cards.
"""

import asyncio
from typing import Any

from service.observability.metrics import Metrics
from service.serving.slots import ModelSlots
from service.shadow.breaker import CHECK_S, HANG_CHECKS, HANG_S, Breakers
from service.shadow.scoring import AnsweredCard
from service.shadow.watched_call import WatchedCall
from service.shadow.worker import ShadowWorker, count_dropped

GATHER_S = 0.02
MAX_TOGETHER = 64
MAX_WAITING = 1024
"""Cards, some 6 kB each."""
MAX_HANGING = 4
"""Threads that hang; with so many nothing is scored any more until one comes back."""
STOP_S = 0.5


class ShadowScorer:
    """Takes answered cards from the event loop; ``breakers`` says how each version does."""

    def __init__(self, slots: ModelSlots, metrics: Metrics) -> None:
        self.breakers = Breakers()
        self._slots = slots
        self._metrics = metrics
        self._gathered: list[AnsweredCard] = []
        self._is_scheduled = False
        self._worker: ShadowWorker | None = None
        self._hanging: list[ShadowWorker] = []
        self._watching: set[asyncio.Task[None]] = set()

    def put(self, card: AnsweredCard) -> bool:
        """Take an answered card, or count it as dropped; costs a microsecond, from the event loop."""
        n_waiting = len(self._gathered) + (self._worker.n_waiting if self._worker else 0)
        if n_waiting >= MAX_WAITING or len(self._hanging) >= MAX_HANGING:
            count_dropped(self.breakers, self._metrics, card.others, "full")
            return False
        self._gathered.append(card)
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_later(GATHER_S, self._hand_over)
        return True

    def watch(self, version: int, call: WatchedCall[Any], why: str) -> None:
        """Count a call that nobody waits for any more as failed, and turn the version off if it hangs."""
        self.breakers.failed(version, why)
        task = asyncio.get_running_loop().create_task(self._watch(version, call))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _watch(self, version: int, call: WatchedCall[Any]) -> None:
        for _ in range(HANG_CHECKS):
            await asyncio.sleep(CHECK_S)
            if call.is_done:
                return
        self.breakers.turn_off(version, f"an answer has not come within {HANG_S:g} s")

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
            await asyncio.sleep(CHECK_S)
            self.check()

    def check(self) -> None:
        """Turn a version off whose call hangs, and go on without the thread that it hangs in."""
        worker = self._worker
        if worker is not None and (hanging := worker.hangs()) is not None:
            snapshot, n_cards, _ = hanging
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
            self._worker = ShadowWorker(self.breakers, self._metrics)
        for start in range(0, len(cards), MAX_TOGETHER):
            self._worker.put(cards[start : start + MAX_TOGETHER])
