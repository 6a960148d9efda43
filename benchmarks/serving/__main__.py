"""The service beside a bare FastAPI echo of the same body: ``python -m benchmarks.serving``.

Both are processes of their own on uvicorn, with the same event loop and HTTP parser; the service runs with
its metrics, ids, log lines, prediction log and a race database of 20,000 dogs.  wrk asks both in turns, so
that a busy machine is busy for both; what is printed are medians of the rounds, and their ratios.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
from rich.console import Console
from sqlalchemy import Engine

from benchmarks.serving import wrk
from benchmarks.serving.beside import add_beside
from benchmarks.serving.cards import N_IN_BATCH, card_with_form, cards_of_names
from benchmarks.serving.metrics_scrape import add_pause_and_memory, add_phases
from benchmarks.serving.season import FILE, bench_season
from benchmarks.serving.servers import echo_process, make_registry, measured_service
from benchmarks.serving.sheet import Sheet
from benchmarks.serving.soak import add_soak
from racing.database.engine import open_database

N_FIRST = 50
console = Console(width=100)


def main(arguments: Sequence[str] | None = None) -> Sheet:
    """Measure, print a table, and return it."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    options.add_argument("--artifact", type=Path, help="directory of a version; else a small one is made")
    options.add_argument("--season", type=Path, help=f"an SQLite race database; left out, {FILE} is made")
    options.add_argument("--seconds", type=float, default=4.0, help="of each measurement, at least 1")
    options.add_argument("--rounds", type=int, default=3, help="of which the median is shown")
    options.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32], help="at once")
    options.add_argument("--soak", type=int, default=0, metavar="N", help="requests while memory is watched")
    options.add_argument("--swaps", type=int, default=0, metavar="N", help="promotions during the soak")
    chosen = options.parse_args(arguments)
    if not wrk.is_installed():
        raise SystemExit("this takes wrk (Debian: apt install wrk)")
    if chosen.artifact is None:
        console.print("No --artifact: a model of three features answers, its own time says nothing.")
    with tempfile.TemporaryDirectory(prefix="serving-") as name:
        sheet = _measure(Path(name), chosen)
    sheet.show(console)
    return sheet


def _measure(folder: Path, chosen: argparse.Namespace) -> Sheet:
    season, sheet = _season(chosen.season), Sheet()
    form, names = card_with_form(), list(cards_of_names(season))
    batches = {"form": [form] * N_IN_BATCH, "names": list(cards_of_names(season, N_IN_BATCH))}
    database = shutil.copy(str(season.url.database), folder / "season.db")  # the prediction log writes to it
    season.dispose()
    scripts = {
        "form": wrk.write_script(folder / "form.lua", [form]),
        "names": wrk.write_script(folder / "names.lua", names),
    }
    registry = make_registry(folder / "registry", chosen.artifact)
    with (
        echo_process(folder / "echo") as echo_url,
        measured_service(registry, folder / "service", database) as (service, ready_s),
    ):
        means = "from the start of the process until /health/ready says so; no card was sent by then"
        sheet.add("start to ready, s", ready_s, target="2.0", means=means)
        _add_first(sheet, service.url, form)
        urls = {"echo": echo_url, "service": service.url}
        for n_clients in chosen.clients:
            add_beside(
                sheet, urls, scripts, n_clients=n_clients, n_rounds=chosen.rounds, seconds=chosen.seconds
            )
        add_phases(sheet, service.url)
        add_pause_and_memory(sheet, service.url, "after load")
        for kind, cards in batches.items():
            _add_batch(sheet, service.url, kind, cards, n_rounds=chosen.rounds)
        if chosen.soak or chosen.swaps:
            # short: each swap has a stretch of its own, and a million requests at 1,500/s have 160 of 4 s
            stretch_s = chosen.seconds
            add_soak(sheet, service.url, registry, scripts["form"],
                     n_requests=chosen.soak, n_swaps=chosen.swaps, seconds=stretch_s)  # fmt: skip
            add_pause_and_memory(sheet, service.url, "after soak")
    return sheet


def _season(file: Path | None) -> Engine:
    return bench_season() if file is None else open_database(f"sqlite:///{file}")


def _add_first(sheet: Sheet, url: str, card: str) -> None:
    """Add how long the first card took, beside those that follow it on the same connection."""
    took_ms = []
    with httpx.Client(base_url=url, timeout=60) as client:
        client.get("/health/live").raise_for_status()  # so that the connection is there
        for _ in range(N_FIRST):
            start = time.perf_counter()
            answer = client.post("/predict", content=card, headers={"Content-Type": "application/json"})
            took_ms.append(1000 * (time.perf_counter() - start))
            answer.raise_for_status()
    sheet.add(
        "first card beside steady, ms",
        took_ms[0],
        echo=statistics.median(took_ms[10:]),
        target="2",
        means=f"right the first request that /predict has, over a connection that is there; left the "
        f"median of the 11th to the {N_FIRST}th, by the same client, httpx",
    )


def _add_batch(sheet: Sheet, url: str, kind: str, cards: list[str], *, n_rounds: int) -> None:
    """Add how long a batch of 10,000 runners takes."""
    body, took_s = f"[{','.join(cards)}]", []
    with httpx.Client(base_url=url, timeout=60) as client:
        for _ in range(n_rounds):
            start = time.perf_counter()
            answer = client.post("/predict/batch", content=body, headers={"Content-Type": "application/json"})
            took_s.append(time.perf_counter() - start)
            answer.raise_for_status()
    what = f"{kind}: a batch of {8 * len(cards):,} runners, s"
    sheet.add(what, statistics.median(took_s), target="0.5")


if __name__ == "__main__":
    main()
