"""What a person reads in MLflow of a training that really ran: names, notes, parameters, figures, files."""

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.service.builders import empty_registry
from tests.training.builders import FEATURE_NAMES, make_table
from training.pipeline import TrainSettings, train_on
from training.search.settings import SearchSettings

FAMILIES = ("logistic_regression", "random_forest")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    registry = empty_registry(folder)
    search = SearchSettings(families=FAMILIES, n_trials=2, n_jobs=1)
    table = make_table(600)
    training = train_on(
        table, FEATURE_NAMES, ["feature_5"], registry, TrainSettings(search=search), effects={}
    )
    return registry, training, MlflowClient(registry.tracking_uri, registry.tracking_uri)


def note_of(run):
    return run.data.tags["mlflow.note.content"]


def below(client, run):
    return client.search_runs(
        [run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'", order_by=["start_time"]
    )


def test_a_run_is_named_by_its_version_and_tells_the_figures_beside_the_baselines_and_the_verdict(trained):
    _, training, client = trained
    run = client.get_run(training.run_id)
    summary = training.summary
    assert run.info.run_name == f"version 1: {summary['model_type']}"
    assert run.data.tags["standing_at_training"] == "promoted"
    assert run.data.tags["gates"] == "passed"
    note = note_of(run)
    first = note.partition("\n")[0]
    assert f"Promoted: passed all {len(training.gates)} gates." in first
    assert "SIMULATED" in note
    for gate in training.gates:
        assert f"| {gate.name} | yes | {gate.reason.replace('|', '/')} |" in note
    for name, loss in {**summary["baselines"], **summary["beside_market"]}.items():
        assert f"| {'**this model**' if name == 'model' else name} | {loss:.4f} |" in note
    assert "greyhound train --from 2025-01-01" in note
    assert "report.html" in note


def test_parameters_and_figures_have_the_terms_of_the_field(trained):
    _, training, client = trained
    data, summary = client.get_run(training.run_id).data, training.summary
    assert data.params["families"] == "logistic_regression, random_forest"
    assert data.params["knows"] == "form"
    test = summary["data"]["test"]
    assert data.params["test_races"] == f"{test['races']} whole races, {test['from']} to {test['until']}"
    assert data.metrics["test_races"] == test["races"]
    assert data.params["judgement"] == summary["judgement"]
    assert data.metrics["race_log_loss"] == pytest.approx(summary["race_log_loss"])
    for name in ("uniform", "box only"):
        logged = data.metrics[f"baselines/race_log_loss of {name}"]
        assert logged == pytest.approx(summary["baselines"][name])
    assert data.metrics["beside_market/race_log_loss of market"] > 0


def test_it_opens_into_families_and_trials_that_say_what_they_tried(trained):
    _, training, client = trained
    families = below(client, client.get_run(training.run_id))
    assert {family.info.run_name for family in families} == {"Logistic Regression", "Random Forest"}
    for family in families:
        assert "2 trials" in note_of(family)
        trials = below(client, family)
        assert len(trials) == 2
        best = [trial for trial in trials if trial.data.tags["best_of_family"] == "yes"]
        assert [note_of(trial).endswith("the best of its family.") for trial in best] == [True]
        assert all("expected race log loss" in note_of(trial) for trial in trials)
        assert all(trial.data.params["imbalance"] for trial in trials)


def test_the_model_and_its_version_are_described_and_the_report_and_plots_lie_in_the_run(trained):
    registry, training, client = trained
    assert "alias **champion** serves" in client.get_registered_model("greyhound-win").description
    description = registry.version(1).description
    assert description.startswith(training.summary["model_type"])
    assert f"Passed all {len(training.gates)} gates." in description
    assert f"uniform {training.summary['baselines']['uniform']:.4f}" in description
    files = {file.path for file in client.list_artifacts(training.run_id)}
    assert {"report.html", "training_summary.json", "plots", "feature_importance.json"} <= files
    plots = {file.path for file in client.list_artifacts(training.run_id, "plots")}
    assert plots == {
        f"plots/{name}.svg" for name in ("reliability", "roc", "feature_importance", "search_history")
    }
    path = client.download_artifacts(training.run_id, "training_summary.json")
    assert json.loads(Path(path).read_text())["race_log_loss"] == training.summary["race_log_loss"]
