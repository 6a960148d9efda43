"""`greyhound retrain`, killed and run again on a tiny season; and its stages, done already or not."""

import datetime as dt
import fcntl
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from greyhound.commands.retrain import retrain
from greyhound.commands.train import train
from greyhound.errors import RetrainingUnderWay
from greyhound.knows import as_the_champion
from greyhound.retraining.progress_file import Begun, ProgressFile, one_at_a_time
from greyhound.retraining.stages import import_incoming, place, train_challenger
from model_registry import get_model_registry
from model_registry.artifact import load_artifact
from model_registry.errors import RegistryUnavailable
from racing.database.engine import open_database
from racing.database.monitor_tables import Lease, Notification
from racing.experiments.records import current_experiment
from racing.features import knowledge_of
from tests.forkserver import run_python, start_python
from tests.model_registry.empty import empty_registry_in
from tests.service.builders import make_registry
from training.pipeline import TrainSettings

CHEAP = ("--families", "logistic_regression", "--trials", "1")
COMMAND = "from greyhound.cli import main; main()"
WAIT_S = 240.0
NOW = dt.datetime.now(dt.UTC)
RESULTS = """race_id,date,track,distance_m,runner,box,finish_position
r1,2020-01-05,Sandown Park,515,Ada One,1,1
r1,2020-01-05,Sandown Park,515,Bob Two,2,2
r1,2020-01-05,Sandown Park,515,Cy Three,3,3
"""


def greyhound(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run_python(COMMAND, arguments, imported="training", cwd=folder)


def test_a_retraining_that_is_killed_goes_on_where_it_was_and_ends_with_a_notification(
    tmp_path: Path,
) -> None:
    empty_registry_in(tmp_path / "var")
    assert greyhound(tmp_path, "simulate", "--races", "200", "--seed", "3").returncode == 0
    assert greyhound(tmp_path, "train", *CHEAP, "--knows", "results", "--force").returncode == 0
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming/results.csv").write_text(RESULTS)
    not_due = greyhound(tmp_path, "retrain", *CHEAP, "--if-due")
    assert not_due.returncode == 0, not_due.stderr
    assert "import: 1 new of 1 files" in not_due.stdout
    assert "due: no: " in not_due.stdout
    with (tmp_path / "killed.txt").open("wb") as output:
        options = {"imported": "training", "cwd": tmp_path, "stdout": output, "stderr": output}
        killed = start_python(COMMAND, ("retrain", *CHEAP), **options)  # type: ignore[arg-type]
    state, end = tmp_path / "var/retrain.json", time.monotonic() + WAIT_S
    while time.monotonic() < end and not (state.exists() and json.loads(state.read_text())["is_training"]):
        assert killed.poll() is None
        time.sleep(0.02)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait(WAIT_S)
    again = greyhound(tmp_path, "retrain", *CHEAP)
    assert again.returncode in (0, 5), again.stderr
    lines = again.stdout.splitlines()
    assert lines[0] == "import: 0 new of 1 files; 0 runs added, 0 updated"
    assert lines[1].startswith("going on with the retraining of ")
    assert "train: version 2 is registered" in lines[2]
    assert lines[-1].startswith("Version 2 ")
    assert "greyhound models show 2" in lines[-1]
    assert not state.exists()
    registry = get_model_registry(f"sqlite:///{tmp_path / 'var/mlflow.db'}")
    of_champion, of_new = (load_artifact(registry.fetch(version)).spec.features for version in (1, 2))
    assert of_new == of_champion, "it knows what the champion knows"
    assert knowledge_of(of_new) == "results"
    assert (tmp_path / "incoming/results.csv").read_text() == RESULTS
    engine = open_database(f"sqlite:///{tmp_path / 'var/greyhound.db'}")
    with engine.connect() as connection:
        (noted,) = connection.execute(select(Notification.__table__)).all()  # type: ignore[attr-defined]
    assert (noted.kind, json.loads(noted.details)["version"]) == ("retraining", 2)
    engine.dispose()
    with (tmp_path / "var/retrain.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = greyhound(tmp_path, "retrain", *CHEAP)
    assert (refused.returncode, "another process retrains" in refused.stderr) == (3, True)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'a.db'}", create=True)


@pytest.fixture
def printed() -> list[str]:
    return []


def begun(**values: Any) -> Begun:
    return Begun(**{"at": NOW, "until": NOW.date()} | values)


def test_files_of_every_kind_are_imported_once_and_stay(
    engine: Engine, tmp_path: Path, printed: list[str]
) -> None:
    assert import_incoming(engine, tmp_path / "gone", printed.append) is None
    folder = tmp_path / "incoming"
    folder.mkdir()
    (folder / "a.csv").write_text(RESULTS)
    (folder / "b.csv").write_text("what,is,this\n1,2,3\n")
    import_incoming(engine, folder, printed.append)
    import_incoming(engine, folder, printed.append)
    assert printed[1] == "import: 1 new of 2 files, 1 refused; 3 runs added, 0 updated"
    assert printed[2].startswith("import: b.csv is refused: ")
    assert printed[3].startswith("import: 0 new of 2 files")
    assert sorted(path.name for path in folder.iterdir()) == ["a.csv", "b.csv"]


def test_what_passed_its_gates_shadows_the_champion_and_is_placed_once(
    engine: Engine, tmp_path: Path, printed: list[str]
) -> None:
    registry = get_model_registry(make_registry(tmp_path, exponents=(1.0, 2.0, 3.0)))
    done = begun(version=2, gates_passed=True)
    assert (
        place(engine, registry, done, False, printed.append)
        == "challenger in experiment 1, in shadow beside version 1"
    )
    assert (
        place(engine, registry, done, False, printed.append)
        == "challenger in experiment 1, in shadow beside version 1"
    )
    running = current_experiment(engine)
    assert running is not None
    assert (running.champion, running.challengers, running.mode) == (1, (2,), "shadow")
    third = place(engine, registry, begun(version=3, gates_passed=True), False, printed.append)
    assert third.startswith("registered, and not in shadow: ")
    assert place(engine, registry, begun(version=3, gates_passed=False), True, printed.append).startswith(
        "registered"
    )
    assert (
        place(engine, registry, begun(version=3, gates_passed=True), True, printed.append)
        == "the champion now"
    )
    assert (
        place(engine, registry, begun(version=3, gates_passed=True), True, printed.append) == "the champion"
    )


def test_a_version_that_was_registered_before_the_process_died_is_not_trained_again(
    engine: Engine, tmp_path: Path, printed: list[str]
) -> None:
    registry = get_model_registry(make_registry(tmp_path, exponents=(1.0, 2.0)))
    registry.record_gates(2, ["calibrated: not"])
    file = ProgressFile(tmp_path)
    earlier = begun(at=NOW - dt.timedelta(days=1), is_training=True)
    file.write(earlier)
    after = train_challenger(engine, registry, TrainSettings(), earlier, file, printed.append)
    assert (after.version, after.gates_passed) == (2, False)
    assert file.read(NOW) == after
    assert file.read(NOW + dt.timedelta(days=7)) is None  # there are newer races by then
    assert train_challenger(engine, registry, TrainSettings(), after, file, printed.append) == after


def test_one_retrains_at_a_time_on_all_machines_and_a_dead_one_of_this_is_taken_over(
    engine: Engine, tmp_path: Path
) -> None:
    lease = Lease.__table__  # type: ignore[attr-defined]
    with one_at_a_time(tmp_path, engine), engine.connect() as connection:
        (held,) = connection.execute(select(lease)).all()
        with pytest.raises(RetrainingUnderWay, match="another process"), one_at_a_time(tmp_path, engine):
            pass
    far = dt.datetime(2100, 1, 1)
    with engine.begin() as connection:  # of a process of this machine that was killed
        assert connection.execute(select(lease)).all() == []
        connection.execute(insert(lease).values(name=held.name, holder=held.holder, expires_at=far))
    with one_at_a_time(tmp_path, engine):
        pass
    with engine.begin() as connection:
        connection.execute(insert(lease).values(name=held.name, holder="elsewhere:1", expires_at=far))
    with pytest.raises(RetrainingUnderWay, match="another machine"), one_at_a_time(tmp_path, engine):
        pass
    with engine.begin() as connection:
        connection.execute(update(lease).values(expires_at=dt.datetime(2020, 1, 1)))
    with one_at_a_time(tmp_path, engine):
        pass


def test_a_retraining_takes_every_option_of_a_search_that_a_training_takes() -> None:
    of_a_training_alone = {"start", "until", "test_from", "resume", "calibration", "refit"}
    of_a_training_alone |= {"force", "no_promote"}
    options = {option.name for option in train.params} - {option.name for option in retrain.params}
    assert options == of_a_training_alone


def test_without_a_champion_features_know_past_prices_and_a_registry_that_is_away_decides_nothing(
    tmp_path: Path,
) -> None:
    assert as_the_champion(empty_registry_in(tmp_path)) == "form"
    with pytest.raises(RegistryUnavailable):
        as_the_champion(get_model_registry(f"sqlite:///{tmp_path / 'gone' / 'mlflow.db'}"))
