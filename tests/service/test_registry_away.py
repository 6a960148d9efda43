"""The registry gone, slow or locked: serving goes on, nothing piles up, and it is followed again after."""

import signal
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from tests.service.builders import (
    RunningService,
    make_card,
    make_registry,
    open_registry,
    point_alias_at,
    running_service,
)
from tests.service.process import service_process
from tests.service.tracking import tracking_server

MAX_THREADS = 1 + 1 + 4  # a poll of the champion, one of the challengers, and four questions of callers


@pytest.fixture(autouse=True)
def threads_before() -> None:
    """Threads that hang since other tests of this process are not counted."""
    _OF_OTHERS.clear()
    _OF_OTHERS.update(threading.enumerate())


_OF_OTHERS: set[threading.Thread] = set()


def n_threads_at_the_registry() -> int:
    ours = set(threading.enumerate()) - _OF_OTHERS
    return sum(thread.name == "the registry" for thread in ours)


def assert_it_serves_and_nothing_piles_up(service: RunningService) -> None:
    for _ in range(20):
        assert service.predict(make_card()).status_code == 200
        time.sleep(0.02)
    assert n_threads_at_the_registry() <= MAX_THREADS


def test_its_file_gone_stops_nothing(tmp_path: Path) -> None:
    uri = make_registry(tmp_path)
    with running_service(uri) as service:
        store = tmp_path / "mlflow.db"
        store.rename(tmp_path / "gone.db")
        service.wait_until(lambda status: status["registry"]["error"])
        assert_it_serves_and_nothing_piles_up(service)
        assert service.client.get("/models").status_code == 503
        (tmp_path / "gone.db").rename(store)
        service.wait_until(lambda status: status["registry"]["error"] is None)


def test_its_file_locked_stops_nothing_and_questions_are_answered_in_time(tmp_path: Path) -> None:
    uri = make_registry(tmp_path, exponents=(0.5, 2.0))
    with running_service(uri, registry_timeout_s=0.2) as service:
        service.wait_until(lambda status: status["version"] == 1)  # which a busy machine may not have in time
        lock = sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)
        lock.execute("begin exclusive")
        service.wait_until(lambda status: status["registry"]["error"])
        for _ in range(6):
            answer = service.client.get("/models")
            assert (answer.status_code, answer.json()["type"]) == (
                503,
                "urn:greyhound:problem:registry-unavailable",
            )
        assert_it_serves_and_nothing_piles_up(service)
        lock.rollback()
        lock.close()
        point_alias_at(uri, 2)
        service.wait_until(lambda status: status["version"] == 2)


def test_a_tracking_server_that_is_slow_and_then_gone_stops_nothing_nor_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = {"kept_champion": str(tmp_path / "cache")}
    with tracking_server(tmp_path / "server") as server:
        with running_service(server.url, registry_timeout_s=1.0, **options) as service:
            service.wait_until(lambda status: status["kept"]["version"] == 1)
            server.signal(signal.SIGSTOP)
            status = service.wait_until(lambda status: status["registry"]["error"])
            assert "not answered" in status["registry"]["error"]
            assert_it_serves_and_nothing_piles_up(service)
            server.signal(signal.SIGCONT)
            service.wait_until(lambda status: status["registry"]["error"] is None)
            server.registry.promote(2, reason="it is better")
            service.wait_until(lambda status: status["kept"]["version"] == 2)
            server.signal(signal.SIGKILL)
            service.wait_until(lambda status: status["registry"]["error"])
            assert_it_serves_and_nothing_piles_up(service)
        with service_process(server.url, tmp_path, **options) as service:
            status = service.client.get("/model_status").json()
            assert (status["version"], status["served_from"]) == (2, "kept artifact")
            assert service.predict(make_card()).status_code == 200


def test_a_process_whose_registry_hangs_ends_at_a_signal(tmp_path: Path) -> None:
    uri = make_registry(tmp_path)
    lock = sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)
    with service_process(uri, tmp_path, registry_timeout_s="0.2", champion_poll_s="0.05") as service:
        lock.execute("begin exclusive")
        service.wait_until(lambda status: status["registry"]["error"])
        assert service.stop() == 0  # and the lock is there for ever
    lock.close()
    assert open_registry(uri).champion_version_number() == 1
