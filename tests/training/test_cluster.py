"""A search on the workers of a real Dask scheduler, each a process."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.builders import make_table
from training.data.splits import split_by_time
from training.engines import cluster
from training.engines.engine import Engine, run_side_by_side
from training.engines.versions import difference, versions
from training.engines.work import Data
from training.errors import NoWorkers, WorkersDiffer
from training.search.candidates import fit_candidates
from training.search.settings import SearchSettings

ROOT = Path(__file__).parents[2]
LOCAL = SearchSettings(families=("logistic_regression", "xgboost"), n_trials=6, n_folds=3, n_jobs=1)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dask")
    file = folder / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", "scheduler", *options], stderr=subprocess.DEVNULL
    )
    try:
        wait_for(file.exists)
        wait_for(lambda: file.read_text().endswith("}"))
        yield json.loads(file.read_text())["address"]
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def workers(scheduler):
    command = [sys.executable, "-m", "greyhound", "worker", "--scheduler", scheduler]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) for _ in range(2)
    ]
    try:
        with cluster.connected(scheduler) as client:
            client.wait_for_workers(2, timeout=120)
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(60)


def wait_for(condition, limit_s=60):
    until = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def busy_worker(scheduler, workers):
    """Return a worker that is at work now, any if none is for a second."""
    with cluster.connected(scheduler) as client:
        process_ids = client.run(os.getpid)
        for _ in range(100):
            busy = [process_ids[address] for address, parts in client.processing().items() if parts]
            if busy:
                return busy[0]
            time.sleep(0.01)
    return workers[0].pid


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_workers_elsewhere_find_what_one_process_finds_though_one_is_killed_in_the_middle(scheduler, workers):
    split = split_by_time(make_table(400))
    killed = []

    def kill_one(trial):
        if not killed:
            killed.append(busy_worker(scheduler, workers))
            os.kill(killed[0], signal.SIGKILL)

    def fit(settings, on_trial=lambda trial: None):
        return fit_candidates(split.train, split.calibration, settings, (5,), on_trial)

    there, here = fit(replace(LOCAL, scheduler=scheduler), kill_one), fit(LOCAL)
    assert [process.poll() for process in workers].count(-signal.SIGKILL) == 1
    compared = [
        [(trial.family, trial.number, trial.params, trial.fold_losses, trial.state) for trial in found.trials]
        for found in (here, there)
    ]
    assert compared[0] == compared[1]
    for candidate in here:
        odds, same = (found[candidate.name].log_odds(split.test) for found in (here, there))
        np.testing.assert_array_equal(odds, same)


def test_a_worker_of_another_version_is_refused_and_the_message_says_which():
    other = versions() | {"numpy": "1.0"}
    with pytest.raises(WorkersDiffer, match=f"numpy {versions()['numpy']} instead of 1.0"):
        cluster._on_worker(lambda data, argument: argument, Data(0), 1, other)
    assert not difference(versions(), versions())


def test_a_scheduler_without_workers_and_one_that_does_not_answer_are_errors_and_not_a_wait(
    scheduler, monkeypatch
):
    monkeypatch.setattr(cluster, "NO_WORKER_S", 0.1)
    monkeypatch.setattr(cluster, "CONNECT_S", 1)
    with pytest.raises(NoWorkers, match="greyhound worker --scheduler"):
        run_side_by_side(["one"], lambda *_: 1, 0, Engine(scheduler=scheduler), print)
    with pytest.raises(NoWorkers, match="no Dask scheduler answers"):
        run_side_by_side(["one"], lambda *_: 1, 0, Engine(scheduler="tcp://127.0.0.1:1"), print)


def test_trials_at_once_are_another_search_that_is_the_same_each_time():
    split = split_by_time(make_table(200))
    settings = replace(LOCAL, families=("logistic_regression",), n_trials=5, n_folds=2)

    def params(settings):
        trials = fit_candidates(split.train, split.calibration, settings, (5,)).trials
        return [trial.params for trial in trials]

    three = params(replace(settings, trials_at_once=3))
    assert three == params(replace(settings, trials_at_once=3))
    assert len(three) == 5
