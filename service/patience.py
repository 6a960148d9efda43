"""Calls that block, and may never come back: in threads of their own, awaited so long and no longer."""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from service.errors import Overloaded

T = TypeVar("T")


class Patience:
    """Makes blocking calls of one kind in a few threads, and awaits each for a limited time.

    A thread that hangs cannot be stopped; it is left to itself until the network, or a disk, frees it. The
    threads are daemons: a call that hangs keeps no process from ending. They stay for the next call: the C
    library gives each new thread another arena, in which a model's memory would remain.

    Parameters
    ----------
    what
        Whose answer is awaited, for messages.
    seconds
        How long, the wait for a thread included.
    n_threads
        How many calls are made at once, and so how many may hang.
    max_waiting
        How many more may wait for a thread; ``None`` is without limit.
    """

    def __init__(
        self, what: str, *, seconds: float, n_threads: int = 1, max_waiting: int | None = None
    ) -> None:
        self._what = what
        self._seconds = seconds
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
        TimeoutError
            If it takes too long; it is left to itself then, and its answer is lost. Also at once, without
            a call, while every thread hangs.
        service.errors.Overloaded
            If too many wait for a thread.
        """
        if self.all_hang:
            raise TimeoutError(f"{self._what}: no answer for more than {self._seconds:g} s by now")
        if self._max_waiting is not None and self._n_inside >= self._n_threads + self._max_waiting:
            raise Overloaded(
                f"{self._max_waiting} requests wait for {self._what} already; try again later", 1
            )
        call = self._hand_over(_Call(blocking))
        await asyncio.wait({call.answer}, timeout=self._seconds)
        if call.answer.done():
            return call.answer.result()
        if call.claim():
            call.answer.cancel()  # no thread was free: it is not made at all
        else:
            self._n_hanging += 1
            call.answer.add_done_callback(self._came_back)
        raise TimeoutError(f"{self._what}: no answer within {self._seconds:g} s")

    def close(self) -> None:
        """Let the threads end, those that hang once they come back."""
        while self._n_started:
            self._n_started -= 1
            self._calls.put(None)

    def _hand_over(self, call: "_Call[T]") -> "_Call[T]":
        if self._n_started < min(self._n_inside + 1, self._n_threads):
            self._n_started += 1
            threading.Thread(target=_work, args=(self._calls,), name=self._what, daemon=True).start()
        self._n_inside += 1
        call.answer.add_done_callback(self._left)
        self._calls.put(call)
        return call

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
        is_wanted = not call.claim() or call.make()
        del call  # what it asked for and got is not kept until the next one


def _settle(answer: "asyncio.Future[Any]", value: Any, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(value)
