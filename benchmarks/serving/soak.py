"""A long run of requests: does memory grow, and do promotions fail any request."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.serving.metrics_scrape import memory_mb
from benchmarks.serving.servers import N_VERSIONS
from benchmarks.serving.sheet import Sheet
from benchmarks.serving.wrk import Measured, ask
from tests.service.builders import point_alias_at

N_CLIENTS = 8
SWAP_S = 60.0  # a swap that takes longer is given up


def add_soak(
    sheet: Sheet, url: str, registry: str, script: Path, *, n_requests: int, n_swaps: int, seconds: float
) -> None:
    """Send so many requests, in stretches of some seconds, while the champion's alias moves so often."""
    before: float | None = None
    measured: list[Measured] = []
    with _swapping(url, registry, n_swaps) as swapping:
        while sum(one.n_answers for one in measured) < n_requests or swapping.is_alive():
            measured.append(ask(url, script, N_CLIENTS, seconds))
            before = before or memory_mb(url)  # after the first stretch: by then all caches are full
    after, n_answers = memory_mb(url), sum(one.n_answers for one in measured)
    sheet.add(
        f"growth over {n_answers:,} requests, MB",
        None if before is None or after is None else after - before,
        target="10",
        means=f"resident memory after the soak less that after its first {seconds:g} s, {N_CLIENTS} clients",
        digits=1,
    )
    sheet.add("errors of the soak", sum(one.n_errors for one in measured), target="0", digits=0)
    if n_swaps:
        n_seen = httpx.get(f"{url}/model_status", timeout=60).json()["n_swaps"] - 1  # the first is the start
        sheet.add(
            "swaps during the soak",
            n_seen,
            target=str(n_swaps),
            means="the champion's alias moved so often, each time once the version before had been taken up",
            digits=0,
        )


@contextmanager
def _swapping(url: str, registry: str, n_swaps: int) -> Iterator[threading.Thread]:
    """Move the champion's alias from one version to the other, in a thread; give the thread."""
    stopped = threading.Event()

    def swap() -> None:
        for number in range(n_swaps):
            version, deadline = 1 + (number + 1) % N_VERSIONS, time.monotonic() + SWAP_S
            point_alias_at(registry, version)
            while httpx.get(f"{url}/model_status", timeout=60).json()["version"] != version:
                if stopped.wait(0.1) or time.monotonic() > deadline:
                    return

    thread = threading.Thread(target=swap, name="swaps", daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        stopped.set()
        thread.join()
