"""The product as its users have it: calls of the ``greyhound`` command, and what they wrote."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from benchmarks.quality.plan import Plan
from benchmarks.quality.step_cache import Json, StepCache, StepFailed
from greyhound.errors import GATES_NOT_PASSED
from model_registry import get_model_registry
from model_registry.artifact import LoadedModel, load_artifact
from racing.database import migrations
from racing.race_table import RaceTable
from training.export.documents import git_commit

_COMMAND = Path(sys.executable).with_name("greyhound")


@dataclass(frozen=True, slots=True)
class Ran:
    """A call of the command that came to its end."""

    command: str
    document: Json
    """What it printed under ``--json``."""
    code: int
    seconds: float
    peak_mb: float
    """Most memory that one of its processes held."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A version that ``greyhound train`` registered, in a registry of its own.

    Its test days are those of the benchmark: everything here is of the model that was judged on them, not of
    the one that serves, which has learnt them since.
    """

    registry: str
    version: int
    database: str
    about: Json
    """Command, digest, gates, peak memory, seconds in all and without the features, and whether an
    interrupted search was resumed, so that the seconds are of its last part only."""

    def load(self) -> LoadedModel:
        """Return the judged model."""
        return load_artifact(get_model_registry(self.registry).fetch_judged(self.version))


def greyhound(*arguments: str, codes: tuple[int, ...] = (0,)) -> Ran:
    """Run ``greyhound ... --json``; its progress goes to standard error as it does for everyone.

    Raises
    ------
    StepFailed
        If it ends with another code than one of ``codes``.
    """
    command = shlex.join(["greyhound", *arguments])
    click.echo(f"  {command}", err=True)
    began = time.monotonic()
    process = subprocess.Popen([_COMMAND, *arguments, "--json"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.terminate()
        process.wait()
        raise
    code = process.returncode = os.waitstatus_to_exitcode(status)
    if code not in codes:
        raise StepFailed(f"`{command}` ended with code {code}; the output has its messages")
    return Ran(command, json.loads(printed), code, time.monotonic() - began, usage.ru_maxrss / 1024)


def import_data(plan: Plan, steps: StepCache) -> str:
    """Return the database of all files, which are imported unless that is done."""
    if plan.database is not None:
        return plan.database
    folders = (("betfair", plan.data / "betfair"), ("form-guides", plan.data / "form_guides"))
    return _import("import", plan.output / "races.db", folders, steps)


def import_guides(plan: Plan, steps: StepCache) -> str:
    """Return the database of the form guides alone."""
    if plan.guides_database is not None:
        return plan.guides_database
    folders = (("form-guides", plan.data / "form_guides"),)
    return _import("import-guides", plan.output / "guides.db", folders, steps)


def import_finishes(plan: Plan, steps: StepCache) -> str:
    """Return the database of all files that know places: results too, beside Betfair's and form guides."""
    results = ("box_results", "recorder_results", "gbgb")
    folders = (
        ("betfair", plan.data / "betfair"),
        *(("files", plan.data / name) for name in results),
        ("form-guides", plan.data / "form_guides"),
    )
    return _import("import-finishes", plan.output / "finishes.db", folders, steps)


def simulate(plan: Plan, steps: StepCache, n_races: int, seed: int) -> str:
    """Return the database of a simulated season, whose true probabilities are known."""
    path = plan.output / "simulated.db"

    def work() -> Json:
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()
        size = ("--races", str(n_races), "--seed", str(seed))
        ran = greyhound("simulate", *size, "--database", _sqlite(path))
        return {"seconds": ran.seconds}

    steps.step("simulate", work, settings={"races": n_races, "seed": seed, "database": _sqlite(path)})
    return _sqlite(path)


def train(name: str, database: str, options: tuple[str, ...], plan: Plan, steps: StepCache) -> Trained:
    """Train with the default settings, but for these options; a search that was interrupted goes on."""
    folder = plan.output / "registry" / name
    registry = _sqlite(folder / "mlflow.db")
    options = (*options, *plan.train_options)

    def work() -> Json:
        finished = folder / "finished"
        if steps.is_to_redo(f"train-{name}") or finished.exists():
            shutil.rmtree(folder, ignore_errors=True)
        resume = ("--resume",) if (folder / "search.journal").exists() else ()
        folder.mkdir(parents=True, exist_ok=True)
        stores = ("--database", database, "--registry", registry)
        ran = greyhound("train", *options, *resume, *stores, codes=(0, GATES_NOT_PASSED))
        finished.touch()
        keep = ("version", "digest", "is_promoted")
        return {key: ran.document[key] for key in keep} | {
            "command": shlex.join(["greyhound", "train", *options]),
            "seconds": ran.seconds,
            "fit_seconds": ran.document["seconds"],
            "peak_mb": ran.peak_mb,
            "resumed": bool(resume),
            "gates_passed": ran.code == 0,
            "commit": git_commit(),
        }

    about = steps.step(f"train-{name}", work, settings={"options": options, "database": database})
    return Trained(registry, int(about["version"]), database, about)


SLICINGS = "overall,state,field,favourites,prior-runs,distance,class"
"""The parts of the races that are judged one by one."""


def evaluate(trained: Trained, first: str, last: str, *, by: str = SLICINGS) -> Ran:
    """Judge a version as users do; it must not have learnt from these days.

    Raises
    ------
    StepFailed
        If the product itself warns that the figures flatter.
    """
    ran = greyhound("evaluate", *_days(first, last), "--by", by, *_which(trained))
    if ran.document["warnings"]:
        raise StepFailed(f"`{ran.command}` warns: {'; '.join(ran.document['warnings'])}")
    return ran


def score(trained: Trained, table: RaceTable, path: Path) -> NDArray[np.float64]:
    """Return the win probabilities that ``greyhound score`` writes for the races of a table.

    Raises
    ------
    StepFailed
        If the file has other runners than the table.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    days = table.date.astype("datetime64[D]")
    greyhound("score", *_days(str(days.min()), str(days.max())), *_which(trained), "--output", str(path))
    rows = pq.read_table(path, columns=["race_id", "box", "win_probability"])
    boxes = np.array([box or 0 for box in rows["box"].to_pylist()])
    if not np.array_equal(rows["race_id"].to_numpy(), table.race_id) or not np.array_equal(boxes, table.box):
        raise StepFailed(f"{path} must hold the {len(table)} runners of the table in its order")
    p: NDArray[np.float64] = rows["win_probability"].to_numpy()
    return p


def _days(first: str, last: str) -> tuple[str, ...]:
    return ("--from", first, "--to", last)


def _which(trained: Trained) -> tuple[str, ...]:
    stores = ("--database", trained.database, "--registry", trained.registry)
    return ("--model", f"{trained.version}:judged", *stores)


def _import(name: str, path: Path, folders: tuple[tuple[str, Path], ...], steps: StepCache) -> str:
    """Return the database at a path: an interrupted import goes on, one of an older schema begins anew.

    A newer schema may have columns for what an older one left out of the files.
    """
    schema = max(file.stem for file in (Path(migrations.__file__).parent / "versions").glob("v*.py"))
    database = _sqlite(path)

    def work() -> Json:
        if steps.read(name) is not None:
            for file in path.parent.glob(f"{path.name}*"):
                file.unlink()
        found: dict[str, Any] = {}
        for kind, folder in folders:
            ran = greyhound("import", kind, str(folder), "--database", database)
            counts = {key: value for key, value in ran.document.items() if key.startswith("n_")}
            found[kind] = {"seconds": ran.seconds, **counts}
        return found

    steps.step(
        name,
        work,
        settings={"folders": [str(folder) for _, folder in folders]},
        inputs={"schema": schema, "database": database},
    )
    return database


def _sqlite(path: Path) -> str:
    return f"sqlite:///{path}"
