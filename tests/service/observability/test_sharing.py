"""Workers that are forked: each has metrics and log lines of its own, in one folder and on one stream."""

import json
import subprocess
import sys
from pathlib import Path

from service.observability.sharing import shared_metrics
from service.settings import ServiceSettings
from tests.service.process import ROOT


def test_one_worker_keeps_its_metrics_to_itself_and_a_folder_that_is_set_is_used(tmp_path: Path) -> None:
    alone = ServiceSettings()
    with shared_metrics(alone, 1) as settings:
        assert settings is alone
    chosen = ServiceSettings(metrics_directory=str(tmp_path))
    with shared_metrics(chosen, 3) as settings:
        assert settings is chosen
    with shared_metrics(alone, 3) as settings:
        folder = Path(str(settings.metrics_directory))
        assert list(folder.iterdir()) == []
    assert not folder.exists()


def test_forked_workers_count_together_and_log_whole_lines() -> None:
    code = """
import logging, os, sys
from service.observability.metrics import Metrics
from service.settings import ServiceSettings
from service.observability import logs
from service.observability.exposition import Exposition
from service.observability.sharing import shared_metrics
log = logging.getLogger("greyhound.service")
parent = ServiceSettings(log_format="json")
logs.configure(parent)
log.info("the parent")
with shared_metrics(parent, 2) as settings:
    children = []
    for n in (3, 4):
        pid = os.fork()
        if not pid:
            writer = logs.configure(settings)
            metrics = Metrics(settings.metrics_directory)
            for _ in range(n):
                metrics.count_request("/predict", 200, 0.001)
                log.info("a child " + "x" * 1000)
            metrics.flush()
            assert writer.flush()
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0]
    metrics = Metrics(settings.metrics_directory)
    sys.stdout.write(Exposition(metrics.registry, settings.metrics_directory).text().decode())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 'greyhound_requests_total{route="/predict",status="200"} 7.0' in done.stdout
    assert 'greyhound_request_duration_seconds_count{route="/predict"} 7.0' in done.stdout
    messages = [json.loads(line)["message"] for line in done.stderr.splitlines()]
    assert sorted(message[:10] for message in messages) == ["a child xx"] * 7 + ["the parent"]
