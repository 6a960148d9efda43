"""The threads of a service: a :class:`ThreadPool` for each purpose, so that no purpose waits behind another.

**Guarantee:** a database, registry or disk that hangs holds up only what needs it. A call has a time-out from
when a thread begins it; few may wait for a thread; "no thread was free" (503, come again) differs from
"no answer" (the database counts as away); the process ends although threads hang. Shown by
``tests/service/test_thread_pools.py``, ``test_slow_reads.py`` and ``test_database_hangs.py``.

AnyIO's ``run_sync`` with ``abandon_on_cancel``, a ``CapacityLimiter`` and ``fail_after`` was tried on these
tests. It frees the limiter's place when it abandons a call, so each time-out leaves one more thread that
hangs, without bound. Its threads, like those of :class:`concurrent.futures.ThreadPoolExecutor`, are no
daemons: the interpreter waits for those that hang. Hence this pool of daemon threads behind an
asyncio.Semaphore. Nothing uses the loop's default executor or AnyIO's threads.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from service.errors import NoAnswerInTime, Overloaded
from service.settings import ServiceSettings

T = TypeVar("T")
_Call = tuple["asyncio.Future[Any]", Callable[[], Any]]
RETRY_AFTER_S = 1
SLACK_S = 0.1  # a wait for a thread is so much longer than a call: by then those that hang are known to hang

LOG_READ_S = 10.0  # scores of a log of a million cards are read in less
RESULTS_S = (
    30.0  # a body of 256 KiB holds some thousand runners, and another import may hold SQLite's lock 10 s
)
CHALLENGER_S = 0.5  # a card takes 1 ms; then the champion answers it
CACHE_S = 60.0  # a model of some megabytes on a slow disk
COMPUTING_S = 10.0  # no work of ours takes a tenth of it: explanations, form guides, gzip, metrics
END_S = 2.0  # a call at the end takes 1.5 s at most by itself


class ThreadPool:
    """A few daemon threads for blocking calls of one kind; each call has a time-out, and few may wait.

    A call that hangs cannot be stopped; its thread is used again once it comes back. Threads stay for the
    next call: the C library gives each new thread another arena, in which a model's memory would remain.

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
        self._free = asyncio.Semaphore(n_threads)
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._n_started = 0
        self._n_busy = 0
        self._n_waiting = 0
        self._n_hanging = 0

    @property
    def n_hanging(self) -> int:
        """Return how many calls have not come back in their time, nor since."""
        return self._n_hanging

    @property
    def all_hang(self) -> bool:
        """Whether there is no thread left that could make a call."""
        return self._n_hanging >= self._n_threads

    async def call(self, blocking: Callable[[], T]) -> T:
        """Return what a call returns.

        Raises
        ------
        service.errors.NoAnswerInTime
            If it takes too long; its answer is dropped then. Also at once, without a call, while every thread
            hangs.
        service.errors.Overloaded
            If too many wait for a thread, or none was free in time: that says nothing about the database or
            registry itself.
        """
        if self.all_hang:
            raise self._none_left()
        if self._free.locked():
            await self._wait_for_thread()
        else:
            await self._free.acquire()  # without a wait
        answer = self._start(blocking)
        answer.add_done_callback(self._give_thread_back)
        await asyncio.wait({answer}, timeout=self._timeout_s)
        if answer.done():
            return answer.result()
        self._n_hanging += 1
        answer.add_done_callback(self._came_back)
        raise NoAnswerInTime(f"{self._whose} has not answered within {self._timeout_s:g} s", is_begun=True)

    def close(self) -> None:
        """Let the threads end, those that hang once they come back."""
        while self._n_started:
            self._n_started -= 1
            self._calls.put(None)

    async def _wait_for_thread(self) -> None:
        """Wait until a thread is free, in order of arrival."""
        if self._n_waiting >= self._max_waiting:
            n_inside = self._n_busy + self._n_waiting
            rule = f"{n_inside} requests use or await {self._whose} already"
            raise Overloaded(f"{rule}; try again later", RETRY_AFTER_S)
        self._n_waiting += 1
        try:
            async with asyncio.timeout(self._timeout_s + SLACK_S):
                await self._free.acquire()
        except TimeoutError as error:
            if self.all_hang:
                raise self._none_left() from error
            waited = f"no thread was free for {self._whose} within {self._timeout_s:g} s"
            raise Overloaded(f"{waited}; try again later", RETRY_AFTER_S) from error
        finally:
            self._n_waiting -= 1

    def _start(self, blocking: Callable[[], T]) -> "asyncio.Future[T]":
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._n_busy += 1
        if self._n_started < self._n_busy:
            self._n_started += 1
            threading.Thread(target=_work, args=(self._calls,), name=self._whose, daemon=True).start()
        self._calls.put((answer, blocking))
        return answer

    def _none_left(self) -> NoAnswerInTime:
        calls = "an earlier call" if self._n_threads == 1 else f"{self._n_threads} earlier calls"
        rule = f"{self._whose} has not answered {calls} within {self._timeout_s:g} s"
        return NoAnswerInTime(f"{rule}, so this one was not made", is_begun=False)

    def _give_thread_back(self, answer: "asyncio.Future[Any]") -> None:
        self._n_busy -= 1
        self._free.release()
        if not answer.cancelled():
            answer.exception()  # marks it as retrieved: perhaps nobody awaits it any more

    def _came_back(self, _: object) -> None:
        self._n_hanging -= 1


def _work(calls: "queue.SimpleQueue[_Call | None]") -> None:
    while (call := calls.get()) is not None:
        answer, blocking = call
        value, error = None, None
        try:
            value = blocking()
        except BaseException as failure:
            error = failure
        with suppress(RuntimeError):  # the loop is closed: the service has ended
            answer.get_loop().call_soon_threadsafe(_set, answer, value, error)
        del call, answer, blocking, value, error  # or their memory would be held until the next call


def _set(answer: "asyncio.Future[Any]", value: Any, error: BaseException | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(value)


@dataclass(frozen=True, slots=True)
class ThreadPools:
    """A pool for each purpose. Nothing here waits, until it is called.

    Polls have threads that no request can take. A purpose that reads for requests has as many threads as
    Python has use for: what computes gets one, for more of them would only take turns with the event loop.
    """

    card_form: ThreadPool
    form_poll: ThreadPool
    key_poll: ThreadPool
    key_use: ThreadPool
    stored_races: ThreadPool
    prediction_log: ThreadPool
    results: ThreadPool
    prices: ThreadPool
    registry_poll: ThreadPool
    registry_reads: ThreadPool
    promotion: ThreadPool
    experiments: ThreadPool
    model_loading: ThreadPool
    model_cache: ThreadPool
    experiment_poll: ThreadPool
    challenger_poll: ThreadPool
    challenger_loading: ThreadPool
    challenger_answers: ThreadPool
    explanations: ThreadPool
    form_guides: ThreadPool
    gzip: ThreadPool
    metrics: ThreadPool
    event_poll: ThreadPool
    event_replay: ThreadPool
    end: ThreadPool

    @classmethod
    def of(cls, settings: ServiceSettings) -> "ThreadPools":
        """Return the pools of a service; no thread is started before it is needed."""
        database, registry, queue = "the race database", "the registry", settings.queue
        database_s, registry_s = settings.database_timeout_s, settings.registry_timeout_s
        load_s = settings.load_timeout_s

        def pool(whose: str, timeout_s: float, n_threads: int, max_waiting: int) -> ThreadPool:
            return ThreadPool(whose, timeout_s=timeout_s, n_threads=n_threads, max_waiting=max_waiting)

        #   purpose         whose answer              seconds it has  threads  may wait
        return cls(
            card_form=pool(     database,                 database_s,     4,       queue),
            form_poll=pool(     database,                 database_s,     1,       0),
            key_poll=pool(      database,                 database_s,     2,       0),
            key_use=pool(       database,                 database_s,     1,       0),
            stored_races=pool(  database,                 database_s,     2,       queue),
            prediction_log=pool(database,                 LOG_READ_S,     2,       16),
            results=pool(       database,                 RESULTS_S,      1,       8),
            prices=pool(        database,                 RESULTS_S,      1,       16),
            registry_poll=pool( registry,                 registry_s,     1,       4),
            registry_reads=pool(registry,                 2 * registry_s, 4,       queue),
            promotion=pool(     registry,                 load_s,         1,       4),
            experiments=pool("the registry or the race database", load_s, 1,     4),
            model_loading=pool( "loading the version",    load_s,         3,       0),
            model_cache=pool(   "caching the champion",   CACHE_S,        1,       4),
            experiment_poll=pool(   database,                database_s,   1,   0),
            challenger_poll=pool(   registry,                registry_s,   1,   0),
            challenger_loading=pool("loading the challenger", load_s,      2,   4),
            challenger_answers=pool("the challenger",        CHALLENGER_S, 2,   queue),
            explanations=pool(  "the explanation",        COMPUTING_S,    1,       queue),
            form_guides=pool(   "reading the form guide", COMPUTING_S,    1,       16),
            gzip=pool(          "unpacking the body",     COMPUTING_S,    1,       16),
            metrics=pool(       "counting the metrics",   COMPUTING_S,    1,       16),
            event_poll=pool(    database,                 database_s,     1,       0),
            event_replay=pool(  database,                 database_s,     1,       settings.max_followers),
            end=pool(           "the end",                END_S,          4,       8),
        )  # fmt: skip

    async def finish(self, *last: Callable[[], object]) -> None:
        """Make the last calls of a service at the same time; those that hang are left to themselves."""
        await asyncio.gather(*map(self.end.call, last), return_exceptions=True)

    def close(self) -> None:
        """Let the threads end, those that hang once they come back."""
        for field in fields(self):
            getattr(self, field.name).close()
