"""MLflow keeps every trial, the pictures and the documents of a training, and how it ended."""

import json
import time

import numpy as np
import pytest
from mlflow import MlflowClient

from tests.model_registry.empty import empty_registry_in
from tests.training.builders import FEATURE_NAMES, make_table
from training.evaluation.importance import permutation_importance
from training.search.search import Trial
from training.tracking import training_run


@pytest.fixture
def registry(tmp_path):
    return empty_registry_in(tmp_path)


def make_trials(n):
    return [
        Trial(
            family="xgboost",
            number=i,
            state="complete",
            params={"depth": i, "note": "x" * 600},
            metrics={"race_log_loss": 1.7 - i / 100, "f1": float("nan")},
            fold_losses=(1.7,),
            loss=1.7,
            seconds=1.5,
        )
        for i in range(n)
    ]


def test_a_training_is_one_run_that_opens_into_families_and_they_into_trials(registry, tmp_path):
    with training_run(registry, name="test", seconds_so_far=60, tags={"data_hash": "abc"}) as run:
        began = time.process_time()
        trials = make_trials(20)
        notes = [f"Trial {i} of XGBoost" for i in range(20)]
        run.log_family("XGBoost", trials, trials[-1], note="The search", trial_notes=notes)
        seconds = time.process_time() - began
        run.log({"seed": 1}, {"race_log_loss": 1.6, "auc": float("nan")})
        run.log_text("<svg/>", "plots/roc.svg")
        run.log_document({"success": True}, "summary.json")
    client = MlflowClient(registry.tracking_uri)
    parent = client.get_run(run.run_id)
    assert parent.info.status == "FINISHED"
    assert parent.info.end_time - parent.info.start_time > 60_000
    assert parent.data.tags["data_hash"] == "abc"
    assert parent.data.metrics == {"race_log_loss": 1.6}
    assert [file.path for file in client.list_artifacts(run.run_id, "plots")] == ["plots/roc.svg"]
    assert json.loads((tmp_path / "artifacts/greyhound" / run.run_id / "artifacts/summary.json").read_text())
    (family,) = client.search_runs([run.experiment_id], f"tags.mlflow.parentRunId = '{run.run_id}'")
    assert (family.info.run_name, family.data.tags["mlflow.note.content"]) == ("XGBoost", "The search")
    assert family.data.metrics["race_log_loss"] == trials[-1].metrics["race_log_loss"]
    nested = client.search_runs([run.experiment_id], f"tags.mlflow.parentRunId = '{family.info.run_id}'")
    assert {trial.info.run_name for trial in nested} == {f"XGBoost, trial {i}" for i in range(20)}
    assert all(trial.data.metrics["race_log_loss"] and trial.data.params["depth"] for trial in nested)
    assert {trial.data.tags["mlflow.note.content"] for trial in nested} == set(notes)
    best = [trial.info.run_name for trial in nested if trial.data.tags["best_of_family"] == "yes"]
    assert best == ["XGBoost, trial 19"]
    assert {one.data.tags["mlflow.source.name"] for one in (parent, family, *nested)} == {"greyhound train"}
    tags = client.get_experiment(run.experiment_id).tags
    assert "baselines" in tags["mlflow.note.content"]
    assert seconds < 3, "150 trials must be logged within 20 s"


def test_an_interrupted_training_leaves_a_killed_run(registry):
    with (
        pytest.raises(KeyboardInterrupt),
        training_run(registry, name="test", seconds_so_far=0, tags={}) as run,
    ):
        raise KeyboardInterrupt
    assert MlflowClient(registry.tracking_uri).get_run(run.run_id).info.status == "KILLED"


def test_what_carries_the_races_is_found_important():
    table = make_table(200)

    def scores(features, race):
        return 1 / (1 + np.exp(-(features[:, 0] + 0.5 * features[:, 1]).astype(float)))

    def probabilities(features, race):
        odds = np.exp((features[:, 0] + 0.5 * features[:, 1]).astype(float))
        return odds / np.bincount(race, odds)[race]

    for races in (table, make_table(200, is_whole=np.zeros(1200, bool))):
        groups = {name: "strength" if name in FEATURE_NAMES[:2] else "other" for name in FEATURE_NAMES}
        found = permutation_importance(races, groups, probabilities, scores)
        rises = found.as_json()
        assert rises["feature_0"] > rises["feature_1"] > 0.01
        assert found.groups["strength"].difference > rises["feature_0"]
        assert found.groups["other"].difference == 0
        assert rises["feature_3"] == 0
