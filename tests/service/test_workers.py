"""Several workers: one that is killed is replaced, all follow the registry, none outlives its supervisor."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.server.supervisor import LONGEST_PAUSE_S, _pause_after
from tests.service.builders import make_card, make_registry, point_alias_at
from tests.service.full_tilt import clients_at_full_tilt
from tests.service.living import SOON_S, members_of, wait_until
from tests.service.process import ServiceProcess, service_process

POLL_S = 0.2


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"), exponents=(0.5, 2.0))


@pytest.fixture(scope="module")
def service(registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    folder = tmp_path_factory.mktemp("workers")
    with service_process(
        registry, folder, "--workers", "2", log_level="warning", champion_poll_s=str(POLL_S)
    ) as service:
        yield service


def versions_of_both(service: ServiceProcess) -> dict[int, int | None]:
    """The version that each worker serves, by process, once both have answered."""
    versions: dict[int, int | None] = {}
    found: dict[int, int | None] = {}

    def ask() -> bool:
        status = service.status()
        versions[status["service"]["pid"]] = status["version"]
        workers = service.children()  # once: one that has just been started may take another's place
        if len(workers) != 2 or not set(workers) <= set(versions):
            return False
        found.update((pid, versions[pid]) for pid in workers)
        return True

    wait_until(ask)
    return found


def test_two_workers_answer_and_agree(service: ServiceProcess, registry: str) -> None:
    assert len(versions_of_both(service)) == 2
    for wanted in (2, 1):
        point_alias_at(registry, wanted)
        wait_until(lambda wanted=wanted: set(versions_of_both(service).values()) == {wanted})


def test_a_killed_worker_is_replaced_without_a_pause_and_fails_only_what_it_was_answering(
    service: ServiceProcess,
) -> None:
    victim, other = versions_of_both(service)
    with clients_at_full_tilt(service.url, 8, make_card(8)) as tallies:
        wait_until(lambda: min(len(tally.statuses) for tally in tallies) >= 3)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(set(service.children()) - {victim}) == 2)
        assert f"worker {victim} has ended (SIGKILL); the next one starts in 0.0 s" in service.log.read_text()
        so_far = [len(tally.statuses) for tally in tallies]
        wait_until(lambda: all(len(t.statuses) > n for t, n in zip(tallies, so_far, strict=True)))
    assert max(len(tally.lost) for tally in tallies) <= 1  # what it was answering, at most one a client
    assert sum(tally.n_turned_away for tally in tallies) == 0
    assert {status for tally in tallies for status in tally.statuses} == {200}
    now = versions_of_both(service)
    assert other in now
    assert victim not in now


def test_a_worker_that_dies_at_once_again_and_again_is_started_ever_more_rarely(
    service: ServiceProcess,
) -> None:
    pauses = [_pause_after(n) for n in range(40)]
    assert pauses[:2] == [0, 0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_S
    for _ in range(3):
        killed = service.children()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda killed=killed: set(service.children()) - set(killed))
    wait_until(lambda: "the next one starts in 0.2 s" in service.log.read_text())
    assert versions_of_both(service)  # and yet it comes back


def test_workers_end_when_their_supervisor_is_killed(registry: str, tmp_path: Path) -> None:
    with service_process(registry, tmp_path, "--workers", "2", log_level="warning") as service:
        wait_until(lambda: len(service.children()) == 2)
        service.process.kill()
        service.process.wait()
        wait_until(lambda: not members_of(service.pid))


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_two_workers_end_together_and_lose_no_request(
    registry: str, tmp_path: Path, sig: signal.Signals
) -> None:
    with service_process(
        registry, tmp_path, "--workers", "2", log_level="warning", registry_timeout_s="60"
    ) as service:
        with clients_at_full_tilt(service.url, 8, make_card(8)) as tallies:
            wait_until(lambda: min(len(tally.statuses) for tally in tallies) >= 3)
            log_before = service.log.read_text()  # a busy machine may start with warnings
            # as a terminal does it: Ctrl-C goes to every process, SIGTERM to the first
            os.killpg(service.process.pid, sig) if sig == signal.SIGINT else service.process.terminate()
            exit_code = service.process.wait(timeout=SOON_S)
        assert [tally.lost for tally in tallies] == [[]] * 8
        assert exit_code == 0
        wait_until(lambda: not members_of(service.pid))
        assert service.log.read_text() == log_before
