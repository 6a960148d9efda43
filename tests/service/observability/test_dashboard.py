"""The dashboard, panel by panel, on a real Prometheus that scrapes a real service; what brings it there."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.compose.plan import ROOT, docker_compose
from tests.ports import free_port
from tests.service.builders import RunningService, make_card
from tests.service.observability.test_deploy import DASHBOARD

LIMIT_S = 60.0
#: Panels that show nothing before something has happened, or in a service without a race database.
EMPTY = {
    "Active alarms",
    "Age of the report",
    "Swaps and refusals",  # the refusals, which have a label
}


@contextmanager
def prometheus(service: RunningService, folder: Path) -> Iterator[httpx.Client]:
    """Run the Prometheus of the profile "monitoring", but for where the service is and how often it looks."""
    program = shutil.which("prometheus")
    if not program:
        pytest.skip("prometheus is not installed (Debian: apt install prometheus)")
    settings = yaml.safe_load((ROOT / "deploy/prometheus/compose.yml").read_text())
    (job,) = settings["scrape_configs"]
    del job["dns_sd_configs"]
    job["static_configs"] = [{"targets": [service.url.removeprefix("http://")]}]
    settings["global"] = {
        "scrape_interval": "300ms",
        "scrape_timeout": "300ms",
        "evaluation_interval": "500ms",
    }
    settings["rule_files"] = [str(ROOT / "deploy/prometheus" / name) for name in settings["rule_files"]]
    (folder / "prometheus.yml").write_text(json.dumps(settings))
    address = f"127.0.0.1:{free_port()}"
    options = [
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={address}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *options], stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://{address}/api/v1", timeout=30) as client:
            yield client
    finally:
        process.terminate()
        process.wait(60)


def result(client: httpx.Client, query: str) -> list[Any]:
    """Return what Prometheus answers; its error is the test's."""
    answer = client.get("/query", params={"query": query}).json()
    assert answer["status"] == "success", f"{query}: {answer.get('error')}"
    found: list[Any] = answer["data"]["result"]
    return found


def wait_for(client: httpx.Client, query: str) -> None:
    """Return as soon as a query has a result."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        try:
            if result(client, query):
                return
        except (httpx.TransportError, json.JSONDecodeError):
            pass  # it starts, and says 503 until it has
        assert time.monotonic() < deadline, query
        time.sleep(0.05)


def as_grafana_sends_it(query: str) -> str:
    return query.replace("$__rate_interval", "1m").replace("$job", "greyhound").replace("$instance", ".*")


def test_every_panel_shows_something_of_a_service_that_answers(
    service: RunningService, tmp_path: Path
) -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    with prometheus(service, tmp_path) as client:
        wait_for(client, 'up{job="greyhound"} == 1')
        for _ in range(3):  # between two scrapes: a rate is of what changes
            assert service.predict(make_card()).is_success
            service.client.get("/health/ready")
        for name in ("requests_total", "win_probability_count"):
            wait_for(client, f"rate(greyhound_{name}[1m]) > 0")
        wait_for(client, "rate(greyhound_predictions_total[1m])")  # which begins with the first prediction
        empty = {}
        for panel in dashboard["panels"]:
            for target in panel.get("targets", ()):
                if not result(client, as_grafana_sends_it(target["expr"])):
                    empty[panel["title"]] = target["expr"]
        assert set(empty) == EMPTY, empty
        for variable in dashboard["templating"]["list"][1:]:
            text = as_grafana_sends_it(variable["definition"])
            metric, _, label = text.removeprefix("label_values(").rstrip(")").rpartition(", ")
            values = client.get(f"/label/{label}/values", params={"match[]": metric}).json()["data"]
            assert values, text
        rules = [
            rule
            for group in client.get("/rules").json()["data"]["groups"]
            for rule in group["rules"]
            if rule["health"] == "err"
        ]
        assert rules == []


def test_grafana_is_given_the_dashboard_and_the_prometheus_that_runs_beside_it(tmp_path: Path) -> None:
    """What a Grafana would read; there is no package of one to run it by."""
    tool = [docker_compose(), "--env-file", "/dev/null", "--file", str(ROOT / "docker-compose.yml")]
    variables = ("POSTGRES_PASSWORD", "GREYHOUND_DATABASE_PASSWORD", "MLFLOW_DATABASE_PASSWORD")
    variables += ("GREYHOUND_WEBHOOK_SECRET", "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY")
    environment = dict.fromkeys(variables, "x") | {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [*tool, "--profile", "monitoring", "config", "--format", "json"]
    described = json.loads(
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    )["services"]
    grafana, server = described["grafana"], described["prometheus"]
    mounted = {
        volume["target"]: Path(volume["source"]) for volume in grafana["volumes"] if volume["type"] == "bind"
    }
    provisioning = mounted["/etc/grafana/provisioning"]
    (source,) = yaml.safe_load((provisioning / "datasources/greyhound.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert {port["target"] for port in server["ports"]} == {9090}
    assert source["isDefault"], "the dashboard's variable takes the default one"
    (provider,) = yaml.safe_load((provisioning / "dashboards/greyhound.yml").read_text())["providers"]
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert home.is_relative_to(provider["options"]["path"])
    assert json.loads(mounted[str(home)].read_text())["uid"] == "greyhound"
    configuration = {volume["target"]: Path(volume["source"]) for volume in server["volumes"]}[
        "/etc/prometheus"
    ]
    assert server["command"][0] == "--config.file=/etc/prometheus/compose.yml"
    (job,) = yaml.safe_load((configuration / "compose.yml").read_text())["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    assert set(found["names"]) <= set(described)
    assert set(server["networks"]) & set(described[found["names"][0]]["networks"])


def test_promtool_takes_every_configuration(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not installed (Debian: apt install prometheus)")
    folder = ROOT / "deploy/prometheus"
    for name in ("prometheus.yml", "compose.yml", "kubernetes.yml"):
        settings = yaml.safe_load((folder / name).read_text())
        settings["rule_files"] = [str(folder / file) for file in settings["rule_files"]]
        for job in settings["scrape_configs"]:  # Debian's Prometheus is built without Kubernetes
            job.pop("kubernetes_sd_configs", None)
        (tmp_path / name).write_text(json.dumps(settings))
        done = subprocess.run(
            [promtool, "check", "config", tmp_path / name], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
