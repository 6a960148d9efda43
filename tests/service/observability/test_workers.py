"""Several processes that share a socket: whichever answers ``/metrics`` tells of all."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
from prometheus_client.multiprocess import MultiProcessCollector

from service.serve import open_socket
from tests.service.builders import make_card, make_registry
from tests.service.living import wait_until
from tests.service.observability.samples import samples, value
from tests.service.process import START_S, end, start

SERVE_ON_A_SOCKET = """
import socket, sys
from service.serve import run
from service.settings import ServiceSettings
run(ServiceSettings(), socket.socket(fileno=int(sys.argv[1])))
"""
N_CLIENTS = 8
PREDICTED = "greyhound_predictions_total"


@contextmanager
def two_on_a_socket(
    registry: str, folder: Path, **settings: str
) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of two processes that nobody replaces, and the processes."""
    with open_socket("127.0.0.1", 0) as listening:
        url, arguments = f"http://127.0.0.1:{listening.getsockname()[1]}", [str(listening.fileno())]
        workers = [
            start(registry, folder / name, arguments, code=SERVE_ON_A_SOCKET, listening=listening, **settings)
            for name in ("one", "other")
        ]
        try:
            ready = f"{url}/health/ready"
            wait_until(lambda: httpx.get(ready, timeout=100).status_code == 200, seconds=START_S)
            yield url, workers
        finally:
            for worker in workers:
                end(worker)


def n_predicted_by(folder: Path, pid: int) -> float:
    """How many predictions one worker has counted."""
    merged = MultiProcessCollector.merge([str(path) for path in folder.glob(f"counter_{pid}.db")])
    return sum(sample.value for metric in merged for sample in metric.samples if sample.name == PREDICTED)


def pids_of(url: str, name: str) -> set[int]:
    return {int(dict(labels)["pid"]) for known, labels in samples(url) if known == name}


def test_metrics_are_those_of_all_workers_and_outlive_one_that_is_killed(tmp_path: Path) -> None:
    shared = tmp_path / "metrics"
    shared.mkdir()
    registry = make_registry(tmp_path)
    settings = {"metrics_directory": str(shared), "log_level": "error"}
    with two_on_a_socket(registry, tmp_path, **settings) as (url, workers):
        pids = {worker.pid for worker in workers}
        wait_until(lambda: pids_of(url, "greyhound_champion_version") == pids, seconds=60)
        n_predicted = 0

        def both_have_answered() -> bool:
            nonlocal n_predicted
            with ThreadPoolExecutor(N_CLIENTS) as clients:  # a connection each
                sent = [
                    clients.submit(httpx.post, f"{url}/predict", json=make_card(), timeout=60)
                    for _ in range(N_CLIENTS)
                ]
            assert {answer.result().status_code for answer in sent} == {200}
            n_predicted += N_CLIENTS
            return all(n_predicted_by(shared, pid) > 0 for pid in pids)

        wait_until(both_have_answered, seconds=60)
        wait_until(
            lambda: value(samples(url), PREDICTED) == n_predicted, seconds=60
        )  # each tells once a second
        found = samples(url)
        assert value(found, "greyhound_win_probability_count") == 6 * n_predicted
        assert value(found, "greyhound_requests_total", route="/predict", status="200") == n_predicted
        assert pids_of(url, "process_resident_memory_bytes") == pids
        assert httpx.get(f"{url}/model_status", timeout=60).json()["service"]["n_workers"] == 2

        workers[0].kill()
        workers[0].wait()
        assert value(samples(url), PREDICTED) == n_predicted
        assert pids_of(url, "greyhound_champion_version") == {workers[1].pid}
        assert pids_of(url, "process_resident_memory_bytes") == {workers[1].pid}
        assert httpx.get(f"{url}/model_status", timeout=60).json()["service"]["n_workers"] == 1
