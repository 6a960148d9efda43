"""Calls that block, and may never come back: in threads of their own, awaited so long and no longer.

AnyIO's threads are no daemons: one that hangs would keep the process from ending.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from service.errors import NoAnswerInTime, Overloaded

T = TypeVar("T")
RETRY_AFTER_S = 1
SLACK_S = 0.1  # who waits for a thread waits so much longer: by then those that hang are known to hang


class BlockingCalls:
    """A few threads that make blocking calls of one kind; each call has a time-out, and few may wait.

    A thread that hangs cannot be stopped; it is left to itself until the network, or a disk, frees it. The
    threads are daemons: a call that hangs keeps no process from ending. They stay for the next call: the C
    library gives each new thread another arena, in which a model's memory would remain.

    Parameters
    ----------
    whose
        Whose answer is awaited, for messages.
    timeout_s
        Seconds that a call may take from when a thread begins it; also the longest wait for a thread.
    n_threads
        How many calls are made at once, and so how many may hang.
    max_waiting
        How many more may wait for a thread.
    """

    def __init__(self, whose: str, *, timeout_s: float, n_threads: int = 1, max_waiting: int = 0) -> None:
        self._whose = whose
        self._timeout_s = timeout_s
        self._n_threads = n_threads
        self._max_waiting = max_waiting
        self._calls: queue.SimpleQueue[_Call[Any] | None] = queue.SimpleQueue()
        self._n_started = 0
        self._n_inside = 0
        self._n_hanging = 0

    @property
    def all_hang(self) -> bool:
        """Whether there is no thread left that could make a call."""
        return self._n_hanging >= self._n_threads

    async def call(self, blocking: Callable[[], T]) -> T:
        """Return what a call returns.

        Raises
        ------
        service.errors.NoAnswerInTime
            If it takes too long; it is left to itself then, and its answer is lost. Also at once, without
            a call, while every thread hangs.
        service.errors.Overloaded
            If too many wait for a thread, or none was free in time: that says nothing of who would have
            answered.
        """
        if self.all_hang:
            raise self._none_left()
        if self._n_inside >= self._n_threads + self._max_waiting:
            raise Overloaded(
                f"{self._n_inside} requests use or await {self._whose} already; try again later",
                RETRY_AFTER_S,
            )
        call = self._hand_over(_Call(blocking))
        left_s = self._timeout_s
        thread_until = time.monotonic() + self._timeout_s + SLACK_S
        try:
            while True:
                await asyncio.wait({call.answer}, timeout=left_s)
                if call.answer.done():
                    return call.answer.result()
                now = time.monotonic()
                if call.started_at:
                    left_s = call.started_at + self._timeout_s - now
                    if left_s <= 0:
                        raise self._too_late(call)
                elif now < thread_until:
                    left_s = thread_until - now
                elif call.claim():
                    raise self._not_begun(call)
        except asyncio.CancelledError:
            if call.claim():
                call.answer.cancel()  # nobody awaits it any more, so it is not made
            raise

    def close(self) -> None:
        """Let the threads end, those that hang once they come back."""
        while self._n_started:
            self._n_started -= 1
            self._calls.put(None)

    def _hand_over(self, call: "_Call[T]") -> "_Call[T]":
        if self._n_started < min(self._n_inside + 1, self._n_threads):
            self._n_started += 1
            threading.Thread(target=_work, args=(self._calls,), name=self._whose, daemon=True).start()
        self._n_inside += 1
        call.answer.add_done_callback(self._left)
        self._calls.put(call)
        return call

    def _not_begun(self, call: "_Call[Any]") -> NoAnswerInTime | Overloaded:
        """Drop a call that no thread took up, and return why."""
        call.answer.cancel()
        if self.all_hang:
            return self._none_left()
        waited = f"no thread was free for {self._whose} within {self._timeout_s:g} s"
        return Overloaded(f"{waited}; try again later", RETRY_AFTER_S)

    def _too_late(self, call: "_Call[Any]") -> NoAnswerInTime:
        self._n_hanging += 1
        call.answer.add_done_callback(self._came_back)
        return NoAnswerInTime(f"{self._whose} has not answered within {self._timeout_s:g} s", is_begun=True)

    def _none_left(self) -> NoAnswerInTime:
        calls = "an earlier call" if self._n_threads == 1 else f"{self._n_threads} earlier calls"
        rule = f"{self._whose} has not answered {calls} within {self._timeout_s:g} s"
        return NoAnswerInTime(f"{rule}, so this one was not made", is_begun=False)

    def _left(self, answer: "asyncio.Future[Any]") -> None:
        self._n_inside -= 1
        if not answer.cancelled():
            answer.exception()  # seen: perhaps nobody waits for it any more

    def _came_back(self, _: object) -> None:
        self._n_hanging -= 1


class _Call(Generic[T]):
    """A call on its way to a thread, and its answer on its way back."""

    def __init__(self, blocking: Callable[[], T]) -> None:
        self._blocking = blocking
        self._loop = asyncio.get_running_loop()
        self._claimed = threading.Lock()
        self.started_at = 0.0
        """By :func:`time.monotonic`; 0 before a thread is about to claim the call."""
        self.answer: asyncio.Future[T] = self._loop.create_future()

    def claim(self) -> bool:
        """Take it, to make it or to drop it; only the first who asks gets it."""
        return self._claimed.acquire(blocking=False)

    def make(self) -> bool:
        """Make it and hand the answer over; false if nobody is there any more."""
        value, failure = None, None
        try:
            value = self._blocking()
        except BaseException as error:
            failure = error
        try:
            self._loop.call_soon_threadsafe(_settle, self.answer, value, failure)
        except RuntimeError:  # the loop is closed: the service has ended meanwhile
            return False
        finally:
            del value, failure  # an error holds this frame, and the frame the error
        return True


def _work(calls: "queue.SimpleQueue[_Call[Any] | None]") -> None:
    is_wanted = True
    while is_wanted and (call := calls.get()) is not None:
        call.started_at = time.monotonic()
        is_wanted = not call.claim() or call.make()
        del call  # what it asked for and got is not kept until the next one


def _settle(answer: "asyncio.Future[Any]", value: Any, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(value)
