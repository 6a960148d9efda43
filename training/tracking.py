"""The MLflow run of a training: in it a run a family, in that one a trial; pictures and documents."""

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunStatus, RunTag
from mlflow.utils.mlflow_tags import (
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_RUN_NAME,
    MLFLOW_RUN_NOTE,
    MLFLOW_SOURCE_NAME,
    MLFLOW_SOURCE_TYPE,
    MLFLOW_USER,
)

from model_registry.registry import ModelRegistry, user_name
from training.notes import EXPERIMENT_NOTE
from training.search.search import Trial

_MAX_PARAM = 500  # MLflow refuses longer values


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """An open MLflow run of one training."""

    client: MlflowClient
    experiment_id: str
    run_id: str

    def log_family(
        self, name: str, trials: Sequence[Trial], best: Trial, *, note: str, trial_notes: Sequence[str]
    ) -> None:
        """Log a family's search as a nested run with the best trial's figures, and in it a run a trial.

        Each run costs three requests, 14 ms in SQLite.
        """
        seconds = sum(trial.seconds for trial in trials)
        family = self._nested(self.run_id, name, seconds, {"family": best.family, "level": "family"}, note)
        self._log(family, best.params, {**best.metrics, "seconds": seconds, "trials": len(trials)})
        for trial, trial_note in zip(trials, trial_notes, strict=True):
            tags = {"family": trial.family, "state": trial.state, "level": "trial"}
            tags["best_of_family"] = "yes" if trial.number == best.number else "no"
            run_id = self._nested(family, f"{name}, trial {trial.number}", trial.seconds, tags, trial_note)
            self._log(run_id, trial.params, {**trial.metrics, "seconds": trial.seconds})
            self.client.set_terminated(run_id)
        self.client.set_terminated(family)

    def log(self, params: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
        """Log parameters and figures of the whole training; unknown figures (NaN) are left out."""
        self._log(self.run_id, params, metrics)

    def log_text(self, text: str, name: str) -> None:
        """Upload a text as a file of the run's artifacts."""
        self.client.log_text(self.run_id, text, name)

    def log_folder(self, folder: Path, name: str) -> None:
        """Upload a folder's files into a folder of the run's artifacts."""
        self.client.log_artifacts(self.run_id, str(folder), name)

    def log_document(self, document: Mapping[str, Any], name: str) -> None:
        """Upload a JSON document."""
        self.log_text(json.dumps(document, indent=2, default=str), name)

    def _nested(self, parent: str, name: str, seconds: float, tags: Mapping[str, str], note: str) -> str:
        run = self.client.create_run(
            self.experiment_id,
            start_time=_now_ms() - int(1000 * seconds),
            run_name=name,
            tags={MLFLOW_PARENT_RUN_ID: parent, MLFLOW_RUN_NOTE: note, **_source(), **tags},
        )
        return str(run.info.run_id)

    def _log(self, run_id: str, params: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
        now = _now_ms()
        self.client.log_batch(
            run_id,
            metrics=[
                Metric(name, float(value), now, 0)
                for name, value in metrics.items()
                if value is not None and math.isfinite(value)
            ],
            params=[Param(name, str(value)[:_MAX_PARAM]) for name, value in params.items()],
        )


@contextmanager
def training_run(
    registry: ModelRegistry, *, name: str, seconds_so_far: float, tags: Mapping[str, str]
) -> Iterator[TrainingRun]:
    """Open a run and close it as finished; as killed if interrupted, as failed at any error."""
    experiment_id = registry.experiment()
    client = MlflowClient(registry.tracking_uri, registry.tracking_uri)
    if MLFLOW_RUN_NOTE not in client.get_experiment(experiment_id).tags:
        client.set_experiment_tag(experiment_id, MLFLOW_RUN_NOTE, EXPERIMENT_NOTE)
    started = _now_ms() - int(1000 * seconds_so_far)
    run_id = client.create_run(experiment_id, start_time=started, run_name=name).info.run_id
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in {**_source(), **tags}.items()])
    status = RunStatus.FAILED
    try:
        yield TrainingRun(client, experiment_id, run_id)
        status = RunStatus.FINISHED
    except KeyboardInterrupt:
        status = RunStatus.KILLED
        raise
    finally:
        client.set_terminated(run_id, RunStatus.to_string(status))


def describe_run(
    registry: ModelRegistry, run_id: str, *, name: str, note: str, tags: Mapping[str, str]
) -> None:
    """Replace the name and the note of a run, and add tags."""
    client = MlflowClient(registry.tracking_uri, registry.tracking_uri)
    tags = {MLFLOW_RUN_NAME: name, MLFLOW_RUN_NOTE: note, **tags}
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])


def _source() -> dict[str, str]:
    """Return who ran what, in the tags of MLflow's own runs."""
    return {
        MLFLOW_SOURCE_NAME: "greyhound train",
        MLFLOW_SOURCE_TYPE: "LOCAL",
        MLFLOW_USER: user_name(),
    }


def _now_ms() -> int:
    return int(1000 * time.time())
