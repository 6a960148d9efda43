"""The documents that travel with a model: data windows, search, reference distributions, golden card."""

import hashlib
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from racing.monitor.drift import psi, usual_days
from racing.monitor.input_counts import WIN_PROBABILITY, bins_of
from racing.race_table import RaceTable
from training.data.whole_races import count_races, judged_rows
from training.search.candidates import Candidate, Candidates
from training.search.choice import Choice
from training.search.settings import SearchSettings

_N_BINS = 10
_LIBRARIES = (
    "numpy",
    "scikit-learn",
    "xgboost-cpu",
    "catboost",
    "imbalanced-learn",
    "optuna",
    "onnx",
    "mlflow",
)


def data_hash(table: RaceTable) -> str:
    """Return the SHA-256 of everything that a training learns from and judges on."""
    digest = hashlib.sha256()
    for name, values in table.arrays().items():
        array = np.ascontiguousarray(values)
        if array.dtype.kind == "M":
            array = array.astype("datetime64[D]").astype(np.int64)
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def git_commit() -> str:
    """Return the commit of this code: of its checkout, else ``$GREYHOUND_COMMIT``, else the version."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=5,
        )
        return found.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return os.environ.get("GREYHOUND_COMMIT") or f"v{_version('greyhound')}"


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that made the model."""
    return {"python": platform.python_version()} | {name: _version(name) for name in _LIBRARIES}


def window(table: RaceTable) -> dict[str, Any]:
    """Return the days, races and runners of a part of the data: the one place that counts races.

    ``races`` are whole and have exactly one winner, so they can be judged by it; ``other_races`` are known in
    part, or ended in a dead heat, or have one runner.
    """
    n_races = count_races(table, judged_rows(table))
    return {
        "from": str(table.date.min().astype("datetime64[D]")),
        "until": str(table.date.max().astype("datetime64[D]")),
        "races": n_races,
        "other_races": count_races(table) - n_races,
        "runners": len(table),
        "winners": int(table.won.sum()),
    }


def tracks_of(table: RaceTable) -> dict[str, int]:
    """Return the names of the tracks of a table, each with the number of its runners."""
    names, counts = np.unique(table.track, return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def reference(
    features: NDArray[np.float32],
    feature_names: Sequence[str],
    probabilities: NDArray[np.float64],
    *,
    later: RaceTable | None = None,
) -> dict[str, Any]:
    """Return each feature's distribution in training, and that of the test probabilities, for drift.

    ``edges`` split the known values into bins of about equal count, ``shares`` are those of the bins.

    Parameters
    ----------
    later
        The races that the probabilities are of, all later than the training's. With them ``days`` says how
        far single quiet days lay from the training (:mod:`racing.monitor.drift`), if they are enough.
    """
    columns = zip(feature_names, features.T, strict=True)
    document: dict[str, Any] = {
        "runners": len(features),
        "features": {name: _distribution(values.astype(np.float64)) for name, values in columns},
        "win_probability": _distribution(probabilities),
    }
    days = None if later is None else _usual_days(document, feature_names, later, probabilities)
    return document | ({} if days is None else {"days": days})


def search_summary(
    settings: SearchSettings, candidates: Candidates, choice: Choice, chosen: Candidate
) -> dict[str, Any]:
    """Return what the search could spend, and each candidate's trials, loss and weight in the chosen one."""
    weights = {member.name: member.weight for member in chosen.members}
    return {
        "budget": {
            "trials_per_family": settings.n_trials,
            "folds": settings.n_folds,
            "time_budget_s": settings.time_budget_s,
            "search_rows": settings.search_rows,
        },
        "families": [
            {
                "name": candidate.name,
                "trials": len(candidate.trials),
                "pruned": sum(trial.state == "pruned" for trial in candidate.trials),
                "best_trial_loss": candidate.best and candidate.best.loss,
                "loss": choice.losses.get(candidate.name),
                "steps": choice.steps.get(candidate.name),
                "is_chosen": candidate.name == chosen.name,
                "weight": weights.get(candidate.name),
                "imbalance": [kind for kind in candidate.imbalance if kind != "none"],
                "seconds": candidate.seconds,
            }
            for candidate in candidates
        ],
    }


def golden_rows(table: RaceTable) -> NDArray[np.int64]:
    """Return the rows of the latest race of the largest field: the card that every load must answer alike."""
    sizes = np.bincount(table.race)
    latest_of_largest = np.flatnonzero(sizes == sizes.max())[-1]
    return np.flatnonzero(table.race == latest_of_largest)


def _distribution(values: NDArray[np.float64]) -> dict[str, Any]:
    known = values[np.isfinite(values)]
    described: dict[str, Any] = {"share_unknown": 1 - len(known) / max(len(values), 1)}
    if not len(known):
        return described
    edges = np.unique(np.quantile(known, np.arange(1, _N_BINS) / _N_BINS))
    counts = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1)
    return described | {
        "mean": float(known.mean()),
        "sd": float(known.std()),
        "min": float(known.min()),
        "max": float(known.max()),
        "edges": edges,
        "shares": counts / len(known),
    }


def _usual_days(
    document: Mapping[str, Any], names: Sequence[str], later: RaceTable, probabilities: NDArray[np.float64]
) -> dict[str, Any] | None:
    """Return the mean and deviation of the cube root of PSI over single days; None of too few days."""
    bins = bins_of(document, names)
    _, starts = np.unique(later.date, return_index=True)
    days = [slice(*ends) for ends in pairwise((*starts.tolist(), len(later)))]
    by_day = [
        psi(bins.count(later.features[day], probabilities[day]), bins.shares, bins.exists) for day in days
    ]
    usual = usual_days(np.array(by_day), np.array([day.stop - day.start for day in days]))
    if usual is None:
        return None
    both = zip(bins.names, usual.mean.tolist(), usual.sd.tolist(), strict=True)
    roots = {name: {"mean": mean, "sd": sd} for name, mean, sd in both}
    win_probability = roots.pop(WIN_PROBABILITY)
    return {
        "n": usual.n_days,
        "runners": usual.n_runners,
        "features": roots,
        WIN_PROBABILITY: win_probability,
    }


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
