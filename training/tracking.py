"""What MLflow keeps of a training: one run, one nested run a trial, pictures and documents."""

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunStatus, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from model_registry.registry import ModelRegistry
from training.search import Trial

_MAX_PARAM = 500  # MLflow refuses longer values


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """An open MLflow run of one training."""

    client: MlflowClient
    experiment_id: str
    run_id: str

    def log_trials(self, trials: Sequence[Trial]) -> None:
        """Log each trial as a nested run: three requests each, 14 ms in SQLite."""
        for trial in trials:
            run = self.client.create_run(
                self.experiment_id,
                start_time=_now_ms() - int(1000 * trial.seconds),
                run_name=f"{trial.family} {trial.number}",
                tags={MLFLOW_PARENT_RUN_ID: self.run_id, "family": trial.family, "state": trial.state},
            )
            self._log(run.info.run_id, trial.params, {**trial.metrics, "seconds": trial.seconds})
            self.client.set_terminated(run.info.run_id)

    def log(self, params: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
        """Log parameters and figures of the whole training; unknown figures (NaN) are left out."""
        self._log(self.run_id, params, metrics)

    def log_text(self, text: str, name: str) -> None:
        """Upload a text as a file of the run's artifacts."""
        self.client.log_text(self.run_id, text, name)

    def log_document(self, document: Mapping[str, Any], name: str) -> None:
        """Upload a JSON document."""
        self.log_text(json.dumps(document, indent=2, default=str), name)

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
    started = _now_ms() - int(1000 * seconds_so_far)
    run_id = client.create_run(experiment_id, start_time=started, run_name=name).info.run_id
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
    status = RunStatus.FAILED
    try:
        yield TrainingRun(client, experiment_id, run_id)
        status = RunStatus.FINISHED
    except KeyboardInterrupt:
        status = RunStatus.KILLED
        raise
    finally:
        client.set_terminated(run_id, RunStatus.to_string(status))


def _now_ms() -> int:
    return int(1000 * time.time())
