"""Blocking calls that hang: they are given up in time, do not pile up, and keep nothing from ending."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from service.errors import NoAnswerInTime, Overloaded
from service.thread_pools import ThreadPool


def test_a_call_gives_its_value_or_its_error() -> None:
    async def ask() -> int:
        calls = ThreadPool("a sum", timeout_s=60)
        with pytest.raises(ZeroDivisionError):
            await calls.call(lambda: 1 // 0)
        with pytest.raises(TimeoutError, match="its own"):
            await calls.call(timeout_of_its_own)
        return await calls.call(lambda: 1 + 1)

    def timeout_of_its_own() -> None:
        raise TimeoutError("its own")

    assert asyncio.run(ask()) == 2


def test_only_so_many_calls_hang_and_once_they_came_back_others_are_made() -> None:
    free, n_calls = threading.Event(), 0

    def hang() -> bool:
        nonlocal n_calls
        n_calls += 1
        return free.wait(60)

    async def ask() -> None:
        calls = ThreadPool("the sea", timeout_s=0.05, n_threads=2)
        for _ in range(5):
            with pytest.raises(TimeoutError, match="the sea has not answered"):
                await calls.call(hang)
        assert n_calls == 2
        free.set()
        while n_calls == 2:
            await asyncio.sleep(0.01)
            try:
                assert await calls.call(hang)
            except TimeoutError:
                continue

    asyncio.run(asyncio.wait_for(ask(), 60))
    assert n_calls == 3


def test_who_finds_no_thread_waits_no_longer_and_its_call_is_not_made() -> None:
    free, made = threading.Event(), []

    def hang(number: int) -> bool:
        made.append(number)
        return free.wait(60)

    async def ask() -> None:
        calls = ThreadPool("the sea", timeout_s=1.0, n_threads=1, max_waiting=1)
        first, second = (asyncio.create_task(calls.call(lambda n=n: hang(n))) for n in (1, 2))
        while not made:
            await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="2 requests use or await the sea already"):
            await calls.call(lambda: hang(3))
        with pytest.raises(NoAnswerInTime, match="has not answered within 1 s"):
            await first
        with pytest.raises(NoAnswerInTime, match="this one was not made"):
            await second
        assert calls.all_hang
        free.set()
        while calls.all_hang:
            await asyncio.sleep(0.01)
        assert await calls.call(lambda: hang(4))

    asyncio.run(asyncio.wait_for(ask(), 60))
    assert made == [1, 4]


def test_a_wait_in_vain_for_a_thread_is_an_overload_and_no_time_out_of_the_database() -> None:
    async def ask() -> None:
        goes_on = threading.Event()
        calls = ThreadPool("the sea", timeout_s=1.6, n_threads=1, max_waiting=3)
        tasks = [asyncio.create_task(calls.call(lambda: time.sleep(0.8)))]
        tasks.append(asyncio.create_task(calls.call(lambda: goes_on.wait(60) and None)))
        tasks += [asyncio.create_task(calls.call(lambda: None)) for _ in range(2)]
        await asyncio.wait(tasks[2:])
        goes_on.set()  # when it has taken half as long as it may
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [type(None), type(None), Overloaded, Overloaded]
        assert not calls.all_hang
        assert await calls.call(lambda: 1) == 1

    asyncio.run(asyncio.wait_for(ask(), 60))


def test_a_call_takes_as_long_as_it_may_however_long_it_waited_for_a_thread() -> None:
    async def ask() -> None:
        calls = ThreadPool("the sea", timeout_s=1.8, n_threads=1, max_waiting=1)
        tasks = [asyncio.create_task(calls.call(lambda: time.sleep(1.0))) for _ in range(2)]
        assert await asyncio.gather(*tasks) == [None, None]  # 2 s in all for the second

    asyncio.run(asyncio.wait_for(ask(), 60))


def test_a_call_that_nobody_awaits_any_more_is_not_made() -> None:
    free, made = threading.Event(), []

    async def ask() -> None:
        calls = ThreadPool("the sea", timeout_s=60, n_threads=1, max_waiting=1)
        first = asyncio.create_task(calls.call(lambda: free.wait(60)))
        second = asyncio.create_task(calls.call(lambda: made.append(2)))
        await asyncio.sleep(0.01)
        second.cancel()
        await asyncio.wait({second})
        free.set()
        assert await first
        assert await calls.call(lambda: 3) == 3

    asyncio.run(asyncio.wait_for(ask(), 60))
    assert made == []


def test_a_call_that_hangs_for_ever_keeps_no_process_from_ending() -> None:
    program = (
        "import asyncio, time\n"
        "from service.thread_pools import ThreadPool\n"
        "async def main():\n"
        "    try:\n"
        "        await ThreadPool('for ever', timeout_s=0.1).call(lambda: time.sleep(3600))\n"
        "    except TimeoutError as error:\n"
        "        print(error)\n"
        "asyncio.run(main())\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "for ever has not answered within 0.1 s\n")


def test_its_threads_stay_for_the_next_call_and_end_when_it_is_closed() -> None:
    def n_threads() -> int:
        return sum(thread.name == "a well" for thread in threading.enumerate())

    async def ask() -> None:
        calls = ThreadPool("a well", timeout_s=60)
        for _ in range(10):
            await calls.call(lambda: 1)
            assert n_threads() == 1
        calls.close()

    asyncio.run(ask())
    deadline = time.monotonic() + 60
    while n_threads():
        assert time.monotonic() < deadline
        time.sleep(0.01)
