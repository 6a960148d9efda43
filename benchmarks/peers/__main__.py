"""The service beside other model servers, with the same model: ``python -m benchmarks.peers --artifact DIR``.

Each server lives in an environment of its own below ``var/bench/peers``, made on first use. In each round
every one is started, measured by wrk and stopped, one after the other, so that a busy machine is busy for
all; what is printed are medians of the rounds, and how many times ours they are. Then comes their robustness.
"""

import argparse
import json
import math
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.peers.peer import Peer, Place, Rows
from benchmarks.peers.robustness import nonsense, stop_under_load
from benchmarks.peers.running import NotRunning, Running, running, script, wrk
from benchmarks.peers.servers import OURS, PEERS
from model_registry import get_model_registry
from model_registry.artifact import load_artifact

LOADS = (1, 8, 32)
SPEED = (
    "first answer, s",
    "p50 ms, 1 client",
    "CPU ms an answer",
    "answers/s, 8",
    "p99 ms, 32",
    "answers/s, 32",
)
ROBUSTNESS = ("a text for a number", "unknown field", "lost at SIGTERM", "gone after, s", "still there then")
TOLERANCE = 1e-5
console = Console(width=120)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round showed of a server."""

    speed: tuple[float, ...]
    statuses: tuple[str, str]
    n_answered: int
    n_lost: int
    gone_s: float
    n_left: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--artifact", type=Path, required=True, help="directory of a version")
    parser.add_argument("--only", default=",".join(PEERS), help=f"some of {','.join(PEERS)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of each measurement")
    chosen = parser.parse_args(arguments)
    if shutil.which("wrk") is None:
        raise SystemExit("this takes wrk (Debian: apt install wrk)")
    unknown = set(chosen.only.split(",")) - set(PEERS)
    if unknown:
        raise SystemExit(f"a server is one of {', '.join(PEERS)}, got {', '.join(sorted(unknown))}")
    peers = [OURS, *(PEERS[name] for name in chosen.only.split(",") if PEERS[name] is not OURS)]
    for peer in peers:
        peer.python()
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        _compare(peers, _place(chosen.artifact.absolute(), Path(folder)), chosen.rounds, chosen.seconds)


def _place(artifact: Path, folder: Path) -> Place:
    """Register the model once, so that every server has it as it wants it."""
    registry = f"sqlite:///{folder}/mlflow.db"
    models = get_model_registry(registry, create=True)
    models.register(artifact)
    models.promote(1, reason="a benchmark", by="benchmark", forced=True)
    pyfunc = next(folder.rglob("MLmodel")).parent
    return Place(port=0, artifact=artifact, pyfunc=pyfunc, registry=registry, folder=folder)


def _compare(peers: Sequence[Peer], place: Place, n_rounds: int, seconds: int) -> None:
    features, rows, expected = _golden(place.artifact)
    rounds: dict[str, list[Round]] = {peer.name: [] for peer in peers}
    for number in range(n_rounds):
        for peer in peers:
            try:
                with running(peer, place, features, rows) as server:
                    if peer.takes_features:
                        _agree(peer, server.answered, expected)
                    measured = _measure(peer, server, place.folder / "wrk.lua", seconds)
            except NotRunning as error:
                print(f"round {number + 1}: {error}", file=sys.stderr, flush=True)
                continue
            rounds[peer.name].append(measured)
            print(f"round {number + 1}: {peer.name} {measured}", file=sys.stderr, flush=True)
    _print({name: measured for name, measured in rounds.items() if measured})


def _measure(peer: Peer, server: Running, lua: Path, seconds: int) -> Round:
    script(lua, server.body)
    wrk(server, lua, 1, 1)  # whatever is only slow at first
    one, eight, many = (wrk(server, lua, n_clients, seconds) for n_clients in LOADS)
    speed = (server.start_s, one.p50_ms, eight.cpu_ms, eight.per_s, many.p99_ms, many.per_s)
    return Round(speed, nonsense(peer, server), *stop_under_load(server))


def _print(rounds: dict[str, list[Round]]) -> None:
    ours = _medians(rounds[OURS.name])
    load = os.getloadavg()[0]
    title = f"Medians of the rounds, in brackets how many times ours; load of the machine {load:.1f}"
    table = Table("server", "rounds", *SPEED, title=title)
    for name, measured in rounds.items():
        figures = [_beside(mine, its) for mine, its in zip(ours, _medians(measured), strict=True)]
        table.add_row(name, str(len(measured)), *figures)
    console.print(table)
    table = Table("server", *ROBUSTNESS, title="Robustness")
    for name, measured in rounds.items():
        lost, answered = (sum(getattr(one, what) for one in measured) for what in ("n_lost", "n_answered"))
        gone_s = statistics.median(one.gone_s for one in measured)
        left = max(one.n_left for one in measured)
        table.add_row(
            name, *measured[-1].statuses, f"{lost} of {lost + answered}", f"{gone_s:.1f}", str(left)
        )
    console.print(table)


def _medians(rounds: Sequence[Round]) -> list[float]:
    return [statistics.median(figures) for figures in zip(*(one.speed for one in rounds), strict=True)]


def _beside(ours: float, figure: float) -> str:
    digits = 0 if figure >= 100 else 2 if figure < 10 else 1
    return f"{figure:,.{digits}f} ({figure / ours:.2g})"


def _golden(artifact: Path) -> tuple[tuple[str, ...], Rows, Sequence[float]]:
    """Return the features of the model's golden card, and the answer to it."""
    model = load_artifact(artifact)
    golden: dict[str, Any] = json.loads((artifact / "golden.json").read_text())
    rows = [
        [None if value is None or math.isnan(value) else value for value in row] for row in golden["features"]
    ]
    return model.spec.features, rows, golden["probabilities"]


def _agree(peer: Peer, answered: Sequence[float], expected: Sequence[float]) -> None:
    """Make sure that it is the same model that answers."""
    apart = max(abs(a - b) for a, b in zip(answered, expected, strict=True))
    if apart > TOLERANCE:
        raise SystemExit(f"{peer.name} must answer as the model does, to {TOLERANCE}, is {apart:.2g} off")


if __name__ == "__main__":
    main()
