"""Moves of the champion alias under load: ``python -m benchmarks.serving.promotions``.

Three versions take turns as champion of a service process, half of the moves found by polling and half
reported by signed webhooks, while clients ask as fast as they can (or at ``--rate``). Printed are failed
requests, different answers, how soon the first new answer came, and p99 near the moves beside p99 while
nothing moves. ``--artifacts A B`` takes two real artifacts in place of handmade ones, which are tiny.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.service.builders import address, empty_registry, make_card, make_model, make_past_run, make_runner
from tests.service.load import Answer, Load, send_webhook
from tests.service.process import service_process

SECRET = "a secret of the benchmark"
POLL_S = 0.5
NEAR_S = 0.5  # after a move, and after the poll that sees it
REST_S = 0.7  # between a first new answer and the next move
SOON_MS = 300
N_VERSIONS = 3


@dataclass(frozen=True)
class Moves:
    """What one way of moving brought."""

    way: str
    poll_s: float
    moved_at: list[float]
    waits_s: list[float]
    answers: list[Answer]
    quiet: tuple[float, float]

    def report(self) -> str:
        """Return the figures beside their targets."""
        near_s = NEAR_S + (self.poll_s if self.way == "polling" else 0.0)
        quiet = [a.seconds for a in self.answers if self.quiet[0] <= a.sent_at and a.came_at < self.quiet[1]]
        near = [
            a.seconds
            for a in self.answers
            if any(at < a.came_at and a.sent_at < at + near_s for at in self.moved_at)
        ]
        n_failed = sum(a.status != 200 for a in self.answers)
        n_shown = len({(a.version, a.probabilities) for a in self.answers if a.status == 200})
        limit = SOON_MS + (1000 * self.poll_s if self.way == "polling" else 0)
        median, worst = 1000 * statistics.median(self.waits_s), 1000 * max(self.waits_s)
        n_soon = sum(1000 * wait <= limit for wait in self.waits_s)
        before, after = _p99_ms(quiet), _p99_ms(near)
        return "\n".join(
            [
                f"{self.way}: {len(self.waits_s)} moves, {len(self.answers)} requests",
                f"  failed requests {n_failed} (target 0), different answers {n_shown} (target {N_VERSIONS})",
                f"  first new answer, ms: median {median:.0f}, worst {worst:.0f}, {n_soon} of "
                f"{len(self.waits_s)} within {limit:.0f} (target all)",
                f"  p99, ms: quiet {before:.1f}, near moves {after:.1f}: {after / before:.2f} x (target 2)",
            ]
        )


def main() -> None:
    """Print the figures beside their targets."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--moves", type=int, default=50)
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--rate", type=float, default=0.0, help="requests/s of all clients; 0: full tilt")
    options.add_argument("--artifacts", nargs=2, type=Path, default=(), help="two directories")
    chosen = options.parse_args()
    interval_s = chosen.clients / chosen.rate if chosen.rate else 0.0
    with tempfile.TemporaryDirectory() as folder:
        for way, poll_s in (("polling", POLL_S), ("webhook", 60.0)):
            place = Path(folder) / way
            place.mkdir()
            moves = _move(way, poll_s, place, chosen.moves // 2, chosen.clients, interval_s, chosen.artifacts)
            print(moves.report(), flush=True)


def _move(
    way: str,
    poll_s: float,
    folder: Path,
    n: int,
    n_clients: int,
    interval_s: float,
    artifacts: Sequence[Path],
) -> Moves:
    registry = empty_registry(folder)
    for number in range(N_VERSIONS):
        directory = artifacts[number % 2] if artifacts else folder / f"model-{number}"
        if not artifacts:
            make_model(directory, exponent=0.5 + number)
        registry.register(directory)
    registry.promote(1, reason="first")
    form = [make_past_run(date=f"2026-02-{day:02d}") for day in range(1, 7)]
    card = make_card(8, runners=[make_runner(box, form=form) for box in range(1, 9)])
    settings = {"champion_poll_s": str(poll_s), "webhook_secret": SECRET}
    waits_s, moved_at = [], []
    with (
        service_process(address(folder), folder, imported=None, **settings) as service,
        Load(service.url, card, n_clients=n_clients, interval_s=interval_s) as load,
    ):
        time.sleep(1)
        quiet_from = time.perf_counter()
        time.sleep(max(5.0, n * NEAR_S))
        quiet_to = time.perf_counter()
        for i in range(1, n + 1):
            wanted = 1 + i % N_VERSIONS
            start = time.perf_counter()
            moved_at.append(start)
            registry._store.client.set_registered_model_alias("greyhound-win", "champion", str(wanted))
            if way == "webhook":
                start = time.perf_counter()
                send_webhook(service.client, SECRET).raise_for_status()
            waits_s.append(load.first_of(wanted, start) - start)
            time.sleep(REST_S)
    return Moves(way, poll_s, moved_at, waits_s, load.answers, (quiet_from, quiet_to))


def _p99_ms(seconds: Sequence[float]) -> float:
    return 1000 * statistics.quantiles(seconds, n=100)[98]


if __name__ == "__main__":
    main()
