"""Calls that block, and may never come back: each in a thread of its own, awaited so long and no longer."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
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
        answer = _in_thread(blocking, self._what)
        try:
            return await asyncio.wait_for(asyncio.shield(answer), self._seconds)
        except TimeoutError:
            if answer.done():  # with an error of its own, or just now
                return answer.result()
            self._hanging.add(answer)
            answer.add_done_callback(self._came_back)
            raise TimeoutError(f"{self._what}: no answer within {self._seconds:g} s") from None

    def _came_back(self, answer: asyncio.Future[Any]) -> None:
        self._hanging.discard(answer)
        if not answer.cancelled():
            answer.exception()  # seen: nobody waits for it


def _in_thread(blocking: Callable[[], T], name: str) -> asyncio.Future[T]:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(value)  # type: ignore[arg-type]

    def work() -> None:
        value, failure = None, None
        try:
            value = blocking()
        except BaseException as error:
            failure = error
        with suppress(RuntimeError):  # the loop is closed: the service has ended meanwhile
            loop.call_soon_threadsafe(settle, value, failure)
        del value, failure  # an error holds this frame, and the frame the error

    threading.Thread(target=work, name=name, daemon=True).start()
    return answer
