"""The wall clock jumps an hour, either way: nothing waits for an hour, and nothing ends before its time."""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from model_registry.cache import ArtifactCache
from racing.database.engine import open_database
from service.security.api_keys import revoke_key
from tests.clocks.shifting import can_be_shifted, make_clock
from tests.service.builders import make_card, make_model, make_registry, point_alias_at
from tests.service.keys import make_keys
from tests.service.living import wait_until
from tests.service.prediction_log.builders import wait_for_rows
from tests.service.process import ServiceProcess, service_process

HOUR_S = 3600
DRAIN_S = 5.0  # so long that a machine with other work gets its question in
SOON_S = 60.0


@dataclass(frozen=True)
class Shifted:
    """A service whose clock can be set."""

    service: ServiceProcess
    registry: str
    database: str
    clock: Path
    keys: dict[str, dict[str, str]]

    def jump(self, seconds: int) -> None:
        self.clock.with_suffix(".new").write_text(str(seconds))
        self.clock.with_suffix(".new").rename(self.clock)

    def is_refused(self, who: str) -> bool:
        answer = self.service.client.post("/rollback", headers=self.keys[who], json={})
        return answer.status_code == 401


@pytest.fixture
def shifted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shifted]:
    if not can_be_shifted():
        pytest.skip("a C compiler on Linux makes the clock that is off")
    registry = make_registry(tmp_path / "registry", exponents=(0.5, 1.0))
    database = f"sqlite:///{tmp_path}/races.db"
    engine = open_database(database, create=True)
    keys = make_keys(engine, ada="promote", bob="promote")
    engine.dispose()
    clock = tmp_path / "offset"
    clock.write_text("0")
    with monkeypatch.context() as patch:
        environment = make_clock(tmp_path) | {"CLOCK_OFFSET_FILE": str(clock)}
        environment["CLOCK_OFFSET_S"] = os.environ.get("CLOCK_OFFSET_S", "0")
        for name, value in environment.items():
            patch.setenv(name, value)
        settings = {"database": database, "keys_poll_s": "0.2", "drain_s": str(DRAIN_S)}
        with service_process(registry, tmp_path / "work", **settings) as service:
            yield Shifted(service, registry, database, clock, keys)


def test_it_follows_revokes_logs_and_stops_in_time(shifted: Shifted) -> None:
    service = shifted.service
    for n, (seconds, who) in enumerate(((HOUR_S, "ada"), (-HOUR_S, "bob")), start=1):
        before = service.status()["service"]["uptime_s"]
        shifted.jump(seconds)
        assert before <= service.status()["service"]["uptime_s"] < before + SOON_S
        point_alias_at(shifted.registry, 3 - n)
        service.wait_until(lambda status, n=n: status["version"] == 3 - n, SOON_S)  # type: ignore[misc]
        assert service.predict(make_card()).status_code == 200
        wait_for_rows(shifted.database, n, SOON_S)
        engine = open_database(shifted.database)
        revoke_key(engine, who)
        engine.dispose()
        wait_until(lambda who=who: shifted.is_refused(who), seconds=SOON_S)  # type: ignore[misc]
    begun = time.monotonic()
    service.process.terminate()
    wait_until(lambda: service.client.get("/health/ready").status_code == 503, seconds=SOON_S)
    shifted.jump(HOUR_S)
    assert service.process.wait(SOON_S) == 0
    assert time.monotonic() - begun >= DRAIN_S


def test_a_champion_that_is_being_stored_is_left_alone_by_others_whose_clock_jumped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = make_model(tmp_path / "model")
    cache = ArtifactCache(tmp_path / "cache", registry="sqlite:///x", max_artifacts=2)
    other = ArtifactCache(tmp_path / "cache", registry="sqlite:///y", max_artifacts=2)
    now = time.time()

    def jump_and_write(target: Path) -> None:
        target.mkdir()
        monkeypatch.setattr(time, "time", lambda: now + 2 * HOUR_S)
        other.add_copy(2, digest, tmp_path / "model")
        shutil.copytree(tmp_path / "model", target, dirs_exist_ok=True)

    cache.add(1, digest, jump_and_write)
    assert [entry.version for entry in cache.newest_first()] == [1]
    assert [entry.version for entry in other.newest_first()] == [2]
