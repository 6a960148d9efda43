"""The record of decisions on both databases: written once, claimed once, with its notification."""

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from racing.database.engine import open_database
from racing.database.monitor_tables import Notification
from racing.experiments.decisions import (
    claim_attempt,
    keys_on_record,
    last_change_at,
    list_decisions,
    mark_carried_out,
    mark_failed,
    mark_void,
    pending_decisions,
    put_on_record,
)
from racing.experiments.guard import Proposal
from racing.experiments.records import active_experiment, experiment_by_id, start_experiment
from racing.experiments.switch import automation_switch, turn_automation

PROMOTION = Proposal(
    key="experiment-1:promote:7",
    action="promote",
    from_version=5,
    to_version=7,
    reason="it has earned the place",
    numbers={"low": 0.001},
    experiment_id=1,
)
_KEYS = Notification.__table__.c.key  # type: ignore[attr-defined]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Both databases, with an experiment that runs."""
    url = f"sqlite:///{tmp_path / 'races.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    engine = open_database(url, create=True)
    with engine.begin() as connection:
        start_experiment(connection, champion=5, challengers=[7], by="ada", reason="a test wants it")
    yield engine
    engine.dispose()


def notifications(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(select(_KEYS).order_by(_KEYS)))


def test_of_eight_processes_one_decides_and_one_carries_out(engine: Engine) -> None:
    start, new, claimed = threading.Barrier(8), [], []

    def decide() -> None:
        start.wait()
        with engine.begin() as connection:
            new.append(put_on_record(connection, PROMOTION))
        with engine.connect() as connection:
            (decision,) = pending_decisions(connection)
        if decision.n_attempts == 0:
            with engine.begin() as connection:
                claimed.append(claim_attempt(connection, decision))

    threads = [threading.Thread(target=decide) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(new) == [False] * 7 + [True]
    assert claimed.count(True) == 1
    assert notifications(engine) == ["decision:experiment-1:promote:7"]


def test_a_decision_is_pending_until_it_is_carried_out_and_ends_the_experiment_then(engine: Engine) -> None:
    with engine.begin() as connection:
        assert put_on_record(connection, PROMOTION)
        (decision,) = pending_decisions(connection)
        assert last_change_at(connection) is None
        assert keys_on_record(connection, 1) == {PROMOTION.key}
    with engine.begin() as connection:
        assert claim_attempt(connection, decision)
        mark_failed(connection, decision, "the registry is away")
    with engine.begin() as connection:
        (decision,) = pending_decisions(connection)
        assert (decision.n_attempts, decision.error) == (1, "the registry is away")
        mark_carried_out(connection, decision)
    with engine.connect() as connection:
        assert pending_decisions(connection) == []
        assert list_decisions(connection)[0].error is None
        changed_at = last_change_at(connection)
        ended = experiment_by_id(connection, 1)
    assert changed_at is not None
    assert abs(changed_at - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=5)
    assert ended is not None
    assert (ended.ended_by, ended.verdict) == ("guard", {"low": 0.001})


def test_what_is_given_up_is_notified_and_counts_as_no_change(engine: Engine) -> None:
    with engine.begin() as connection:
        put_on_record(connection, PROMOTION)
        (decision,) = pending_decisions(connection)
        mark_void(connection, decision, "version 9 is champion by now")
    with engine.begin() as connection:
        assert not put_on_record(connection, PROMOTION)
        assert pending_decisions(connection) == []
        assert not claim_attempt(connection, decision)
        assert last_change_at(connection) is None
        assert active_experiment(connection) is not None
    assert notifications(engine) == ["decision:experiment-1:promote:7", "void:experiment-1:promote:7"]


def test_a_probation_that_was_passed_ends_with_its_decision(engine: Engine) -> None:
    passed = Proposal(
        key="experiment-1:keep:5", action="keep", from_version=5, to_version=5, reason="over", experiment_id=1
    )
    with engine.begin() as connection:
        put_on_record(connection, passed)
    with engine.connect() as connection:
        assert pending_decisions(connection) == []
        assert active_experiment(connection) is None


def test_the_switch_is_on_until_somebody_turns_it_off_and_says_who(engine: Engine) -> None:
    with engine.begin() as connection:
        assert automation_switch(connection).is_on
        assert not turn_automation(connection, on=False, by="ada", reason="no races").is_on
    with engine.begin() as connection:
        found = automation_switch(connection)
        assert (found.is_on, found.changed_by, found.reason) == (False, "ada", "no races")
        assert turn_automation(connection, on=True, by="bob", reason="races").is_on
