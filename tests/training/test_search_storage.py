"""A search that was ended, its record, and what goes on from there."""

import inspect
import multiprocessing as mp
import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from tests.training.builders import make_table
from training.data.splits import split_by_time
from training.errors import SearchNotResumable, SearchUnderWay
from training.search.candidates import fit_candidates
from training.search.search import TPE
from training.search.settings import SearchSettings
from training.search.storage import open_storage, reserved

CODES = (5,)
ROOT = Path(__file__).parents[2]
QUICK = SearchSettings(families=("xgboost",), n_trials=1, n_folds=2, n_jobs=1)
TWO = ("logistic_regression", "xgboost")
SEARCH = """
import sys
import time
from pathlib import Path
from tests.training.builders import make_table
from training.search.candidates import fit_candidates
from training.search.settings import SearchSettings
from training.data.splits import split_by_time

if __name__ == "__main__":
    split = split_by_time(make_table(400))
    settings = SearchSettings(
        families=("logistic_regression", "xgboost"), n_trials=12, n_folds=2, storage=Path(sys.argv[1])
    )
    n_reported = 0

    def report(trial):
        global n_reported
        n_reported += 1
        print(trial.number, flush=True)
        if n_reported == 14:  # it does not end before it is ended
            time.sleep(600)

    fit_candidates(split.train, split.calibration, settings, (5,), report)
"""


def fit(settings, split=None, on_trial=lambda trial: None):
    split = split or split_by_time(make_table(400))
    return fit_candidates(split.train, split.calibration, settings, CODES, on_trial)


def tried(candidates):
    return [(trial.family, trial.params, trial.fold_losses, trial.state) for trial in candidates.trials]


def interrupt_after(n_trials):
    def on_trial(trial):
        if trial.number == n_trials - 1:
            raise KeyboardInterrupt

    return on_trial


def leave_a_trial_open(storage):
    """Leave the record as a worker does that is killed in the middle of the best trial of all."""
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    study = optuna.load_study(study_name="greyhound/xgboost", storage=open_storage(storage), pruner=pruner)
    study.enqueue_trial({})
    trial = study.ask()
    trial.report(0.0, step=1)
    assert not trial.should_prune()  # writes down that it came so far
    study.enqueue_trial({})


@pytest.fixture(scope="module")
def uninterrupted():
    """What searches of twelve trials find that nobody ends, by their families; past ten, TPE proposes."""
    return {
        families: tried(fit(replace(QUICK, families=families, n_trials=12)))
        for families in (QUICK.families, TWO)
    }


@pytest.mark.parametrize("kind", ["journal", "database"])
def test_a_resumed_search_ends_where_an_uninterrupted_one_does(tmp_path, kind, uninterrupted):
    storage = tmp_path / "search.journal" if kind == "journal" else f"sqlite:///{tmp_path}/any.db"
    stored = replace(QUICK, storage=storage, n_trials=12)
    with pytest.raises(KeyboardInterrupt):
        fit(stored, on_trial=interrupt_after(9))
    leave_a_trial_open(storage)
    seen = []
    resumed = fit(replace(stored, resume=True), on_trial=seen.append)
    assert len(seen) == 3
    assert tried(resumed) == uninterrupted[QUICK.families]


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_a_search_of_two_workers_killed_in_mid_trial_is_resumed_to_the_same_end(
    tmp_path, sent, uninterrupted
):
    script, storage = tmp_path / "search.py", tmp_path / "search.journal"
    script.write_text(SEARCH)
    parent = subprocess.Popen(
        [sys.executable, str(script), str(storage)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert parent.stdout is not None
    for _ in range(14):
        assert parent.stdout.readline()
    parent.send_signal(sent)
    assert parent.wait(60) != 0
    parent.stdout.close()
    settings = replace(QUICK, families=TWO, n_trials=12)
    seen = []
    resumed = fit(replace(settings, n_jobs=2, storage=storage, resume=True), on_trial=seen.append)
    assert len(seen) <= 10
    assert tried(resumed) == uninterrupted[TWO]


def test_a_lock_and_half_a_line_that_a_killed_worker_left_are_cleared_away(tmp_path):
    storage = tmp_path / "search.journal"
    stored = replace(QUICK, storage=storage, n_trials=3)
    with pytest.raises(KeyboardInterrupt):
        fit(stored, on_trial=interrupt_after(2))
    (tmp_path / "search.journal.lock").touch()
    with storage.open("ab") as journal:
        journal.write(b'{"op_code":8,"worker_id":"')
    seen = []
    resumed = fit(replace(stored, resume=True), on_trial=seen.append)
    assert [trial.number for trial in seen] == [2]
    assert tried(resumed) == tried(fit(replace(stored, storage=None)))
    assert not (tmp_path / "search.journal.lock").exists()
    assert all(line.endswith("}") for line in storage.read_text().splitlines())


def test_a_journal_without_one_whole_line_is_an_empty_one(tmp_path):
    storage = tmp_path / "search.journal"
    storage.write_bytes(b'{"op_code":' + b"8" * 200_000)
    with reserved(storage, resume=True):
        assert storage.stat().st_size == 0


def test_a_journal_holds_the_latest_search_only(tmp_path):
    stored = replace(QUICK, storage=tmp_path / "search.journal", n_trials=2)
    sizes = set()
    for _ in range(3):
        fit(stored)
        sizes.add(stored.storage.stat().st_size // 100)
    assert max(sizes) - min(sizes) <= 1  # digits of times differ
    assert [study.study_name for study in open_storage(stored.storage).get_all_studies()] == [
        "greyhound/xgboost"
    ]


def test_a_finished_search_is_resumed_with_more_trials(tmp_path):
    stored = replace(QUICK, storage=tmp_path / "search.journal", n_trials=2)
    fit(stored)
    resumed = fit(replace(stored, resume=True, n_trials=3))
    assert tried(resumed) == tried(fit(replace(stored, storage=None, n_trials=3)))


def test_a_second_search_in_the_same_file_is_refused_and_harms_nothing(tmp_path):
    stored = replace(QUICK, storage=tmp_path / "search.journal", n_trials=2)
    with reserved(stored.storage, resume=False):
        study = optuna.create_study(storage=open_storage(stored.storage), study_name="first")
        for resume in (False, True):
            with pytest.raises(SearchUnderWay, match="one search at a time"):
                fit(replace(stored, resume=resume))
        study.add_trial(optuna.create_trial(state=TrialState.COMPLETE, value=1.0))
        assert study.best_value == 1.0
    fit(stored)


def test_two_processes_that_write_at_once_lose_nothing(tmp_path):
    storage = tmp_path / "search.journal"
    with reserved(storage, resume=False):
        context = mp.get_context("spawn")
        workers = [context.Process(target=write_trials, args=(storage, name)) for name in ("a", "b")]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        assert [worker.exitcode for worker in workers] == [0, 0]
    for name in ("a", "b"):
        study = optuna.load_study(study_name=name, storage=open_storage(storage))
        assert [trial.value for trial in study.trials] == [float(i) for i in range(60)]


def write_trials(storage, name):
    study = optuna.create_study(storage=open_storage(storage), study_name=name)
    for i in range(60):
        study.tell(study.ask(), float(i))


@pytest.mark.parametrize("kind", ["journal", "database"])
def test_a_search_of_other_data_is_not_resumed(tmp_path, kind):
    storage = tmp_path / "search.journal" if kind == "journal" else f"sqlite:///{tmp_path}/any.db"
    stored = replace(QUICK, storage=storage)
    fit(stored)
    with pytest.raises(SearchNotResumable, match="only with the data"):
        fit(replace(stored, resume=True), split_by_time(make_table(400, seed=9)))


@pytest.mark.parametrize("content", ["not JSON\n", "{}\n", "[]\n"])
def test_what_is_no_journal_is_not_resumed(tmp_path, content):
    storage = tmp_path / "search.journal"
    storage.write_text(content + content)
    with pytest.raises(SearchNotResumable, match="train without --resume"):
        fit(replace(QUICK, storage=storage, resume=True))
    fit(replace(QUICK, storage=storage))


def test_a_search_of_an_older_release_is_not_resumed_and_gives_way_to_a_new_one(tmp_path):
    older = tmp_path / "search.db"
    sqlite3.connect(older).close()
    older.touch()
    stored = replace(QUICK, storage=tmp_path / "search.journal")
    with pytest.raises(SearchNotResumable, match=r"search\.db is the search of an older release"):
        fit(replace(stored, resume=True))
    assert older.exists()
    fit(stored)
    assert not older.exists()


def test_no_option_of_the_sampler_is_left_to_a_default():
    deprecated = {"consider_prior", "prior_weight", "consider_magic_clip", "consider_endpoints", "gamma"}
    deprecated |= {"weights", "warn_independent_sampling"}
    sampler = inspect.signature(optuna.samplers.TPESampler).parameters
    assert set(sampler) - deprecated == {*TPE, "seed"}
