"""An MLflow server that misbehaves: the champion serves on, memory and threads are bounded."""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from greyhound.cli import main
from model_registry.mlflow_store import bounded_http
from tests.model_registry.misbehaving import NEVER_S, WAYS, Peer, misbehaving
from tests.service.builders import RunningService, make_card, make_model, running_service

CALL_S, FILE_S = 0.3, 0.6
MAX_GROWTH_MB = 150.0
COMMANDS = (("list",), ("show", "champion"), ("promote", "2"), ("rollback",), ("history",))
# They are answers of a registry without a model: they lack what was requested, and have what was not.
ABSENT = ("is empty", "is NaN", "has everything in excess")
ABSENT += ("has a version of another type", "has a version that is none")


@dataclass(frozen=True)
class Followed:
    """A service that follows a server."""

    service: RunningService
    peer: Peer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("peer")


@pytest.fixture(scope="module")
def followed(folder: Path) -> Iterator[Followed]:
    digests = [make_model(folder / str(number), exponent=number / 2) for number in (1, 2)]
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch, misbehaving(folder, digests) as peer:
        patch.setattr(bounded_http, "CALL_S", CALL_S)
        patch.setattr(bounded_http, "FILE_S", FILE_S)
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        (folder / "work").mkdir()
        os.chdir(folder / "work")
        try:
            with running_service(peer.url, registry_timeout_s=1.0, load_timeout_s=2.0) as service:
                yield Followed(service, peer)
        finally:
            os.chdir(before)


@pytest.fixture(autouse=True)
def is_well_again(followed: Followed) -> Iterator[None]:
    yield
    followed.peer.on_call = followed.peer.on_file = ""
    followed.peer.version = 1
    followed.service.wait_until(lambda status: status["registry"]["error"] is None)


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def n_threads() -> int:
    return sum(t.name in ("the registry", "loading the version") for t in threading.enumerate())


@pytest.mark.parametrize("way", sorted(WAYS))
def test_whatever_an_answer_is_the_champion_serves_on_and_the_watcher_recovers(
    followed: Followed, way: str
) -> None:
    service, peer = followed.service, followed.peer
    service.wait_until(lambda status: status["version"] == 1 and not status["registry"]["error"])
    before_mb = resident_mb()
    peer.on_call = way
    status = service.wait_until(lambda status: status["registry"]["error"])
    for path in ("/models", "/models/1", "/models/1/evidence", "/models/1/report", "/promotions"):
        begun = time.monotonic()
        answer = service.client.get(path)
        assert answer.status_code in (200, 404, 503), (path, answer.text)
        assert time.monotonic() - begun < NEVER_S / 2
    assert service.predict(make_card()).status_code == 200
    assert status["version"] == 1
    assert n_threads() <= 2 * (1 + 4 + 3)
    assert resident_mb() - before_mb < MAX_GROWTH_MB
    peer.on_call = ""
    service.wait_until(lambda status: status["registry"]["error"] is None)
    assert peer.requests_elsewhere == []


@pytest.mark.parametrize("way", sorted(WAYS))
def test_whatever_a_file_is_the_version_before_serves_on(followed: Followed, way: str) -> None:
    service, peer = followed.service, followed.peer
    service.wait_until(lambda status: status["version"] == 1)
    before_mb, before = resident_mb(), service.client.get("/model_status").json()["refusals"][:1]
    peer.on_file, peer.version = way, 2
    status = service.wait_until(lambda status: status["refusals"][:1] != before)
    assert (status["version"], service.predict(make_card()).status_code) == (1, 200)
    assert service.client.get("/models/2/evidence").status_code in (404, 503)
    assert resident_mb() - before_mb < MAX_GROWTH_MB
    assert n_threads() <= 2 * (1 + 4 + 3)
    peer.version = 1
    service.wait_until(lambda status: status["registry"]["champion_version"] == 1)


def test_a_version_whose_files_are_whole_again_is_served(followed: Followed) -> None:
    service, peer = followed.service, followed.peer
    peer.on_file, peer.version = "fails", 2
    service.wait_until(lambda status: status["registry"]["champion_version"] == 2)
    peer.on_file = ""
    service.wait_until(lambda status: status["version"] == 2)
    peer.version = 1
    service.wait_until(lambda status: status["version"] == 1)


@pytest.mark.parametrize("way", sorted(WAYS))
def test_every_command_ends_with_the_rule_and_without_a_trace(followed: Followed, way: str) -> None:
    followed.peer.on_call = way
    for command in COMMANDS:
        begun = time.monotonic()
        result = CliRunner().invoke(main, ["models", *command, "--registry", followed.peer.url])
        assert time.monotonic() - begun < NEVER_S / 2
        assert result.exit_code in (0, 3, 4), (command, result.output, result.exc_info)
        assert "Traceback" not in result.output
        assert way in ABSENT or result.exit_code != 0, command
    assert followed.peer.requests_elsewhere == []
