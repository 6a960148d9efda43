"""Publish a training: MLflow's run, the registered version, and the report beside the registry."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlflow import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE
from sqlalchemy import make_url

from model_registry.documents import REPORT
from model_registry.learning import JUDGED
from model_registry.registry import ModelRegistry
from model_registry.versions import FAILED, PASSED, ModelVersion
from training.gates import failed
from training.notes import family_note, run_name, run_note, trial_note, version_description
from training.report.content import ReportContent
from training.report.page import render_report
from training.report.plots import draw_plots
from training.report.text import kind, races_text
from training.result import Result
from training.tracking import TrainingRun, describe_run, training_run


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
    """Return the file of the report, written anew with what became of the registered version.

    The report lies beside the registry and in the MLflow run, whose note and tags are brought up to date too.
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
    params = {
        "chosen": result.chosen.name,
        "knows": result.feature_scope,
        **_countries(result),
        **days,
        **search,
    }
    params |= {"trials_per_family": result.settings.n_trials}
    params |= {"families": ", ".join(search["families"]), "class_balance": summary["class_balance"]}
    figures = {key: value for key, value in summary.items() if type(value) in (int, float)}
    for group in ("baselines", "beside_market"):
        figures |= {
            f"{group}/race_log_loss of {_metric(name)}": loss for name, loss in summary[group].items()
        }
    return params, figures


def _countries(result: Result) -> dict[str, str]:
    return {"countries": ",".join(result.countries)} if result.countries else {}


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
