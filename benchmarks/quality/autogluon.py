"""AutoGluon-Tabular beside ours: the same features, the same training rows, in an environment of its own."""

import datetime as dt
import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import product
from benchmarks.quality.bench import Bench, between
from benchmarks.quality.pieces import sharing_exponent
from benchmarks.quality.races import as_json, level, races_with_prices
from benchmarks.quality.rows import scores_of
from benchmarks.quality.step_cache import Json, StepFailed
from racing.features import FEATURE_NAMES, FEATURES
from racing.metrics import paired_bootstrap
from racing.probabilities import share_within_race
from racing.race_table import RaceTable

Floats = NDArray[np.float64]

AUTOGLUON = ("autogluon.tabular[lightgbm,catboost,xgboost]==1.6.3", "torch==2.13.0")
QUICK = ("--families", "xgboost", "--trials", "1")
QUICK_DAYS = dt.timedelta(days=100)
"""A training of ours for a tenth of AutoGluon's time: one family, no search, the last hundred days."""

OURS, THEIRS, OURS_QUICK = "form", "AutoGluon", "form, quick"


def judge_autogluon(bench: Bench) -> Json:
    """Return ours minus AutoGluon's race log loss on the test races, and the seconds that each took."""
    plan = bench.plan
    trained = bench.model("form")
    first, last = bench.test_days
    start = (plan.test_from - QUICK_DAYS).isoformat()
    options = ("--from", start, "--test-from", first, "--until", last, *QUICK)
    quick = product.train("autogluon-quick", bench.database, options, plan, bench.steps)
    settings = bench.settings((plan.test_from, plan.until), database=bench.database)
    model = {"model": trained.about["digest"]}
    folder = plan.output / "autogluon"

    def fit() -> Json:
        python = environment(plan.output / "autogluon-env", AUTOGLUON)
        learnt = trained.load().documents["training"]["data"]
        table = bench.table(bench.database, None, plan.until)
        parts = {part: _days_of(table, learnt[part]) for part in ("train", "calibration")}
        names = trained.load().spec.runner_features
        places = [FEATURE_NAMES.index(name) for name in names]
        cut = {**parts, "test": between(table, plan.test_from, plan.until)}
        write_rows(folder, names, {part: rows.with_features(places) for part, rows in cut.items()})
        run_fit(python, "autogluon_fit.py", folder, plan.autogluon_s)
        odds = np.load(folder / "calibration_log_odds.npy")
        exponent = sharing_exponent(odds, parts["calibration"])
        return {"exponent": exponent, **json.loads((folder / "fit.json").read_text())}

    fitted = bench.steps.step(
        "autogluon-fit", fit, settings={**settings, "time_limit_s": plan.autogluon_s}, inputs=model
    )

    def work() -> Json:
        races = races_with_prices(bench.table(bench.database, plan.test_from, plan.until))
        theirs = np.load(folder / "test_log_odds.npy")
        if len(theirs) != len(races.table):
            raise StepFailed(
                f"{folder} holds {len(theirs)} scores for {len(races.table)} runners: use --again"
            )
        losses = {
            OURS: races.losses(scores_of(bench, "form", trained, races)),
            OURS_QUICK: races.losses(scores_of(bench, "autogluon-quick", quick, races)),
            THEIRS: races.losses(share_within_race(theirs, races.table.race, fitted["exponent"])),
        }
        return {
            "autogluon": fitted,
            "races": len(losses[OURS]),
            "rows": as_json(losses, OURS),
            "level": list(level(losses[THEIRS])),
            "ours_minus_theirs": list(paired_bootstrap(losses[OURS], losses[THEIRS])),
            "quick_minus_theirs": list(paired_bootstrap(losses[OURS_QUICK], losses[THEIRS])),
            "seconds": {
                OURS: trained.about["fit_seconds"],
                OURS_QUICK: quick.about["fit_seconds"],
                THEIRS: fitted["seconds"],
            },
            "commands": {OURS: trained.about["command"], OURS_QUICK: quick.about["command"]},
        }

    return bench.steps.step(
        "autogluon",
        work,
        settings=settings,
        inputs={**model, "quick": quick.about["digest"], "fit": fitted},
        test_days_used=f"{plan.test_from} to {plan.until}",
    )


def environment(folder: Path, requirements: Sequence[str]) -> Path:
    """Return the Python of an environment made on demand, beside our dependencies; AutoGluon's has 2 GB."""
    python = folder / "bin" / "python"
    installed = folder / "installed.txt"
    wanted = "\n".join(requirements)
    if installed.exists() and installed.read_text() == wanted:
        return python
    click.echo(f"  installing {', '.join(requirements)} in {folder}", err=True)
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(python), "-I", "-m", "pip"]  # isolated: what PYTHONPATH has is not there for the fit
    command = [*pip, "install", "--quiet", "--disable-pip-version-check", *requirements]
    if subprocess.run(command, stdout=sys.stderr).returncode:
        raise StepFailed(f"pip could not install {', '.join(requirements)}")
    installed.write_text(wanted)
    return python


def run_fit(python: Path, script: str, folder: Path, seconds: float) -> None:
    """Run a script beside this module on the rows in a folder, in another environment.

    Raises
    ------
    StepFailed
        If it ends without a model.
    """
    command = [str(python), "-I", str(Path(__file__).with_name(script)), str(folder), str(seconds)]
    # limits on our threads are not meant for AutoGluon, which plans with every core
    unlimited = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    if subprocess.run(command, stdout=sys.stderr, env=unlimited).returncode:
        raise StepFailed(f"{script} ended without a model; the output has its messages")


def write_rows(folder: Path, names: Sequence[str], parts: Mapping[str, RaceTable]) -> None:
    """Write what others learn from and score: tables that hold just these features."""
    folder.mkdir(parents=True, exist_ok=True)
    codes = {feature.name for feature in FEATURES if feature.is_categorical}
    features = {"names": list(names), "categorical": [name for name in names if name in codes]}
    (folder / "features.json").write_text(json.dumps(features))
    np.save(folder / "won.npy", parts["train"].won)
    for part, table in parts.items():
        np.save(folder / f"{part}.npy", table.features)


def _days_of(table: RaceTable, days: Json) -> RaceTable:
    dates = table.date.astype("datetime64[D]")
    return table.take((dates >= np.datetime64(days["from"])) & (dates <= np.datetime64(days["until"])))
