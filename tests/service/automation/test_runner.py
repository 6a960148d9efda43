"""The runner: one process of all does the tasks, whatever fails or hangs, and whatever is killed."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from racing.database.engine import open_database
from racing.experiments.switch import turn_automation
from service.automation import runner as runner_module
from service.automation.runner import AutomationRunner
from service.automation.tasks import PeriodicTask
from service.observability.metrics import Metrics
from service.race_database import RaceDatabase
from tests.service.living import wait_until

FAST = {"renew_s": 0.05, "lease_s": 2.0}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'races.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    open_database(url, create=True).dispose()
    return url


@contextmanager
def running(url: str, *tasks: PeriodicTask, **options: bool) -> Iterator[AutomationRunner]:
    runner = AutomationRunner(RaceDatabase(url), tasks, Metrics(), **FAST, **options)
    runner.start()
    try:
        yield runner
    finally:
        runner.stop()


def counting(name: str, done: list[str], everywhere: bool = False) -> PeriodicTask:
    return PeriodicTask(name, 0.02, lambda engine: done.append(name), everywhere)


def test_of_three_processes_one_does_the_tasks_and_the_next_follows_when_it_stops(url: str) -> None:
    done: dict[int, list[str]] = {0: [], 1: [], 2: []}
    with ExitStack() as stack:
        runners = [
            stack.enter_context(
                running(url, counting("one", done[i]), counting("each", done[i], everywhere=True))
            )
            for i in range(3)
        ]
        wait_until(lambda: sum(runner.state.place == "here" for runner in runners) == 1)
        wait_until(lambda: sum(runner.state.place == "elsewhere" for runner in runners) == 2)
        first = next(i for i, runner in enumerate(runners) if runner.holds_lease)
        wait_until(lambda: "one" in done[first])
        wait_until(lambda: all("each" in names for names in done.values()))
        assert {i for i, names in done.items() if "one" in names} == {first}
        runners[first].stop()
        wait_until(lambda: any("one" in names for i, names in done.items() if i != first))
        assert not runners[first].holds_lease


def test_who_is_killed_is_followed_when_his_lease_is_over(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'races.db'}"
    engine = open_database(url, create=True)
    assert runner_module.hold_lease(engine, runner_module.LEASE, "a process that was killed", seconds=1.0)
    done: list[str] = []
    with running(url, counting("one", done)) as runner:
        wait_until(lambda: done)
        assert runner.state.place == "here"


def test_a_task_that_fails_or_hangs_is_shown_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "TURN_S", 0.2)
    url = f"sqlite:///{tmp_path / 'races.db'}"
    open_database(url, create=True).dispose()
    done: list[str] = []
    freed = threading.Event()

    def fail(engine: Engine) -> None:
        raise ValueError("the tape\nis full")

    def hang(engine: Engine) -> None:
        freed.wait(60)

    tasks = PeriodicTask("fails", 0.02, fail), PeriodicTask("hangs", 0.02, hang), counting("works", done)
    with running(url, *tasks) as runner:

        def state(name: str) -> runner_module.TaskState:
            return next(task for task in runner.state.tasks if task.name == name)

        wait_until(lambda: state("hangs").hangs)
        n_before = len(done)
        wait_until(lambda: len(done) > n_before + 3 and state("fails").n_failures > 3)
        assert state("fails").error == "the tape is full"
        assert state("works").error is None
        assert state("works").last_run is not None
        freed.set()
        wait_until(lambda: state("hangs").last_run)
        assert not state("hangs").hangs


def test_while_the_database_is_away_it_waits_and_goes_on_afterwards(tmp_path: Path) -> None:
    file = tmp_path / "races.db"
    open_database(f"sqlite:///{file}", create=True).dispose()
    done: list[str] = []
    with running(f"sqlite:///{file}", counting("one", done)) as runner:
        wait_until(lambda: done)
        away = [path.rename(path.with_name("away-" + path.name)) for path in tmp_path.glob("races.db*")]
        wait_until(lambda: runner.state.error and not runner.holds_lease)
        assert runner.state.place == "unknown" or not runner.holds_lease
        assert not file.exists()
        for path in away:
            path.rename(path.with_name(path.name.removeprefix("away-")))
        n_before = len(done)
        wait_until(lambda: runner.state.error is None and len(done) > n_before)


def test_the_switch_and_the_setting_turn_it_off_each(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'races.db'}"
    engine = open_database(url, create=True)

    def turn(on: bool) -> None:
        with engine.begin() as connection:
            turn_automation(connection, on=on, by="ada", reason="a test wants it")

    with running(url) as free, running(url, is_allowed=False) as set_off:
        wait_until(lambda: free.state.is_on)
        turn(False)
        wait_until(lambda: not free.state.is_on)
        assert free.state.switch.changed_by == "ada"
        turn(True)
        wait_until(lambda: free.state.is_on and set_off.state.switch.is_on)
        assert not set_off.state.is_on
