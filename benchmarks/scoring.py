"""A version's own time, compiled beside ONNX Runtime, in turns: ``python -m benchmarks.scoring ARTIFACT``.

A processor learns by heart which way the branches of a card go that it sees again and again, and a program
that does nothing else keeps the model in the nearest cache. A service sees another card each time, and does
other things in between: so there are rows for both. Each figure is the tenth percentile of single calls, for
other programs only ever add.
"""

import argparse
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from model_registry.artifact import LoadedModel, explain, load_artifact
from model_registry.artifact.loaded_model import OnnxMember
from racing.features import FEATURES
from racing.features.topics import topic_of

N_RUNNERS, N_CARDS, N_ROWS = 8, 200, 10_000
Rows = NDArray[np.float32]


def main(arguments: Sequence[str] | None = None) -> Table:
    """Measure, print a table, and return it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scoring", description=__doc__)
    parser.add_argument("artifact", type=Path, help="the directory of a version")
    parser.add_argument(
        "--calls", type=int, default=1000, help="of each kind, of which a batch takes a hundredth"
    )
    chosen = parser.parse_args(arguments)
    model = load_artifact(chosen.artifact)
    beside = in_onnx_runtime(model, chosen.artifact)
    shown = Table("what", "ONNX Runtime, us", "compiled, us", "ratio")
    for what, steps, n in _kinds(model, chosen.calls):
        theirs, ours = in_turns(steps(beside), steps(model), n)
        shown.add_row(what, f"{theirs:,.0f}", f"{ours:,.0f}", f"{theirs / ours:.1f}")
    console = Console(width=110)
    names = ", ".join(member.name for member in model.onnx_members) or "none"
    console.print(f"{len(model.spec.members)} members, {model.n_bytes / 1e6:.1f} MB; not compiled: {names}")
    console.print(shown)
    return shown


def in_onnx_runtime(model: LoadedModel, directory: Path) -> LoadedModel:
    """Return the same version with all its members in ONNX Runtime."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC  # as versions are loaded
    members = tuple(
        OnnxMember(
            member.name,
            member.weight,
            ort.InferenceSession(str(directory / member.file), options, providers=["CPUExecutionProvider"]),
            why="to be measured",
            n_features=len(model.spec.features if member.reads_field else model.spec.runner_features),
            reads_field=member.reads_field,
        )
        for member in model.spec.members
    )
    return dataclasses.replace(model, table=None, nets=(), onnx_members=members)


def likely_rows(model: LoadedModel, n: int, seed: int = 1) -> Rows:
    """Return rows whose values are spread and as often unknown as in training, feature by feature.

    Runs, of which an artifact says no more, are those of its golden card's dogs.
    """
    draw = np.random.default_rng(seed)
    golden = np.array(model.documents["golden"]["features"], np.float32)
    rows = golden[draw.integers(0, len(golden), n)]
    for column, name in enumerate(model.spec.runner_features):
        rows[:, column] = np.nan
        of_training = model.documents["reference"]["features"][name]
        edges = of_training.get("edges") or [of_training.get("mean", np.nan)]
        is_known = draw.random(n) >= of_training["share_unknown"]
        rows[is_known, column] = draw.choice(np.array(edges, np.float32), int(is_known.sum()))
    return rows


def in_turns(first: Iterator[object], second: Iterator[object], n: int) -> tuple[float, float]:
    """Return the microseconds of a step of each, in ten turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(10):
        for one, of_one in zip((first, second), times, strict=True):
            for _ in range(max(n // 10, 2)):
                began = time.perf_counter()
                next(one)
                of_one.append(time.perf_counter() - began)
    theirs, ours = (1e6 * float(np.percentile(of_one, 10)) for of_one in times)
    return theirs, ours


def _kinds(
    model: LoadedModel, n: int
) -> Iterator[tuple[str, Callable[[LoadedModel], Iterator[object]], int]]:
    """Yield what is measured, how a version does it again and again, and how often."""
    rows = likely_rows(model, N_ROWS)
    cards = [rows[start : start + N_RUNNERS] for start in range(0, N_CARDS * N_RUNNERS, N_RUNNERS)]

    race = np.repeat(np.arange(N_ROWS // N_RUNNERS), N_RUNNERS)

    def scored(fields: list[Rows], one: LoadedModel) -> Iterator[object]:
        return map(one.log_odds, cycle(fields))

    def at_once(one: LoadedModel) -> Iterator[object]:
        return (one.log_odds(rows, each) for each in cycle([race]))

    yield f"the same card of {N_RUNNERS} again and again", partial(scored, cards[:1]), n
    yield f"{N_CARDS} cards of {N_RUNNERS} in turn", partial(scored, cards), n
    yield f"{N_ROWS:,} runners at once", at_once, n // 100
    yield "the explanation of a card", lambda one: map(partial(_explained, one), cycle(cards)), n // 50


def _explained(model: LoadedModel, card: Rows) -> object:
    codes = {feature.name for feature in FEATURES if feature.is_categorical}
    names = model.spec.features
    return explain(model, card, [topic_of(name) for name in names], [name in codes for name in names])


if __name__ == "__main__":
    main()
