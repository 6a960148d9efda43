"""A long run of requests: does memory grow, and do promotions fail any request."""

import time
from pathlib import Path

import httpx
from rich.console import Console

from benchmarks.serving.metrics_scrape import memory_mb
from benchmarks.serving.servers import N_VERSIONS
from benchmarks.serving.sheet import Sheet
from benchmarks.serving.wrk import Measured, ask
from tests.service.builders import point_alias_at

N_CLIENTS = 8
SWAP_S = 60.0  # a swap that takes longer is given up
WARM_UP = 0.1  # of all requests and swaps: by then all caches are full, and each version was loaded


def add_soak(
    sheet: Sheet, url: str, registry: str, script: Path, *, n_requests: int, n_swaps: int, seconds: float
) -> None:
    """Send so many requests, in stretches of some seconds, while the champion's alias moves so often.

    The moves are spread evenly over the requests, one a stretch at most; a line is printed after each tenth.
    Memory is what it is after the first tenth, with at least four swaps, and at the end.
    """
    console, started = Console(stderr=True), time.monotonic()
    measured: list[Measured] = []
    n_answers = n_moved = n_printed = 0
    before: float | None = None
    while n_answers < n_requests or n_moved < n_swaps:
        if n_moved < n_swaps and n_answers * n_swaps >= n_moved * n_requests:
            n_moved += 1
            point_alias_at(registry, _version(n_moved))
        measured.append(ask(url, script, N_CLIENTS, seconds))
        n_answers += measured[-1].n_answers
        _wait_for(url, _version(n_moved))
        is_warm = n_answers >= WARM_UP * n_requests and n_moved >= min(4, n_swaps)
        if before is None and is_warm:
            before = memory_mb(url)
        if n_answers >= n_printed * n_requests / 10:
            n_printed += 1
            console.print(
                f"{time.monotonic() - started:6,.0f} s: {n_answers:,} of {n_requests:,} requests, "
                f"{n_moved} of {n_swaps} swaps, {memory_mb(url) or 0.0:.1f} MB, "
                f"{measured[-1].per_s:,.0f} requests/s"
            )
    after = memory_mb(url)
    sheet.add(
        f"growth over {n_answers:,} requests, MB",
        None if before is None or after is None else after - before,
        target="10",
        means=f"resident memory after the soak less that after its first tenth, {N_CLIENTS} clients",
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


def _version(n_moved: int) -> int:
    """Return which version serves after so many moves; the first one serves before any."""
    return 1 + n_moved % N_VERSIONS


def _wait_for(url: str, version: int) -> None:
    """Wait until a version serves; the stretch of requests was longer than a poll, so it mostly does."""
    deadline = time.monotonic() + SWAP_S
    while httpx.get(f"{url}/model_status", timeout=60).json()["version"] != version:
        if time.monotonic() > deadline:
            raise SystemExit(f"version {version} does not serve after {SWAP_S:g} s")
        time.sleep(0.1)
