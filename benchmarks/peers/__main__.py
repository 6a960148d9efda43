"""The service beside other model servers, with the same model: ``python -m benchmarks.peers --artifact DIR``.

Each server lives in an environment of its own below ``var/bench/peers``, made on first use. In every round
each is started, asked by wrk and stopped, one after the other, so that a busy machine is busy for all; what is
printed are medians of the rounds, and how many times ours they are. Then come their manners.
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
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.peers.manners import nonsense, stop_under_load
from benchmarks.peers.peer import Peer, Place, Rows
from benchmarks.peers.running import running, script, wrk
from benchmarks.peers.servers import OURS, PEERS
from model_registry import get_model_registry
from model_registry.artifact import load_artifact

LOADS = (1, 8, 32)
TOLERANCE = 1e-5
console = Console(width=120)


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
    figures: dict[str, list[list[float]]] = {peer.name: [] for peer in peers}
    manners: dict[str, list[str]] = {}
    for number in range(n_rounds):
        for peer in peers:
            is_last = number == n_rounds - 1
            with running(peer, place, features, rows) as server:
                if peer.takes_features:
                    _agree(peer, server.told, expected)
                wanted = script(place.folder / "wrk.lua", server.body)
                wrk(server.url, wanted, 1, 1)  # whatever is only slow at first
                measured = [wrk(server.url, wanted, n_clients, seconds) for n_clients in LOADS]
                figures[peer.name].append(
                    [server.start_s, measured[0][0], measured[1][2], measured[2][1], measured[2][2]]
                )
                if is_last:
                    said = nonsense(peer, server)
                    answered, lost, gone_s, left = stop_under_load(server)
                    manners[peer.name] = [*said, f"{lost} of {answered + lost}", f"{gone_s:.1f}", str(left)]
            print(f"round {number + 1}: {peer.name} {figures[peer.name][-1]}", file=sys.stderr, flush=True)
    medians = {
        name: [statistics.median(of) for of in zip(*rounds, strict=True)] for name, rounds in figures.items()
    }
    _print(medians, manners, n_rounds)


def _print(medians: dict[str, list[float]], manners: dict[str, list[str]], n_rounds: int) -> None:
    heads = ("start to first answer, s", "p50 ms, 1 client", "answers/s, 8 clients", "p99 ms, 32 clients")
    load = os.getloadavg()[0]
    title = f"Medians of {n_rounds} rounds, in brackets how many times ours; load of the machine {load:.1f}"
    table = Table("server", *heads, "answers/s, 32", title=title)
    ours = medians[OURS.name]
    for name, figures in medians.items():
        table.add_row(name, *(_beside(mine, its) for mine, its in zip(ours, figures, strict=True)))
    console.print(table)
    table = Table(
        "server", "a word for a number", "unknown field", "lost at SIGTERM", "gone after, s", "left over"
    )
    for name, words in manners.items():
        table.add_row(name, *words)
    console.print(table)


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


def _agree(peer: Peer, told: Sequence[float], expected: Sequence[float]) -> None:
    """Make sure that it is the same model that answers."""
    apart = max(abs(a - b) for a, b in zip(told, expected, strict=True))
    if apart > TOLERANCE:
        raise SystemExit(f"{peer.name} must answer as the model does, to {TOLERANCE}, is {apart:.2g} off")


if __name__ == "__main__":
    main()
