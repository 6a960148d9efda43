"""Seconds that a look of the monitor takes over a log, and milliseconds of ``GET /monitor``.

Run ``python -m benchmarks.monitor`` (100,000 cards; ``--cards N``). Targets: 10 s, and 200 ms a page.
"""

import argparse
import datetime as dt
import resource
import statistics
import tempfile
import time
from pathlib import Path

from greyhound.output.console import console
from racing.database.engine import open_database
from racing.monitor.champion import ChampionFacts
from racing.monitor.report import look
from tests.racing.monitor.bulk_log import Answers, write_answers
from tests.service.builders import make_registry, running_service

N_PAGES = 30


def main() -> None:
    """Fill a log, look at it, and ask for the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cards", type=int, default=100_000)
    n_cards = parser.parse_args().cards
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/races.db"
        engine = open_database(url, create=True)
        first_day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=300)
        a_day = max(1, n_cards // 300)
        started = time.monotonic()
        n_old = n_cards * 2 // 3
        old = Answers(n_races=n_old, version=1, first_day=first_day, races_a_day=a_day)
        champion_since = first_day + dt.timedelta(days=n_old // a_day)
        new = Answers(n_races=n_cards - n_old, version=2, first_day=champion_since, races_a_day=a_day, seed=1)
        write_answers(engine, new, first_id=write_answers(engine, old))
        console.print(f"{n_cards:,} cards written in {time.monotonic() - started:.1f} s")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        times = []
        for _ in range(3):
            started = time.monotonic()
            report = look(engine, ChampionFacts(version=2, learnt_until=champion_since, training_gap=0.005))
            times.append(time.monotonic() - started)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        console.print(f"a look over {report.total.n_races:,} races: {min(times):.2f} s (of 3: best)")
        console.print(f"memory on top: {(after - before) / 1024:.0f} MB at its peak")
        engine.dispose()
        registry = make_registry(Path(folder) / "registry")
        with running_service(registry, database=url) as service:
            pages = []
            for _ in range(N_PAGES):
                started = time.monotonic()
                answer = service.client.get("/monitor")
                pages.append(1000 * (time.monotonic() - started))
                answer.raise_for_status()
            console.print(
                f"GET /monitor: {statistics.median(pages):.1f} ms (median of {N_PAGES}; longest "
                f"{max(pages):.1f} ms), {len(answer.content) / 1024:.0f} KB"
            )


if __name__ == "__main__":
    main()
