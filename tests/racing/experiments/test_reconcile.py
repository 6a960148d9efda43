"""The record of experiments follows the registry's aliases: every transition, twice, and by two at once."""

import datetime as dt
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from racing.database.engine import open_database
from racing.database.monitor_tables import Notification
from racing.experiments.decisions import mark_carried_out, pending_decisions, put_on_record
from racing.experiments.guard import Proposal
from racing.experiments.policy import Policy
from racing.experiments.reconcile import SETTLE_S, follow, reconcile
from racing.experiments.records import (
    Experiment,
    active_experiment,
    end_experiment,
    list_experiments,
    start_experiment,
)
from racing.experiments.roles import Roles

NOW = dt.datetime(2026, 3, 14, 8, 0, tzinfo=dt.UTC)
LONG_AGO = NOW - dt.timedelta(days=3)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of each kind."""
    url = f"sqlite:///{tmp_path / 'races.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    engine = open_database(url, create=True)
    yield engine
    engine.dispose()


def make_experiment(challengers: tuple[int, ...] = (8,), **changes: Any) -> Experiment:
    """A split of version 7 with others, started by ada three days ago."""
    values: dict[str, Any] = {
        "id": 3,
        "kind": "challenge",
        "champion": 7,
        "challengers": challengers,
        "mode": "split",
        "share": 0.2,
        "policy": Policy(action="promote", alpha=0.01),
        "started_at": LONG_AGO,
        "started_by": "ada",
        "reason": "a try",
    }
    return Experiment(**values | changes)


PROBATION = make_experiment(kind="probation", mode="shadow", share=0.0, policy=Policy(action="roll-back"))
AS_BEFORE = {"mode": "split", "share": 0.2, "action": "promote", "alpha": 0.01}
SHADOW = {"mode": "shadow", "share": 0.0, "action": "manual"}


@pytest.mark.parametrize(
    ("roles", "running", "ends", "starts", "how"),
    [
        (Roles(7), None, None, None, None),
        (Roles(7, (8, 9)), None, None, (7, (8, 9)), SHADOW),
        (Roles(7, (8,)), make_experiment(), None, None, None),
        # other challengers
        (Roles(7), make_experiment(), "name version 8 no more", None, None),
        (Roles(7, (9,)), make_experiment(), "name version 8 no more, version 9 now", (7, (9,)), AS_BEFORE),
        (Roles(7, (8, 9)), make_experiment(), "name version 9 now", (7, (8, 9)), AS_BEFORE),
        (Roles(7, (8,)), make_experiment((8, 9)), "name version 9 no more", (7, (8,)), AS_BEFORE),
        (
            Roles(7, (9, 8)),
            make_experiment((8, 9)),
            "in another order: versions 9, 8",
            (7, (9, 8)),
            AS_BEFORE,
        ),
        # another champion
        (Roles(8), make_experiment(), "promoted: version 8 became champion in place of 7", None, None),
        (
            Roles(8, (9,)),
            make_experiment((8, 9)),
            "promoted: version 8 became champion in place of 7",
            (8, (9,)),
            SHADOW | {"alpha": 0.01},
        ),
        (Roles(6), make_experiment(), "version 6 became champion in place of 7", None, None),
        (
            Roles(6, (8,)),
            make_experiment(),
            "version 6 became champion in place of 7",
            (6, (8,)),
            SHADOW | {"alpha": 0.01},
        ),
        # a probation has no alias, and what waits begins when it is over
        (Roles(7), PROBATION, None, None, None),
        (Roles(7, (9,)), PROBATION, None, None, None),
        (Roles(8), PROBATION, "version 8 became champion in place of 7", None, None),
        (Roles(6, (9,)), PROBATION, "version 6 became champion in place of 7", (6, (9,)), SHADOW),
        # no champion: the registry says nothing
        (Roles(None, (8,)), None, None, None, None),
        (Roles(None), make_experiment(), None, None, None),
    ],
)
def test_the_record_follows_the_registry(
    roles: Roles,
    running: Experiment | None,
    ends: str | None,
    starts: tuple[int, tuple[int, ...]] | None,
    how: dict[str, Any] | None,
) -> None:
    change = follow(roles, running, now=NOW)
    if ends is None and starts is None:
        assert change is None
        return
    assert change is not None
    if ends is None:
        assert change.end_reason is None
    else:
        assert (change.end_reason or "").endswith(ends)
    if starts is None:
        assert change.start is None
        return
    assert change.start is not None
    assert (change.start.champion, change.start.challengers) == starts
    found = {"mode": change.start.mode, "share": change.start.share, "action": change.start.policy.action}
    assert found | {"alpha": change.start.policy.alpha} == {"alpha": 0.05} | (how or {})


def test_a_start_has_time_to_set_its_aliases_but_a_new_champion_ends_it_at_once() -> None:
    young = make_experiment((8, 9), started_at=NOW - dt.timedelta(seconds=SETTLE_S / 2))
    for challengers in ((), (8,), (5,)):
        assert follow(Roles(7, challengers), young, now=NOW) is None
        assert follow(Roles(7, challengers), young, now=NOW + dt.timedelta(seconds=SETTLE_S)) is not None
    assert follow(Roles(6), young, now=NOW) is not None
    by_alias = make_experiment(started_at=NOW, started_by="registry alias")
    assert follow(Roles(7), by_alias, now=NOW) is not None


def test_a_registry_that_moves_is_followed_step_by_step_with_every_reason_on_record(database: Engine) -> None:
    steps = [Roles(7), Roles(7, (8,)), Roles(7, (8, 9)), Roles(8, (9,)), Roles(8, (9,)), Roles(7), Roles(7)]
    for roles in steps:
        reconcile(database, lambda roles=roles: roles)  # type: ignore[misc]
    with database.connect() as connection:
        found = list_experiments(connection)[::-1]
        keys = list(connection.scalars(select(Notification.key).order_by(Notification.id)))  # type: ignore[call-overload]
    assert [(one.champion, one.challengers, one.follows) for one in found] == [
        (7, (8,), None),
        (7, (8, 9), found[0].id),
        (8, (9,), found[1].id),
    ]
    assert [one.end_reason for one in found] == [
        "the registry's aliases name version 9 now",
        "promoted: version 8 became champion in place of 7",
        "version 7 became champion in place of 8",
    ]
    for one in found:
        assert (one.started_by, one.ended_by) == ("registry alias", "registry alias")
        assert [verdict["contestant"] for verdict in one.verdict] == [str(v) for v in one.challengers]
    assert keys == [f"experiment:{one.id}:ended" for one in found]


def test_two_replicas_at_once_write_one_record(database: Engine) -> None:
    for roles in (Roles(7, (8,)), Roles(7, (9,)), Roles(9), Roles(9, (8,))):
        both = threading.Barrier(2)

        def read(roles: Roles = roles, both: threading.Barrier = both) -> Roles:
            both.wait(60)  # both have read the same record
            return roles

        with ThreadPoolExecutor(2) as threads:
            written = [*threads.map(lambda _: reconcile(database, read), range(2))]
        assert sorted(map(bool, written)) == [False, True], written
    with database.connect() as connection:
        assert len(list_experiments(connection)) == 3
        running = active_experiment(connection)
    assert running is not None
    assert (running.champion, running.challengers) == (9, (8,))


def test_what_was_stopped_while_the_registry_was_read_is_not_started_again(database: Engine) -> None:
    reconcile(database, lambda: Roles(7, (8,)))

    def read() -> Roles:
        with database.begin() as connection:
            running = active_experiment(connection)
            assert running is not None
            assert end_experiment(connection, running.id, by="ada", reason="enough")
        return Roles(7, (9,))

    assert reconcile(database, read) == ()
    with database.connect() as connection:
        assert active_experiment(connection) is None


def test_a_start_that_was_killed_before_its_aliases_were_set_is_ended(database: Engine) -> None:
    with database.begin() as connection:
        start_experiment(connection, champion=7, challengers=[8], by="ada", reason="a try")
    assert reconcile(database, lambda: Roles(7)) == ()
    (sentence,) = reconcile(database, lambda: Roles(7), settle_s=0.0)
    assert "name version 8 no more" in sentence


def test_who_decided_on_the_new_champion_is_on_record_as_the_one_who_ended_it(database: Engine) -> None:
    reconcile(database, lambda: Roles(7, (8,)))
    with database.begin() as connection:
        running = active_experiment(connection)
        assert running is not None
        proposal = Proposal(
            key="k",
            action="promote",
            from_version=7,
            to_version=8,
            reason="it is better",
            experiment_id=running.id,
        )
        put_on_record(connection, proposal)
    reconcile(database, lambda: Roles(8))
    with database.begin() as connection:
        (decision,) = pending_decisions(connection)
        mark_carried_out(connection, decision)
        (ended,) = list_experiments(connection)
    assert ended.ended_by == "guard"
    assert ended.end_reason == "promoted: version 8 became champion in place of 7: it is better"
