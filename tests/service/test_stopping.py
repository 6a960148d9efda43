"""The end of a service under load: not ready first, every request answered whole, and it waits for nobody.

How long it takes, 2 s at most on a quiet machine, is measured by ``benchmarks.peers``.
"""

import signal
import socket
import time
from pathlib import Path

import httpx
import pytest

from tests.service.builders import make_card, make_registry
from tests.service.full_tilt import clients_at_full_tilt
from tests.service.living import SOON_S, members_of, wait_until
from tests.service.process import service_process

DRAIN_S = 5.0  # so long that a machine with other work gets its questions in


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_eight_clients_at_full_tilt_lose_no_request_when_it_ends(
    registry: str, tmp_path: Path, sig: signal.Signals
) -> None:
    with service_process(registry, tmp_path, log_level="warning", registry_timeout_s="60") as service:
        with clients_at_full_tilt(service.url, 8, make_card(8)) as tallies:
            wait_until(lambda: min(len(tally.statuses) for tally in tallies) >= 3)
            log_before = service.log.read_text()  # a busy machine may start with warnings
            exit_code = service.stop(sig)  # the clients never stop
        assert [tally.lost for tally in tallies] == [[]] * 8
        assert {status for tally in tallies for status in tally.statuses} == {200}
        assert exit_code == 0
        wait_until(lambda: not members_of(service.pid))
        assert service.log.read_text() == log_before


def test_it_is_not_ready_first_and_serves_on_until_load_balancers_have_noticed(
    registry: str, tmp_path: Path
) -> None:
    with (
        service_process(registry, tmp_path, drain_s=str(DRAIN_S)) as service,
        httpx.Client(base_url=service.url) as another,  # made before, for that takes long on a busy machine
    ):
        start = time.monotonic()
        service.process.terminate()
        wait_until(lambda: service.client.get("/health/ready").status_code == 503)
        answer = service.client.get("/health/ready")
        assert answer.json()["type"] == "urn:greyhound:problem:stopping"
        assert another.post("/predict", json=make_card()).status_code == 200  # a new connection
        assert service.process.wait(timeout=SOON_S) == 0
        assert time.monotonic() - start >= DRAIN_S


def test_an_idle_connection_is_closed_by_an_answer_a_silent_one_soon_and_a_dawdler_last(
    registry: str, tmp_path: Path
) -> None:
    ask = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    with service_process(registry, tmp_path, log_level="warning") as service:
        active, silent, dawdling = (
            socket.create_connection(("127.0.0.1", service.port), timeout=SOON_S) for _ in range(3)
        )
        with active, silent, dawdling:
            dawdling.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n ")
            for sock in (active, silent):
                sock.sendall(ask)
                answer = b""
                while not answer.endswith(b"}"):  # head and body may come apart
                    answer += sock.recv(65536)
                assert b"connection: close" not in answer.lower()
            start = time.monotonic()
            service.process.terminate()
            answer = b""
            while b"connection: close" not in answer.lower():  # it is never idle until then
                active.sendall(ask * 2)  # pipelined: both are answered, the second closes
                answer = b""
                while answer.count(b"}") < 2:
                    answer += (part := active.recv(65536))
                    assert part, answer
            assert answer.count(b"HTTP/1.1 200 ") == 2
            assert answer.lower().count(b"connection: close") == 1
            assert active.recv(65536) == b""
            assert silent.recv(65536) == b""
            assert service.process.wait(timeout=SOON_S) == 0
            assert time.monotonic() - start > 1.4  # after its 1.5 s of grace it is cut off


def test_full_disks_under_its_output_stop_nothing(registry: str, tmp_path: Path) -> None:
    with (
        Path("/dev/full").open("wb") as full,
        service_process(registry, tmp_path, "--workers", "2", output=full) as service,
    ):
        ready: set[int] = set()

        def are_both_ready() -> bool:
            status = service.status()
            ready.update([status["service"]["pid"]] if status["version"] else [])
            return len(ready) == 2

        wait_until(are_both_ready)
        named = make_card(runners=[{"name": "Sir Tick", "box": 1}, {"name": "Nala", "box": 2}])
        for _ in range(3):
            # 503, and a line in the log
            assert httpx.post(f"{service.url}/predict", json=named).status_code == 503
            assert httpx.post(f"{service.url}/predict", json=make_card()).status_code == 200
        service.process.terminate()
        assert service.process.wait(timeout=SOON_S) == 0
