"""The queue on its own: first come, first served, so many and no more."""

import asyncio
import time

import pytest

from service.errors import Overloaded
from service.server.request_queue import SLICE_S, RequestQueue


def work(seconds: float) -> None:
    """Hold the event loop, as a prediction does."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_who_meets_no_line_does_not_wait() -> None:
    async def scene() -> None:
        entering = RequestQueue(1).enter()
        with pytest.raises(StopIteration):  # it ran to its end without giving the loop a turn
            entering.send(None)

    asyncio.run(scene())


def test_turns_are_taken_in_order_and_requests_beyond_a_full_line_are_refused_with_a_time() -> None:
    served: list[int] = []
    refused: list[Overloaded] = []

    async def ask(queue: RequestQueue, number: int) -> None:
        try:
            await queue.enter()
        except Overloaded as error:
            refused.append(error)
        else:
            work(SLICE_S)
            served.append(number)

    async def scene() -> RequestQueue:
        queue = RequestQueue(5)
        await asyncio.gather(*(ask(queue, number) for number in range(9)))
        return queue

    queue = asyncio.run(scene())
    assert served == [0, 1, 2, 3, 4, 5]
    assert len(refused) == queue.n_refused == 3
    assert all(1 <= error.retry_after_s <= 60 for error in refused)
    assert queue.n_waiting == 0


def test_the_loop_looks_at_its_sockets_between_slices() -> None:
    n_looks = 0

    async def watch(until: asyncio.Future[list[None]]) -> None:
        nonlocal n_looks
        while not until.done():
            await asyncio.sleep(0)
            n_looks += 1

    async def ask(queue: RequestQueue) -> None:
        await queue.enter()
        start = time.perf_counter()
        work(0.001)
        queue.note(time.perf_counter() - start)

    async def scene() -> None:
        queue = RequestQueue(200)
        asking = asyncio.gather(*(ask(queue) for _ in range(200)))
        await watch(asking)

    asyncio.run(scene())
    assert n_looks > 200 * 0.001 / SLICE_S / 2  # all 200 at once would be one or two


def test_who_stops_waiting_leaves_the_line() -> None:
    async def scene() -> None:
        queue = RequestQueue(2)
        await queue.enter()
        work(SLICE_S)
        waiting = [asyncio.create_task(queue.enter()) for _ in range(2)]
        await asyncio.wait(waiting, timeout=0, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert queue.n_waiting == 0
        await asyncio.wait_for(queue.enter(), 60)

    asyncio.run(scene())


def test_a_request_of_low_priority_lets_others_go_first() -> None:
    n_served = 0

    async def ask_last(queue: RequestQueue) -> None:
        nonlocal n_served
        for _ in range(10):
            await queue.enter_last()
            work(0.001)
            n_served += 1

    async def scene() -> None:
        queue = RequestQueue(50)
        batches = [asyncio.create_task(ask_last(queue)) for _ in range(10)]
        for _ in range(20):
            await asyncio.sleep(0.001)
            before = n_served
            await queue.enter()
            assert n_served - before <= 1
        await asyncio.gather(*batches)

    asyncio.run(scene())
    assert n_served == 100


def test_a_request_of_low_priority_waits_no_longer_than_so_long() -> None:
    async def ask_and_ask(queue: RequestQueue) -> None:
        while True:
            await queue.enter()
            work(SLICE_S)

    async def scene() -> None:
        queue = RequestQueue(50)
        others = [asyncio.create_task(ask_and_ask(queue)) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert queue.n_waiting
        await asyncio.wait_for(queue.enter_last(), 60)
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    asyncio.run(scene())
