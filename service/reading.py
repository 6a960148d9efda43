"""Threads that read from the race database: few, and never waited for too long."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from service.errors import Overloaded

Answer = TypeVar("Answer")


class Readers:
    """Runs work that may block on the database, so that one that hangs costs a few threads at most.

    A thread that hangs cannot be stopped; it is left to itself until the database, or the network, frees it.
    Who waits for it is let go after ``timeout_s``.
    """

    def __init__(self, n_threads: int, max_waiting: int, timeout_s: float) -> None:
        self._threads = ThreadPoolExecutor(n_threads, thread_name_prefix="reader")
        self._n_threads = n_threads
        self._max_waiting = max_waiting
        self._timeout_s = timeout_s
        self._n_inside = 0
        self._n_overdue = 0

    @property
    def all_hang(self) -> bool:
        """Whether there is no thread left that could read."""
        return self._n_overdue >= self._n_threads

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Return what the work returns.

        Raises
        ------
        TimeoutError
            If it takes too long.
        service.errors.Overloaded
            If too many wait for a thread.
        """
        if self._n_inside >= self._n_threads + self._max_waiting:
            text = f"{self._max_waiting} requests wait for the race database already; try again later"
            raise Overloaded(text, 1)
        self._n_inside += 1
        reading = self._threads.submit(work)
        answer = asyncio.wrap_future(reading)
        answer.add_done_callback(self._left)
        await asyncio.wait({answer}, timeout=self._timeout_s)
        if answer.done():
            return answer.result()
        if not reading.cancel():  # it runs, and cannot be stopped
            self._n_overdue += 1
            answer.add_done_callback(self._came_back)
        raise TimeoutError

    def close(self) -> None:
        """Take no more work, and wait for none."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _left(self, answer: "asyncio.Future[Answer]") -> None:
        self._n_inside -= 1
        if not answer.cancelled():
            answer.exception()  # nobody may be there any more to hear of it

    def _came_back(self, _: object) -> None:
        self._n_overdue -= 1
