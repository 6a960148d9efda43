"""Several processes that share a socket: whichever answers ``/metrics`` tells of all."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from prometheus_client.multiprocess import MultiProcessCollector

from tests.service.builders import make_card, make_registry
from tests.service.watching.processes import samples, serving, until, value

N_CLIENTS = 8
PREDICTED = "greyhound_predictions_total"


def n_predicted_by(folder: Path, pid: int) -> float:
    """How many predictions one worker has told of."""
    told = MultiProcessCollector.merge([str(path) for path in folder.glob(f"counter_{pid}.db")])
    return sum(sample.value for metric in told for sample in metric.samples if sample.name == PREDICTED)


def pids_of(url: str, name: str) -> set[int]:
    return {int(dict(labels)["pid"]) for known, labels in samples(url) if known == name}


def test_metrics_are_those_of_all_workers_and_outlive_one_that_is_killed(tmp_path: Path) -> None:
    shared = tmp_path / "metrics"
    shared.mkdir()
    registry = make_registry(tmp_path)
    settings = {"metrics_directory": str(shared), "log_level": "error"}
    with serving(registry, subprocess.DEVNULL, n_workers=2, **settings) as (url, workers):
        pids = {worker.pid for worker in workers}
        until(lambda: pids_of(url, "greyhound_champion_version") == pids)
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

        until(both_have_answered)
        until(lambda: value(samples(url), PREDICTED) == n_predicted)  # each tells once a second
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
