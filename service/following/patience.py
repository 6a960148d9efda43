"""Calls that block, and may never come back: in threads of their own, awaited so long and no longer."""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Patience:
    """Awaits blocking calls of one kind for a limited time, and lets only so many of them hang.

    The threads are daemons: a call that hangs keeps no process from ending.
    """

    def __init__(self, what: str, *, seconds: float, max_hanging: int = 1) -> None:
        self._what = what
        self._seconds = seconds
        self._max_hanging = max_hanging
        self._hanging: set[asyncio.Future[Any]] = set()
        self._idle: list[_Worker] = []
        self._is_closed = False

    async def call(self, blocking: Callable[[], T]) -> T:
        """Return what a call returns.

        Raises
        ------
        TimeoutError
            If it takes too long; it is left to itself then, and its answer is lost. Also at once, without
            a call, while as many earlier calls as may hang do.
        """
        if len(self._hanging) >= self._max_hanging:
            raise TimeoutError(f"{self._what}: no answer for more than {self._seconds:g} s by now")
        worker = self._idle.pop() if self._idle else _Worker(self._what)
        answer = worker.call(blocking)
        answer.add_done_callback(lambda _: self._is_free(worker))
        try:
            return await asyncio.wait_for(asyncio.shield(answer), self._seconds)
        except TimeoutError:
            if answer.done():  # with an error of its own, or just now
                return answer.result()
            self._hanging.add(answer)
            answer.add_done_callback(self._came_back)
            raise TimeoutError(f"{self._what}: no answer within {self._seconds:g} s") from None

    def close(self) -> None:
        """Let the threads end, those that hang once they come back."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().end()

    def _is_free(self, worker: "_Worker") -> None:
        if self._is_closed:
            worker.end()
        else:
            self._idle.append(worker)

    def _came_back(self, answer: asyncio.Future[Any]) -> None:
        self._hanging.discard(answer)
        if not answer.cancelled():
            answer.exception()  # seen: nobody waits for it


class _Worker:
    """A thread for one call after the other.

    One that stays: the C library gives each new thread another arena, in which a model's memory would remain.
    """

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], bool] | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def call(self, blocking: Callable[[], T]) -> asyncio.Future[T]:
        """Make a call once the one before is done."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._calls.put(lambda: _answer(blocking, answer, loop))
        return answer

    def end(self) -> None:
        """Let the thread end once its call is done."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None and call():
            pass


def _answer(blocking: Callable[[], T], answer: asyncio.Future[T], loop: asyncio.AbstractEventLoop) -> bool:
    """Make a call and hand its answer over; false if nobody is there any more."""
    value, failure = None, None
    try:
        value = blocking()
    except BaseException as error:
        failure = error
    try:
        loop.call_soon_threadsafe(_settle, answer, value, failure)
    except RuntimeError:  # the loop is closed: the service has ended meanwhile
        return False
    finally:
        del value, failure  # an error holds this frame, and the frame the error
    return True


def _settle(answer: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(value)
