"""Does a follower of ``/events`` lose nothing while recordings are fed into a service, and is memory flat?

``python -m benchmarks.feed FOLDER [--speed 50] [--minutes 180]`` plays three hours of the recordings in
FOLDER into a service of its own: the first fills caches with a bound, in the others memory must not grow. One
follower breaks its connection every few seconds and comes again; what it saw is counted against what the
database holds and what was sent.
"""

import argparse
import datetime as dt
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from greyhound.demo.stage import Stage
from greyhound.race_day.feed import feed
from greyhound_client import GreyhoundClient
from racing.database.engine import open_database
from racing.race_day.events import events_after, newest_event

BREAK_S = 7.0
SAMPLE_S = 2.0


def main() -> None:
    """Run it and print what was found, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--speed", type=float, default=50.0)
    parser.add_argument("--minutes", type=float, default=180.0)
    parser.add_argument("--since", default="2022-03-02T08:30", help="UTC")
    options = parser.parse_args()
    since = dt.datetime.fromisoformat(options.since).replace(tzinfo=dt.UTC)
    until = since + dt.timedelta(minutes=options.minutes)
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), options.folder, options.speed, since, until)
    sys.stdout.write(json.dumps(found, indent=2, default=str) + "\n")
    if found["lost"] or found["twice"]:
        raise SystemExit(1)


def run(
    folder: Path, recordings: Path, speed: float, since: dt.datetime, until: dt.datetime
) -> dict[str, Any]:
    """Play recordings into a service, and return what was sent, seen and used."""
    stage = Stage(folder)
    engine = open_database(stage.database, create=True)
    with stage.service(needs_champion=False) as service:
        follower, memory = _Follower(service.url), _Memory(service)
        follower.start()
        memory.start()
        began = time.monotonic()
        sent = feed(service, [recordings], speed=speed, is_shifted=True, since=since, until=until)
        seconds = time.monotonic() - began
        with engine.connect() as connection:
            newest = newest_event(connection)
            kinds = Counter(event.kind for event in events_after(connection, 0, None, 1_000_000))
        follower.wait_for(newest)
        memory.is_over = True
        memory.join()
        metrics = httpx.get(f"{service.url}/metrics", timeout=60).text
    engine.dispose()
    seen = Counter(number for number, _ in follower.seen)
    return {
        "seconds": round(seconds, 1),
        "sent": asdict(sent) | {"refused": len(sent.refused), "first_refused": sent.refused[:3]},
        "events_stored": newest,
        "by_kind": dict(kinds),
        "events_seen": len(follower.seen),
        "lost": sorted(set(range(1, newest + 1)) - set(seen))[:10],
        "twice": [number for number, n in seen.items() if n > 1][:10],
        "price_events_expected": sent.n_price_events,
        "streams_that_were_broken": follower.n_broken,
        "rss_mb_each_hour": _each_hour(memory.samples, (until - since) / dt.timedelta(hours=1)),
        "rss_mb": memory.samples,
        "metrics": [line for line in metrics.splitlines() if line.startswith("greyhound_event")],
        "load": os.getloadavg(),
    }


def _each_hour(samples: list[float], n_hours: float) -> list[float]:
    """Return the median of the samples of each hour of the recording."""
    n = max(round(n_hours), 1)
    parts = [samples[i * len(samples) // n : (i + 1) * len(samples) // n] for i in range(n)]
    return [round(median(part), 1) for part in parts if part]


class _Follower(threading.Thread):
    """Follows by hand, and breaks its connection now and then."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self.seen: list[tuple[int, str]] = []
        self.n_broken = 0
        self._last = "0"

    def run(self) -> None:
        while True:
            try:
                self._follow_for_a_while()
            except httpx.TransportError:
                time.sleep(0.2)
            self.n_broken += 1

    def wait_for(self, number: int) -> None:
        until = time.monotonic() + 60
        while (not self.seen or self.seen[-1][0] < number) and time.monotonic() < until:
            time.sleep(0.1)

    def _follow_for_a_while(self) -> None:
        headers, until = {"Last-Event-ID": self._last}, time.monotonic() + BREAK_S
        with httpx.stream("GET", f"{self._url}/events", headers=headers, timeout=60) as response:
            number = ""
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    number = value
                elif name == "event":
                    self.seen.append((int(number), value))
                elif not line and number:
                    self._last = number
                    if time.monotonic() > until:
                        return


class _Memory(threading.Thread):
    """Samples the resident memory of the service."""

    def __init__(self, service: GreyhoundClient) -> None:
        super().__init__(daemon=True)
        self._pid = service_pid(service.url)
        self.samples: list[float] = []
        self.is_over = False

    def run(self) -> None:
        while not self.is_over:
            pages = int(Path(f"/proc/{self._pid}/statm").read_text().split()[1])
            self.samples.append(round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1))
            time.sleep(SAMPLE_S)


def service_pid(url: str) -> int:
    """Return the id of the process that serves at an address of this machine."""
    port = url.rpartition(":")[2]
    entries = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return next(int(entry.name) for entry in entries if _is_service(entry, port))


def _is_service(entry: Path, port: str) -> bool:
    try:
        command = (entry / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"serve" in command and port.encode() in command


if __name__ == "__main__":
    main()
