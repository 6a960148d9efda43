"""Three service processes on one registry agree within one poll, whoever promotes and whatever clocks do."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from model_registry.errors import PromotionRefused
from model_registry.registry import ModelRegistry
from tests.service.builders import RunningService, make_card, make_registry, open_registry
from tests.service.load import send_webhook
from tests.service.replicas import service_process, service_processes

SECRET = "correct horse battery staple"
POLL_S = 0.5
SOON_S = 0.3
DAY_S = 86_400


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"), exponents=(0.5, 1.0, 2.0))


@pytest.fixture(scope="module")
def replicas(uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RunningService]]:
    folder = tmp_path_factory.mktemp("replicas")
    with service_processes(3, uri, folder, champion_poll_s=str(POLL_S)) as services:
        yield list(services)


def versions(services: list[RunningService]) -> set[int]:
    return {service.predict(make_card()).json()["model_version"] for service in services}


def wait_for_agreement(services: list[RunningService], version: int, seconds: float = 10.0) -> float:
    """Wait until all answer with a version, and return how long that took."""
    start = time.monotonic()
    while versions(services) != {version}:
        assert time.monotonic() - start < seconds, f"{versions(services)} instead of {version}"
        time.sleep(0.02)
    return time.monotonic() - start


def test_after_a_move_all_of_them_answer_with_the_new_version_within_one_poll(
    uri: str, replicas: list[RunningService]
) -> None:
    took = []
    for _ in range(5):
        registry = open_registry(uri)
        wanted = 2 if registry.champion_version_number() != 2 else 3
        registry.promote(wanted, reason="a test wants it")
        took.append(wait_for_agreement(replicas, wanted))
    assert sorted(took)[-2] < POLL_S + SOON_S, f"{took} s; one may fall into a pause of the machine"


def at_once(*changes: Callable[[], object]) -> None:
    """Change the registry from several threads at once; a change may find that another was first."""
    start = threading.Barrier(len(changes))

    def make(change: Callable[[], object]) -> None:
        start.wait()
        with suppress(PromotionRefused):
            change()

    threads = [threading.Thread(target=make, args=(change,)) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def last_on_record(registry: ModelRegistry) -> int:
    return registry.history()[-1].version


def test_two_promotions_at_once_leave_all_with_the_one_that_is_last_on_record(
    uri: str, replicas: list[RunningService]
) -> None:
    registry = open_registry(uri)
    for _ in range(3):
        at_once(*(lambda v=v: open_registry(uri).promote(v, reason="both want it") for v in (1, 2, 3)))  # type: ignore[misc]
        assert registry.champion_version_number() == last_on_record(registry)
        wait_for_agreement(replicas, last_on_record(registry))


def test_a_promotion_during_a_rollback_leaves_all_with_the_one_that_is_last_on_record(
    uri: str, replicas: list[RunningService]
) -> None:
    registry = open_registry(uri)
    for _ in range(3):
        wanted = 1 + registry.champion_version_number() % 3
        at_once(
            lambda: open_registry(uri).rollback(reason="it was worse"),
            lambda wanted=wanted: open_registry(uri).promote(wanted, reason="it is better"),  # type: ignore[misc]
        )
        assert registry.champion_version_number() == last_on_record(registry)
        wait_for_agreement(replicas, last_on_record(registry))


@pytest.fixture
def jumping_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file: what it says, in seconds, the wall clock of processes started from now on is off."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("a C compiler on Linux makes the clock that jumps")
    library, offset = tmp_path / "clock.so", tmp_path / "offset"
    offset.write_text("0")
    source = Path(__file__).with_name("jumping_clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("CLOCK_OFFSET_FILE", str(offset))
    return offset


@pytest.mark.parametrize("jump_s", [DAY_S, -DAY_S])
def test_a_jump_of_the_clock_stops_neither_serving_nor_following(
    tmp_path: Path, uri: str, jumping_clock: Path, jump_s: int
) -> None:
    settings = {"champion_poll_s": "0.2", "webhook_secret": SECRET}
    registry = open_registry(uri)
    with service_process(uri, tmp_path, wait_for="/health/ready", **settings) as service:
        before = service.client.get("/model_status").json()
        assert send_webhook(service.client, SECRET).status_code == 202
        jumping_clock.write_text(str(jump_s))
        refused = send_webhook(service.client, SECRET)  # of a time that is a day off, as the service sees it
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:greyhound:problem:webhook-forged")
        wanted = 1 + registry.champion_version_number() % 3
        registry.promote(wanted, reason="a test wants it")
        status = service.wait_until(lambda status: status["version"] == wanted, seconds=5)
        assert service.predict(make_card(date="2026-03-14")).status_code == 200
        jumped = time.strptime(status["registry"]["last_look"][:10], "%Y-%m-%d")
        assert (jumped > time.strptime(before["registry"]["last_look"][:10], "%Y-%m-%d")) == (jump_s > 0)
        jumping_clock.write_text("0")
        assert send_webhook(service.client, SECRET).status_code == 202
