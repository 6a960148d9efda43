"""Everything at once: ``python -m benchmarks.attack`` lets honest clients and attackers at a service.

The service has two workers, a race database, the prediction log and a registry of two versions that take
turns as champion. Honest clients ask for cards, batches, explanations, the log and the metrics; a key is
revoked again and again; attackers send endless trailers, bodies that trickle, batches that explode, gzip
bombs and the like. Afterwards stands in a table what all of them got, what it cost, and whether every answer
that was acknowledged is in the log.

``--kills`` kills a worker with ``kill -9`` every so often as well; answers of the second before are then not
promised. ``--honest-only`` leaves the attackers out: the figures to compare with; with ``--pause 0`` and
``--kills 60`` it is a soak.
"""

import argparse
import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from benchmarks.attack import honest
from benchmarks.attack.hostile import ATTACKERS, Part
from benchmarks.attack.ledger import Ledger
from benchmarks.attack.stage import Stage
from benchmarks.serving.servers import make_registry
from racing.database.engine import open_database
from racing.predictions.tables import PREDICTION
from tests.service.process import service_process

HONEST: dict[Part, int] = {
    honest.cards: 4, honest.batches: 1, honest.explanations: 2, honest.readers: 3, honest.scraper: 1,
    honest.revoker: 1, honest.promoter: 1,
}  # fmt: skip
N_WORKERS = 2
SETTLED_S = 60.0  # in which the log is complete afterwards
UNSETTLED_S = 1.0  # before a `kill -9`, in which an answer may be lost
UNREAD_S = 0.25  # after it, in which a client here may first read what the killed worker had sent
console = Console(width=110)


def main(arguments: Sequence[str] | None = None) -> bool:
    """Run the attack, print the tables, and return whether every promise held."""
    options = argparse.ArgumentParser(
        prog="python -m benchmarks.attack",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--artifact", type=Path, help="directory of a version; else a small one is made")
    options.add_argument("--database", help="URL of a race database; left out, an empty SQLite file is made")
    options.add_argument(
        "--budget-mb", type=float, default=700.0, help="resident memory that a worker may take"
    )
    options.add_argument("--pause", type=float, default=0.05, help="seconds between two cards of a client")
    options.add_argument("--kills", type=float, metavar="SECONDS", help="between two kills of a worker")
    options.add_argument("--honest-only", action="store_true")
    options.add_argument("--without", nargs="*", default=(), help="attackers that are left out, by name")
    chosen = options.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="attack-") as name, ExitStack() as stack:
        folder = Path(name)
        database = chosen.database or f"sqlite:///{folder / 'races.db'}"
        engine = open_database(database, create=True)
        stack.callback(engine.dispose)
        registry = make_registry(folder / "registry", chosen.artifact)
        settings = {"database": database, "log_level": "warning", "champion_poll_s": "2", "retry_s": "10"}
        settings["failed_keys_per_minute"] = "10000"  # a revoked key shall be refused as one, not as a guess
        service = stack.enter_context(
            service_process(
                registry, folder / "service", "--workers", str(N_WORKERS), imported=None, **settings
            )
        )
        ledger = Ledger(httpx.get(f"{service.url}/openapi.json", timeout=60).json())
        stage = Stage(service, engine, registry, ledger, time.monotonic() + 60 * chosen.minutes, chosen.pause)
        parts = HONEST if chosen.honest_only else HONEST | ATTACKERS
        parts = {part: n for part, n in parts.items() if part.__name__ not in chosen.without}
        memory = asyncio.run(_run(stage, parts, chosen.kills))
        lost = _lost(stage)
        exit_code = service.stop()
        log = service.log.read_text(errors="replace")
    return _show(stage, memory, chosen.budget_mb, lost, exit_code, log)


async def _run(stage: Stage, parts: dict[Part, int], kills_s: float | None) -> list[float]:
    """Let all take part until the time is over; return the memory of the largest worker, each second."""
    tasks = [
        asyncio.create_task(part(stage), name=part.__name__) for part, n in parts.items() for _ in range(n)
    ]
    memory, next_kill = [], time.monotonic() + (kills_s or float("inf"))
    while stage.is_on:
        await asyncio.sleep(min(1.0, max(0.01, stage.until - time.monotonic())))
        workers = stage.service.children()
        memory.append(max(map(_resident_mb, workers), default=0.0))
        if time.monotonic() > next_kill and workers:
            stage.killed_at.append(time.monotonic())
            os.kill(workers[len(stage.killed_at) % len(workers)], signal.SIGKILL)
            next_kill += kills_s or 0.0
        for task in tasks:
            if task.done() and task.exception():
                console.print(f"[red]{task.get_name()} failed: {task.exception()!r}")
                tasks.remove(task)
    await asyncio.wait(tasks, timeout=60.0)
    for task in tasks:
        task.cancel()
    return memory


def _resident_mb(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return 0.0


def _lost(stage: Stage) -> list[float]:
    """Wait until every acknowledged answer is in the log; return the others' ages at the next kill, s."""
    deadline = time.monotonic() + SETTLED_S
    while True:
        with stage.engine.connect() as connection:
            logged = set(connection.scalars(select(PREDICTION.c.request_id)))
        ages = [
            min((killed - at for killed in stage.killed_at if at <= killed + UNREAD_S), default=float("inf"))
            for request_id, at in stage.ledger.acknowledged.items()
            if request_id not in logged
        ]
        if not [age for age in ages if age > UNSETTLED_S] or time.monotonic() > deadline:
            return ages
        time.sleep(0.5)


def _show(
    stage: Stage, memory: list[float], budget_mb: float, lost: list[float], exit_code: int, log: str
) -> bool:
    ledger = stage.ledger
    who = Table("who", "answers", "p50, s", "slowest, s", "statuses (0: none)", title="What they got")
    for name, statuses in sorted(ledger.statuses.items()):
        seconds = sorted(ledger.seconds[name])
        shown = ", ".join(f"{status}: {n:,}" for status, n in sorted(statuses.items()))
        middle, slowest = seconds[len(seconds) // 2], seconds[-1]
        who.add_row(name, f"{len(seconds):,}", f"{middle:.3f}", f"{slowest:.2f}", shown)
    console.print(who)
    for (name, reason), n in sorted(ledger.reasons.items()):
        console.print(f"503 {name}, {n:,} times: {reason}", markup=False)
    longest_s = max(stage.revocations_s, default=float("nan"))
    promises = [
        ("5xx that are not declared", sum(ledger.undeclared.values()), 0),
        (
            f"acknowledged answers not in the log, of {len(ledger.acknowledged):,}",
            sum(age > UNSETTLED_S for age in lost),
            0,
        ),
        ("a worker's resident memory at the most, MB", round(max(memory)), budget_mb),
        (
            "a revoked key is taken at the most, s, of " + str(len(stage.revocations_s)),
            round(longest_s, 2),
            2.0,
        ),
        ("traces in the log", log.count("Traceback"), 0),
        ("exit code at SIGTERM", exit_code, 0),
    ]
    table = Table("promise", "measured", "at most", "", title="What was promised")
    for what, measured, at_most in promises:
        table.add_row(what, f"{measured:,}", f"{at_most:,g}", "" if measured <= at_most else "MISSED")
    console.print(table)
    console.print(
        f"{stage.n_swaps} promotions, {len(stage.killed_at)} workers killed; answers lost: {len(lost)}, the "
        f"oldest {max(lost, default=0):.2f} s before the kill; memory of the largest worker at the end "
        f"{memory[-1]:,.0f} MB; undeclared: {dict(ledger.undeclared)}"
    )
    if "Traceback" in log:
        console.print(log[log.index("Traceback") - 500 :][:4000], markup=False)
    return all(measured <= at_most for _, measured, at_most in promises)


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
