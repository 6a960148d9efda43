"""What is told of a training: the artifact's documents, and MLflow's run with trials, pictures and files."""

import datetime as dt
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_registry.artifact import LoadedModel
from model_registry.registry import ModelRegistry
from model_registry.versions import FAILED, PASSED, ModelVersion
from racing.race_table import RaceTable
from training.candidates import Candidate, Candidates, SearchSettings
from training.choice import Choice
from training.documents import library_versions, reference, window
from training.gates import failed
from training.importance import feature_importance
from training.packing import Package
from training.plots import draw_plots
from training.splits import Split
from training.summary import summarize
from training.tracking import TrainingRun, training_run
from training.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All that a training found, before it is written and registered."""

    origin: Mapping[str, str]
    """``data_hash``, ``feature_version`` and ``git_commit``."""
    settings: SearchSettings
    split: Split
    candidates: Candidates
    choice: Choice
    chosen: Candidate
    package: Package
    served: LoadedModel
    verdict: Verdict
    seconds: float


def documents_of(result: Result, effects: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the documents of the artifact, all but the golden card."""
    split, package, verdict = result.split, result.package, result.verdict
    parts = {"train": split.train, "calibration": split.calibration, "test": split.test}
    windows = {name: window(part) for name, part in parts.items()}
    trials = result.candidates.trials
    simulated = _simulated_share(list(parts.values()))
    return {
        "effects": effects,
        "reference": reference(split.train.features, package.spec.features, verdict.probabilities),
        "metrics": verdict.evaluation.as_json() | {"parity_error": verdict.parity_error},
        "training": {
            **result.origin,
            "data": windows,
            "simulated_share": simulated,
            "search": {
                "families": list(result.settings.families),
                "trials": len(trials),
                "seed": result.settings.seed,
                "calibration": result.settings.calibration,
            },
            "choice": {"judged_by": result.choice.judged_by, "losses": result.choice.losses},
            "chosen": {
                "name": result.chosen.name,
                "members": {c.name: c.best.params for c in result.candidates if c.best is not None},
            },
            "baselines": {
                "base_rate": package.baselines.base_rate,
                "box_rates": list(package.baselines.box_rates),
            },
            "f1_threshold": package.f1_threshold,
            "versions": library_versions(),
            "seconds": result.seconds,
        },
        "summary": summarize(
            kind=result.chosen.name,
            evaluation=verdict.evaluation,
            gates=verdict.gates,
            windows=windows,
            n_features=len(package.spec.features),
            class_balance=result.chosen.imbalance,
            calibration=result.settings.calibration,
            n_trials=len(trials),
            trained_at=dt.datetime.now(dt.UTC),
            simulated_share=simulated,
        ),
    }


def publish(
    result: Result, documents: Mapping[str, Mapping[str, Any]], directory: Path, registry: ModelRegistry
) -> ModelVersion:
    """Log the training to MLflow and register the artifact with the gates' verdict, as the last step."""
    summary = documents["summary"]
    failures = "; ".join(f"{gate.name}: {gate.reason}" for gate in failed(result.verdict.gates))
    gates = {"gates": FAILED if failures else PASSED, "gate_failures": failures}
    name = f"train {summary['last_trained']}"
    with training_run(registry, name=name, seconds_so_far=result.seconds, tags=result.origin) as run:
        run.log_trials(result.candidates.trials)
        run.log(
            {"chosen": result.chosen.name, **documents["training"]["search"]},
            {key: value for key, value in summary.items() if type(value) in (int, float)},
        )
        run.log_document(summary, "training_summary.json")
        _log_plots(result, run)
        return registry.register(
            directory, run_id=run.run_id, tags=gates, description=str(summary["model_type"])
        )


def _log_plots(result: Result, run: TrainingRun) -> None:
    test, verdict, served = result.split.test, result.verdict, result.served
    importance = feature_importance(
        test, result.package.spec.features, served.probabilities, served.scores, result.settings.seed
    )
    run.log_document(importance, "feature_importance.json")
    searched: dict[str, list[float]] = {}
    for trial in result.candidates.trials:
        searched.setdefault(trial.family, []).append(trial.metrics.get("race_log_loss", float("nan")))
    with tempfile.TemporaryDirectory(prefix="greyhound-plots-") as folder:
        plots = draw_plots(
            Path(folder),
            curve=verdict.evaluation.reliability,
            scores=verdict.scores,
            won=test.won,
            importance=importance,
            searched=searched,
        )
        run.log_files(plots, "plots")


def _simulated_share(parts: Sequence[RaceTable]) -> float:
    """Return the share of runners whose true probability is known: only the simulator knows one."""
    known = sum(int((part.true_probability == part.true_probability).sum()) for part in parts)
    return known / sum(len(part) for part in parts)
