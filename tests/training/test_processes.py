"""What an interrupt leaves behind."""

import multiprocessing as mp
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.service.living import wait_until
from tests.training.builders import make_table
from training.engines.engine import Engine, run_side_by_side
from training.errors import SearchFailed, TrainingSetTooSmall
from training.families import family_named, log_odds_of
from training.search.fitting import first_params
from training.search.members import fit_members_ahead
from training.search.settings import SearchSettings

SEARCH = """
from tests.training.builders import make_table
from training.search.candidates import fit_candidates
from training.search.settings import SearchSettings
from training.data.splits import split_by_time

if __name__ == "__main__":
    split = split_by_time(make_table(400))
    settings = SearchSettings(families=("xgboost", "gradient_boosting"), n_trials=500, n_folds=2)
    report = lambda trial: print(trial.number, flush=True)
    fit_candidates(split.train, split.calibration, settings, (), report)
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to see children")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_an_ended_search_leaves_no_worker(tmp_path, sent):
    script = tmp_path / "search.py"
    script.write_text(SEARCH)
    root = Path(__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert parent.stdout is not None
    parent.stdout.readline()
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    assert len(children) >= 2
    parent.send_signal(sent)
    assert parent.wait(60) != 0
    parent.stdout.close()
    wait_until(lambda: not any(_is_alive(child) for child in children))


LONG = {"xgboost": {**first_params(family_named("xgboost"))[0], "n_rounds": 100_000}}


def test_fits_that_were_begun_ahead_end_when_what_they_are_for_has_failed():
    before = set(mp.active_children())

    def begin_and_fail():
        with fit_members_ahead(LONG, make_table(400), SearchSettings(n_jobs=2), (5,)):
            wait_until(lambda: set(mp.active_children()) - before)
            raise ValueError("judging failed")

    with pytest.raises(ValueError, match="judging failed"):
        begin_and_fail()
    assert not set(mp.active_children()) - before


def test_fits_that_were_begun_ahead_are_those_of_one_process():
    table = make_table(200)
    params = {name: first_params(family_named(name))[0] for name in ("logistic_regression", "xgboost")}
    reported: list[str] = []
    with fit_members_ahead(params, table, SearchSettings(n_jobs=2), (5,)) as wait:
        ahead = wait(reported.append)
    with fit_members_ahead(params, table, SearchSettings(n_jobs=1), (5,)) as wait:
        alone = wait(lambda name: None)
    assert sorted(reported) == sorted(params)
    for name in params:
        np.testing.assert_array_equal(log_odds_of(ahead[name], table), log_odds_of(alone[name], table))


def _is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill_itself(name, races, on_step):
    """Be a worker that the machine kills, for want of memory, say."""
    on_step(name)
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(name, races, on_step):
    """Be a worker whose part of the races is too small."""
    raise TrainingSetTooSmall(f"{name} has {len(races.value)} runners")


@pytest.mark.parametrize(
    ("work", "error", "message"),
    [
        (kill_itself, SearchFailed, "the work on (one|two) ended with code -9"),
        (refuse, TrainingSetTooSmall, "(one|two) has 60 runners"),
    ],
)
def test_a_worker_that_is_killed_or_refuses_ends_the_work_and_the_message_names_it(work, error, message):
    steps = []
    before = set(mp.active_children())
    with pytest.raises(error, match=message):
        run_side_by_side(["one", "two"], work, make_table(10), Engine(n_jobs=2), steps.append)
    assert set(steps) <= {"one", "two"}
    assert not set(mp.active_children()) - before
