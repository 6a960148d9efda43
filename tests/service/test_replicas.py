"""Three service processes on one registry agree by the next poll, whatever promoters and clocks do."""

import datetime as dt
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from model_registry.errors import PromotionRefused
from tests.clocks.shifting import can_be_shifted, make_clock
from tests.service.builders import RunningService, make_card, make_registry, open_registry
from tests.service.load import send_webhook
from tests.service.process import service_process, service_processes

SECRET = "correct horse battery staple"
POLL_S = 0.5
DAY_S = 86_400


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return make_registry(tmp_path / "registry", exponents=(0.5, 1.0, 2.0))


def versions(services: list[RunningService]) -> set[int]:
    return {service.predict(make_card()).json()["model_version"] for service in services}


def after_the_next_look(services: list[RunningService]) -> set[int]:
    """Return what they answer with once each has looked at the registry, from now on, and acted on it."""
    now = dt.datetime.now(dt.UTC)
    for service in services:  # a look begins when what the one before saw has been acted on
        next_look(service, next_look(service, now))
    return versions(services)


def next_look(service: RunningService, moment: dt.datetime) -> dt.datetime:
    """Wait for a look that began after a moment, and return when it began."""

    def last_look(status: dict[str, Any]) -> dt.datetime:
        return dt.datetime.fromisoformat(status["registry"]["last_look"])

    return last_look(service.wait_until(lambda status: last_look(status) > moment))


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


def test_three_replicas_agree_by_the_next_poll_also_after_promotions_at_once_and_during_a_rollback(
    tmp_path: Path, uri: str
) -> None:
    registry = open_registry(uri)

    def promote(version: int) -> Callable[[], object]:
        return lambda: open_registry(uri).promote(version, reason="a test wants it")

    def roll_back() -> object:
        return open_registry(uri).rollback(reason="it was worse")

    with service_processes(3, uri, tmp_path, champion_poll_s=str(POLL_S)) as replicas:
        for version in (2, 3, 2, 3, 1):
            promote(version)()
            assert after_the_next_look(replicas) == {version}
        for _ in range(3):
            another = 1 + registry.champion_version_number() % 3
            for changes in ((promote(1), promote(2), promote(3)), (roll_back, promote(another))):
                at_once(*changes)
                last_on_record = registry.history()[-1].version
                assert registry.champion_version_number() == last_on_record
                assert after_the_next_look(replicas) == {last_on_record}


@pytest.fixture
def jumping_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file: what it says, in seconds, the wall clock of processes started from now on is off."""
    if not can_be_shifted():
        pytest.skip("a C compiler on Linux makes the clock that jumps")
    offset = tmp_path / "offset"
    set_clock(offset, 0)
    for name, value in (make_clock(tmp_path) | {"CLOCK_OFFSET_FILE": str(offset)}).items():
        monkeypatch.setenv(name, value)
    return offset


def set_clock(offset: Path, seconds: int) -> None:
    """Set the clocks that go by a file, which nobody reads half written."""
    offset.with_suffix(".new").write_text(str(seconds))
    offset.with_suffix(".new").rename(offset)


def test_a_jump_of_the_clock_stops_neither_serving_nor_following(
    tmp_path: Path, uri: str, jumping_clock: Path
) -> None:
    settings = {"champion_poll_s": "0.2", "webhook_secret": SECRET}
    with service_process(uri, tmp_path, **settings) as service:
        for jump_s, wanted in ((DAY_S, 2), (-DAY_S, 3)):
            assert send_webhook(service.client, SECRET).status_code == 202
            set_clock(jumping_clock, jump_s)
            refused = send_webhook(
                service.client, SECRET
            )  # sent a day before or after, as the service sees it
            assert (refused.status_code, refused.json()["type"]) == (
                401,
                "urn:greyhound:problem:webhook-forged",
            )
            open_registry(uri).promote(wanted, reason="a test wants it")
            service.wait_until(lambda status, wanted=wanted: status["version"] == wanted)
            assert service.predict(make_card()).status_code == 200

            def shows_the_jump(status: dict[str, Any], jump_s: int = jump_s) -> bool:
                looked_s = dt.datetime.fromisoformat(status["registry"]["last_look"]).timestamp()
                return abs(looked_s - time.time() - jump_s) < 60

            service.wait_until(shows_the_jump)  # its clock has really jumped, if not by the look before
            set_clock(jumping_clock, 0)
