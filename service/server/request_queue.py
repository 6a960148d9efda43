"""A queue for predictions: a few run at a time, others wait in line, and too many are refused at once.

**Guarantee:** with more clients than it can serve, a request is answered with 503 and ``Retry-After`` within
10 ms, and what asks for little (``/health``, ``/metrics``) is never refused
(``tests/service/test_overload.py``, ``test_request_queue.py``). uvicorn's ``limit_concurrency`` was tried: it
counts connections, so idle keep-alive clients are enough for 503, on ``/health`` too; its answer has no
``Retry-After`` and is no problem document.
"""

import asyncio
import math
import time
from collections import deque
from contextlib import suppress

from service.errors import Overloaded

SLICE_S = 0.003  # predictions run for so long before the loop reads its sockets again
_MAX_AT_ONCE = 16
_LAST_S = 0.05  # a request of low priority gives way no longer
_TO_SOCKETS = 3  # times round the loop, until a request that has arrived stands in line
_WEIGHT = 0.1  # of the newest turn in the moving averages


class RequestQueue:
    """First come, first served, for work that is done in the event loop itself.

    Without it the loop would read whatever its sockets hold, run all of it, and read its sockets again only
    then: with 256 clients a tenth of a second later, and nobody would see the line. With it the loop works
    for a slice of 3 ms, reads its sockets, and goes on; requests that arrive in between wait, and are refused
    when too many wait.

    One queue serves one event loop. Nothing is locked, and without a line nothing waits at all.

    Parameters
    ----------
    size
        How many may wait.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._line: deque[asyncio.Future[None]] = deque()
        self._slice_end = 0.0
        self._slice_began = 0.0
        self._is_sliced = False
        self._last = asyncio.Lock()
        self._turn_s = SLICE_S  # how long a turn works
        self._pace_s = SLICE_S  # how long it takes from one turn to the next while there is a line
        self.n_refused = 0

    @property
    def n_waiting(self) -> int:
        """How many wait now."""
        return len(self._line)

    @property
    def is_full(self) -> bool:
        """Whether the next request is refused."""
        return len(self._line) >= self._size

    @property
    def retry_after_s(self) -> int:
        """Whole seconds until a full line would have been served, at the recent pace."""
        return max(1, min(60, math.ceil(self._size * self._pace_s)))

    def refusal(self) -> Overloaded:
        """Count one more refused request, and return its error."""
        self.n_refused += 1
        return Overloaded(f"{self._size} requests wait already; try again later", self.retry_after_s)

    async def enter(self) -> None:
        """Wait for a turn; work that follows without an ``await`` is done in it.

        Raises
        ------
        service.errors.Overloaded
            If too many wait already.
        """
        if not self._line and self._goes_at_once():
            return
        if self.is_full:
            raise self.refusal()
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            with suppress(ValueError):  # it may have been called up already
                self._line.remove(turn)
            raise

    async def enter_last(self) -> None:
        """Wait for a turn at low priority: after all that are in line or have arrived by then.

        One such request goes at a time; none gives way for more than 50 ms, and a full line is waited out.
        """
        async with self._last:
            until = time.perf_counter() + _LAST_S
            for _ in range(_TO_SOCKETS):
                await asyncio.sleep(0)
            while self._line and (time.perf_counter() < until or self.is_full):
                await asyncio.sleep(0)
            await self.enter()

    def note(self, seconds: float) -> None:
        """Record how long a turn took: as many are called up at once as fit into a slice."""
        self._turn_s += _WEIGHT * (min(seconds, SLICE_S) - self._turn_s)

    def _goes_at_once(self) -> bool:
        now = time.perf_counter()
        if self._is_sliced:
            return now < self._slice_end
        self._is_sliced = True
        self._begin_slice(now)
        asyncio.get_running_loop().call_soon(self._next_slice)
        return True

    def _begin_slice(self, now: float) -> None:
        self._slice_began = now
        self._slice_end = now + SLICE_S

    def _next_slice(self) -> None:
        """Call up the next few: the loop has read its sockets since the last ones."""
        now = time.perf_counter()
        line, n_called = self._line, 0
        n_to_call = min(_MAX_AT_ONCE, int(SLICE_S / self._turn_s) or 1) if line else 0
        while line and n_called < n_to_call:
            turn = line.popleft()
            if not turn.done():
                turn.set_result(None)
                n_called += 1
        if not n_called:
            self._is_sliced = False
            return
        self._pace_s += _WEIGHT * ((now - self._slice_began) / n_called - self._pace_s)
        self._begin_slice(now)
        asyncio.get_running_loop().call_soon(self._next_slice)
