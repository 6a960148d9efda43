"""A guard that is killed in the middle of a decision: two others carry it out, once."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from racing.database.engine import open_database
from racing.experiments.decisions import list_decisions, put_on_record
from racing.experiments.guard import Proposal
from racing.experiments.records import active_experiment, start_experiment
from racing.experiments.switch import turn_automation
from service.automation.guard_task import Guard
from service.observability.metrics import Metrics
from tests.forkserver import ROOT, run_python
from tests.service.builders import make_registry, open_registry
from tests.service.living import wait_until

CODE = """
import os, signal, sys
from model_registry import get_model_registry
from model_registry.mlflow_store.writers import DatabaseWriter
from model_registry.registry import ModelRegistry
from racing.database.engine import open_database
from service.automation import guard_task
from service.observability.metrics import Metrics

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

database, uri, when = sys.argv[1:]
if when == "after it claimed the attempt":
    ModelRegistry.champion_version_number = die
elif when == "after the registry's record":
    DatabaseWriter.set_alias = die
else:
    guard_task.mark_carried_out = die
guard_task.Guard(lambda: get_model_registry(uri), Metrics()).carry_out(open_database(database))
"""
PROPOSAL = Proposal(
    key="experiment-1:promote:2",
    action="promote",
    from_version=1,
    to_version=2,
    reason="it has earned the place",
    experiment_id=1,
)


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return make_registry(tmp_path / "registry", exponents=(1.0, 1.5, 2.0))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    """A database in which the promotion of version 2 is decided, and not carried out."""
    engine = open_database(f"sqlite:///{tmp_path / 'races.db'}", create=True)
    with engine.begin() as connection:
        start_experiment(connection, champion=1, challengers=[2], by="ada", reason="a test wants it")
        put_on_record(connection, PROPOSAL)
    yield engine
    engine.dispose()


def guard(uri: str) -> Guard:
    return Guard(lambda: open_registry(uri), Metrics(), first_wait_s=0.05)


@pytest.mark.parametrize(
    "when", ["after it claimed the attempt", "after the registry's record", "after the registry had it"]
)
def test_two_others_carry_it_out_once(when: str, tmp_path: Path, uri: str, database: Engine) -> None:
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    arguments = [str(database.url), uri, when]
    died = run_python(CODE, arguments, imported="service", cwd=tmp_path, env=environment)
    assert died.returncode == -signal.SIGKILL, died.stderr

    replicas = guard(uri), guard(uri)

    def carried_out() -> bool:
        for replica in replicas:
            replica.carry_out(database)
        with database.connect() as connection:
            return list_decisions(connection)[0].carried_out_at is not None

    wait_until(carried_out)
    registry = open_registry(uri)
    made = [record for record in registry.history() if record.by == "guard" and record.is_carried_out]
    assert [(record.action, record.version) for record in made] == [("promote", 2)]
    assert registry.champion_version_number() == 2
    with database.connect() as connection:
        (decision,) = list_decisions(connection)
        assert (decision.error, decision.void_at) == (None, None)
        assert active_experiment(connection) is None


def test_a_champion_that_moved_meanwhile_makes_it_void(uri: str, database: Engine) -> None:
    open_registry(uri).promote(3, reason="by hand", by="bob")
    guard(uri).carry_out(database)
    with database.connect() as connection:
        (decision,) = list_decisions(connection)
    assert decision.void_at is not None
    assert "version 3 is champion by now" in (decision.error or "")
    assert open_registry(uri).champion_version_number() == 3


def test_what_the_switch_or_its_gates_forbid_is_given_up_with_the_reason(uri: str, database: Engine) -> None:
    with database.begin() as connection:
        turn_automation(connection, on=False, by="ada", reason="no races")
    guard(uri).carry_out(database)
    with database.begin() as connection:
        (decision,) = list_decisions(connection)
        assert decision.error == "automation was turned off before it was carried out"
        turn_automation(connection, on=True, by="ada", reason="races")
        put_on_record(
            connection, Proposal(key="b", action="promote", from_version=1, to_version=2, reason="x")
        )
    open_registry(uri).record_gates(2, ["calibrated: 0.031 must be at most 0.015"])
    guard(uri).carry_out(database)
    with database.connect() as connection:
        assert "did not pass its gates" in (list_decisions(connection)[0].error or "")
    assert open_registry(uri).champion_version_number() == 1


def test_a_registry_that_is_away_is_tried_again_with_pauses(
    tmp_path: Path, uri: str, database: Engine
) -> None:
    file = Path(uri.removeprefix("sqlite:///"))
    file.rename(tmp_path / "away.db")
    replica = guard(uri)
    replica.carry_out(database)
    with database.connect() as connection:
        (decision,) = list_decisions(connection)
    assert (decision.n_attempts, decision.void_at) == (1, None)
    assert decision.error
    replica.carry_out(database)  # at once: too early
    with database.connect() as connection:
        assert list_decisions(connection)[0].n_attempts == 1
    (tmp_path / "away.db").rename(file)

    def carried_out() -> bool:
        replica.carry_out(database)
        with database.connect() as connection:
            return list_decisions(connection)[0].carried_out_at is not None

    wait_until(carried_out)
    assert open_registry(uri).champion_version_number() == 2
