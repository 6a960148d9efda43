"""What do followers of ``/events`` cost a service: CPU and memory with none, one and a hundred of them?

``python -m benchmarks.followers [--seconds 20] [--per-s 20]`` writes events of eight prices each into the
database of a service of its own, and reads its CPU seconds and resident memory from /proc.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine

from benchmarks.feed import service_pid
from greyhound.demo.stage import Stage
from racing.database.engine import open_database
from racing.race_day.events import add_event

FOLLOWERS = (0, 1, 100)
_PRICE = {"back": 3.4, "lay": 3.5, "last": 3.45, "volume": 1250.0}
BODY = {
    "date": "2026-03-14", "track": "Ballarat", "race_number": 4, "off_at": None, "minutes": 5,
    "stated_at": "2026-03-14T02:00:00Z",
    "runners": [{"name": f"Dog {box}", "box": box, **_PRICE} for box in range(1, 9)],
}  # fmt: skip


def main() -> None:
    """Measure, and print a line for each number of followers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--per-s", type=float, default=20.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        engine = open_database(stage.database, create=True)
        with stage.service(needs_champion=False) as service:
            pid = service_pid(service.url)
            for n in FOLLOWERS:
                found = asyncio.run(_measure(service.url, pid, engine, n, options.seconds, options.per_s))
                sys.stdout.write(json.dumps(found) + "\n")
        engine.dispose()


async def _measure(
    url: str, pid: int, engine: Engine, n_followers: int, seconds: float, per_s: float
) -> dict[str, Any]:
    seen = [0] * n_followers
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        tasks = [asyncio.create_task(_follow(client, seen, i)) for i in range(n_followers)]
        await asyncio.sleep(5)
        cpu, began, n_events = _cpu_s(pid), time.monotonic(), 0
        while time.monotonic() - began < seconds:
            with engine.begin() as connection:
                add_event(connection, "price", BODY, 1)
            n_events += 1
            await asyncio.sleep(1 / per_s)
        took_s = time.monotonic() - began
        until = time.monotonic() + 30
        while any(n < n_events for n in seen) and time.monotonic() < until:
            await asyncio.sleep(0.1)
        used = _cpu_s(pid) - cpu
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return {
        "followers": n_followers,
        "events": n_events,
        "all_seen": all(n >= n_events for n in seen),
        "cpu_s": round(used, 2),
        "cpu_percent": round(100 * used / took_s, 1),
        "rss_mb": round(_rss_mb(pid), 1),
        "load": os.getloadavg()[0],
    }


async def _follow(client: httpx.AsyncClient, seen: list[int], i: int) -> None:
    async with client.stream("GET", "/events") as response:
        async for part in response.aiter_raw():
            seen[i] += part.count(b"event: price")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
