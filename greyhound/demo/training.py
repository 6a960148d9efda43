"""The demo's trainings: a line on the console, all else in a log."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from greyhound.output.progress import Report, progress
from model_registry.registry import ModelRegistry
from racing.ratings import update_ratings
from training.pipeline import Training, TrainSettings, train
from training.search.settings import SearchSettings


class Trainings:
    """Trains versions one after the other, quick ones: one family, few trials."""

    def __init__(self, engine: Engine, registry: ModelRegistry, log: Path, n_trials: int) -> None:
        self._engine = engine
        self._registry = registry
        self._log = log
        self._n_trials = n_trials

    def rate_runs(self) -> None:
        """Rate the runs of the season, from which features are made."""
        with self._stage("Rating runs") as report:
            update_ratings(self._engine, on_progress=report)

    def learn(self, feature_scope: str, *, promote: bool) -> str:
        """Train a version, promote it on request whatever its gates say; return a line about it."""
        search = SearchSettings(families=("logistic_regression",), n_trials=self._n_trials)
        settings = TrainSettings(feature_scope=feature_scope, search=search, promote=promote, force=promote)
        training = train(self._engine, self._registry, settings, stage=self._stage)
        for line in _details(training):
            self._note(line)
        return f"{training.summary['model_type']}, {training.seconds:.0f} s"

    @contextmanager
    def _stage(self, title: str) -> Iterator[Report]:
        """Show a bar on a terminal, and note in the log how long it took."""
        began = time.monotonic()
        if sys.stderr.isatty():
            with progress(title) as report:
                yield report
        else:
            yield _unreported
        self._note(f"{title}: {time.monotonic() - began:.1f} s")

    def _note(self, line: str) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")


def _details(training: Training) -> Iterator[str]:
    yield f"Version {training.version}: {training.summary['model_type']}, {training.seconds:.0f} s"
    yield str(training.summary["judgement"])
    for gate in training.gates:
        yield f"  {'passed' if gate.passed else 'failed'}  {gate.name}: {gate.reason}"
    yield f"Report: {training.report}"


def _unreported(_n_done: float, _n_total: float | None = None) -> None:
    pass
