"""What is told of a training: the artifact's documents, MLflow's run, and the page beside the registry."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlflow import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE
from sqlalchemy import make_url

from model_registry.artifact import LoadedModel
from model_registry.learning import JUDGED, learning_of
from model_registry.papers import REPORT
from model_registry.registry import ModelRegistry
from model_registry.versions import FAILED, PASSED, ModelVersion
from racing.race_table import RaceTable
from training.data.splits import Split
from training.evaluation.written_model import TestEvaluation
from training.export.artifact import Package, write_final
from training.export.documents import library_versions, reference, search_summary, window
from training.export.summary import summarize
from training.gates import Gate, failed
from training.notes import family_note, run_name, run_note, trial_note, version_description
from training.page.content import ReportContent
from training.page.page import render_report
from training.page.words import kind, races_text
from training.plots import draw_plots
from training.refit import Refit
from training.search.candidates import Candidate, Candidates
from training.search.choice import Choice
from training.search.settings import SearchSettings
from training.tracking import TrainingRun, describe_run, training_run


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
    """As it was judged."""
    package: Package
    """Of the judged model."""
    judged: LoadedModel
    evaluated: TestEvaluation
    """Of the judged model."""
    gates: tuple[Gate, ...]
    refit: Refit | None
    """What serves instead of the judged model; ``None`` if that serves itself."""
    feature_scope: str
    """Which prices the features may hold, see :data:`racing.features.KNOWS`."""
    categorical_features: Sequence[str]
    stage_seconds: Mapping[str, float]
    """How long each stage lasted, in order."""
    seconds: float


def documents_of(
    result: Result, effects: Mapping[str, Any], *, judged_digest: str | None = None
) -> dict[str, Mapping[str, Any]]:
    """Return the documents of an artifact, all but the golden card.

    With ``judged_digest`` they are those of the refitted model, which name the judged one; without, those of
    the judged model itself.
    """
    split, package, evaluated = result.split, result.package, result.evaluated
    parts = {"train": split.train, "calibration": split.calibration, "test": split.test}
    windows = {name: window(part) for name, part in parts.items()}
    trials = result.candidates.trials
    simulated = _simulated_share(list(parts.values()))
    judged = _judged_document(result, windows, judged_digest)
    learning = learning_of({"training": {"data": windows}, JUDGED: judged})
    return {
        **({JUDGED: judged} if judged else {}),
        "effects": effects,
        "reference": reference(split.train.features, package.spec.features, evaluated.probabilities),
        "metrics": evaluated.evaluation.as_json()
        | {"parity_error": evaluated.parity_error, "calibration": evaluated.calibration_effect},
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
            **search_summary(result.settings, result.candidates, result.choice, result.chosen),
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
            evaluation=evaluated.evaluation,
            gates=result.gates,
            windows=windows,
            learnt=window(split.all_races if learning.is_refit else split.before_test),
            learning=learning,
            n_features=len(package.spec.features),
            class_balance=result.chosen.imbalance,
            is_market_alone=package.spec.is_market_alone,
            calibration=result.settings.calibration,
            n_trials=len(trials),
            n_families=len(result.settings.families),
            trained_at=dt.datetime.now(dt.UTC),
            simulated_share=simulated,
        ),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """The written artifacts of a training."""

    served: Path
    """Folder of what is registered."""
    digest: str
    documents: Mapping[str, Mapping[str, Any]]
    judged: Path | None
    """Folder of the judged model where another one is registered."""


def write_artifacts(result: Result, effects: Mapping[str, Any], folder: Path) -> Artifacts:
    """Write what will serve, and before it the judged model where that is another one."""
    test, judged, documents = result.split.test, folder / JUDGED, documents_of(result, effects)
    digest = write_final(result.package, result.judged, test, documents, judged)
    if result.refit is None:
        return Artifacts(served=judged, digest=digest, documents=documents, judged=None)
    served, documents = folder / "served", documents_of(result, effects, judged_digest=digest)
    digest = write_final(result.refit.package, result.refit.written, test, documents, served)
    return Artifacts(served=served, digest=digest, documents=documents, judged=judged)


def _judged_document(
    result: Result, windows: Mapping[str, Mapping[str, Any]], digest: str | None
) -> dict[str, Any]:
    """Return ``judged.json`` of a refitted model: whom the figures are of, and how well the two agree."""
    if digest is None or result.refit is None:
        return {}
    return {
        "digest": digest,
        "learnt_until": windows["calibration"]["until"],
        "serves_learnt_until": windows["test"]["until"],
        "test": windows["test"],
        "agreement": result.refit.agreement.as_json(),
    }


def publish(
    result: Result,
    documents: Mapping[str, Mapping[str, Any]],
    content: ReportContent,
    directory: Path,
    registry: ModelRegistry,
    *,
    judged: Path | None = None,
) -> ModelVersion:
    """Log the training to MLflow and register the artifact with the gates' verdict, as the last step.

    ``judged`` is the folder of the judged model's artifact where another one is registered.
    """
    failures = "; ".join(f"{gate.name}: {gate.reason}" for gate in failed(result.gates))
    gates = {"gates": FAILED if failures else PASSED, "gate_failures": failures}
    tags = {**result.origin, "level": "training", MLFLOW_RUN_NOTE: run_note(content)}
    with training_run(registry, name=run_name(content), seconds_so_far=result.seconds, tags=tags) as run:
        run.log(*_params_and_metrics(result, documents, content))
        _log_search(run, result, content)
        run.log_document(documents["summary"], "training_summary.json")
        run.log_document(content.importance.as_json(), "feature_importance.json")
        for plot, picture in draw_plots(content).items():
            run.log_text(picture, f"plots/{plot}.svg")
        run.log_text(render_report(content), REPORT)
        if judged is not None:
            run.log_folder(judged, JUDGED)
        return registry.register(
            directory, run_id=run.run_id, tags=gates, description=version_description(content)
        )


def publish_status(content: ReportContent, run_id: str, registry: ModelRegistry) -> Path:
    """Return the file of the report, after writing there and in the MLflow run whether the version serves.

    The page lies beside the registry, and in the run.
    """
    passed = "failed" if failed(content.gates) else "passed"
    tags = {"version": str(content.version), "standing_at_training": content.standing, "gates": passed}
    describe_run(registry, run_id, name=run_name(content), note=run_note(content), tags=tags)
    page = render_report(content)
    path = reports_folder(registry.tracking_uri) / f"version-{content.version}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    MlflowClient(registry.tracking_uri, registry.tracking_uri).log_text(run_id, page, REPORT)
    return path


def _log_search(run: TrainingRun, result: Result, content: ReportContent) -> None:
    for candidate, search in zip((c for c in result.candidates if c.best), content.searches, strict=True):
        assert candidate.best is not None
        run.log_family(
            kind(search.family),
            candidate.trials,
            candidate.best,
            note=family_note(search, content),
            trial_notes=[trial_note(trial, search, content) for trial in search.trials],
        )


def _params_and_metrics(
    result: Result, documents: Mapping[str, Mapping[str, Any]], content: ReportContent
) -> tuple[dict[str, Any], dict[str, float]]:
    summary, search = documents["summary"], documents["training"]["search"]
    days = {
        f"{part}_races": f"{races_text(of)}, {of['from']} to {of['until']}"
        for part, of in {**summary["data"], "learnt": summary["learnt"]}.items()
    }
    days["judgement"] = summary["judgement"]
    said = {"chosen": result.chosen.name, "knows": result.feature_scope, **days, **search}
    said |= {"trials_per_family": result.settings.n_trials}
    said |= {"families": ", ".join(search["families"]), "class_balance": summary["class_balance"]}
    figures = {key: value for key, value in summary.items() if type(value) in (int, float)}
    for group in ("baselines", "beside_market"):
        figures |= {
            f"{group}/race_log_loss of {_metric(name)}": loss for name, loss in summary[group].items()
        }
    return said, figures


def _metric(name: str) -> str:
    return name.partition(" (")[0]  # MLflow's names have no brackets


def reports_folder(registry_uri: str) -> Path:
    """Return where the pages of a registry lie, a folder for each registry.

    Beside an SQLite registry: ``reports`` for ``mlflow.db``, ``reports/NAME`` for any other. Below
    ``var/reports`` for others, by host, port and path of their address, never by user or password.
    """
    if registry_uri.startswith("sqlite:") and (database := make_url(registry_uri).database):
        path = Path(database).absolute()
        folder = path.with_name("reports")
        return folder if path.stem == "mlflow" else folder / path.stem
    parts = urlsplit(registry_uri)
    address = f"{parts.netloc.rpartition('@')[2]}{parts.path}".strip("/")
    return Path("var/reports").absolute() / (re.sub(r"[^A-Za-z0-9.]+", "-", address).strip("-.") or "other")


def _simulated_share(parts: Sequence[RaceTable]) -> float:
    """Return the share of runners whose true probability is known: only the simulator knows one."""
    known = sum(int((part.true_probability == part.true_probability).sum()) for part in parts)
    return known / sum(len(part) for part in parts)
