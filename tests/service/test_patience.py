"""Blocking calls that hang: they are given up in time, do not pile up, and keep nothing from ending."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from service.errors import Overloaded
from service.patience import Patience


def test_a_call_gives_its_value_or_its_error() -> None:
    async def ask() -> int:
        patience = Patience("a sum", seconds=60)
        with pytest.raises(ZeroDivisionError):
            await patience.call(lambda: 1 // 0)
        with pytest.raises(TimeoutError, match="its own"):
            await patience.call(timeout_of_its_own)
        return await patience.call(lambda: 1 + 1)

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
        patience = Patience("the sea", seconds=0.05, n_threads=2)
        for _ in range(5):
            with pytest.raises(TimeoutError, match="the sea: no answer"):
                await patience.call(hang)
        assert n_calls == 2
        free.set()
        while n_calls == 2:
            await asyncio.sleep(0.01)
            try:
                assert await patience.call(hang)
            except TimeoutError:
                continue

    asyncio.run(asyncio.wait_for(ask(), 60))
    assert n_calls == 3


def test_who_finds_no_thread_waits_no_longer_and_is_then_not_asked_for() -> None:
    free, made = threading.Event(), []

    def hang(number: int) -> bool:
        made.append(number)
        return free.wait(60)

    async def ask() -> None:
        patience = Patience("the sea", seconds=1.0, n_threads=1, max_waiting=1)
        first, second = (asyncio.create_task(patience.call(lambda n=n: hang(n))) for n in (1, 2))
        while not made:
            await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="1 requests wait for the sea already"):
            await patience.call(lambda: hang(3))
        for asked in (first, second):
            with pytest.raises(TimeoutError, match="no answer within"):
                await asked
        assert patience.all_hang
        free.set()
        while patience.all_hang:
            await asyncio.sleep(0.01)
        assert await patience.call(lambda: hang(4))

    asyncio.run(asyncio.wait_for(ask(), 60))
    assert made == [1, 4]


def test_a_call_that_hangs_for_ever_keeps_no_process_from_ending() -> None:
    program = (
        "import asyncio, time\n"
        "from service.patience import Patience\n"
        "async def main():\n"
        "    try:\n"
        "        await Patience('for ever', seconds=0.1).call(lambda: time.sleep(3600))\n"
        "    except TimeoutError as error:\n"
        "        print(error)\n"
        "asyncio.run(main())\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "for ever: no answer within 0.1 s\n")


def test_its_threads_stay_for_the_next_call_and_end_when_it_is_closed() -> None:
    def n_threads() -> int:
        return sum(thread.name == "a well" for thread in threading.enumerate())

    async def ask() -> None:
        patience = Patience("a well", seconds=60)
        for _ in range(10):
            await patience.call(lambda: 1)
            assert n_threads() == 1
        patience.close()

    asyncio.run(ask())
    deadline = time.monotonic() + 60
    while n_threads():
        assert time.monotonic() < deadline
        time.sleep(0.01)
