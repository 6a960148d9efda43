"""The dashboard, the alerts and the page about them speak of metrics that the service has, and of all."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.service.builders import RunningService

ROOT = Path(__file__).parents[3]
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
DASHBOARD = ROOT / "deploy/grafana/greyhound.json"
PAGE = ROOT / "docs/how-to/watch.md"
NAME = re.compile(r"\b(?:greyhound|process)_[a-z0-9_]+")


@pytest.fixture(scope="module")
def promtool() -> str:
    """Return where promtool is, or skip."""
    found = shutil.which("promtool")
    if not found:
        pytest.skip("promtool is not installed (Debian: apt install prometheus)")
    return found


@pytest.fixture(scope="module")
def families(service: RunningService) -> set[str]:
    """The metrics of a service, by the names under which Prometheus keeps their samples."""
    families = text_string_to_metric_families(service.client.get("/metrics").text)
    names = set()
    for family in families:
        if family.type == "counter":
            names.add(f"{family.name}_total")
        elif family.type == "histogram":
            names |= {family.name, *(f"{family.name}_{part}" for part in ("bucket", "sum", "count"))}
        else:
            names.add(family.name)
    return names


def queries(dashboard: dict[str, Any]) -> Iterator[str]:
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]
    for variable in dashboard["templating"]["list"]:
        yield str(variable["query"])
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["expr"]


def as_prometheus_gets_it(query: str) -> str:
    """Return a query with the dashboard's variables filled in."""
    return query.replace("$__rate_interval", "1m").replace("$job", "greyhound").replace("$instance", ".*")


def test_every_metric_of_the_dashboard_exists_and_its_panels_do_not_overlap(families: set[str]) -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    used = {name for query in queries(dashboard) for name in NAME.findall(query)}
    assert len(used) > 15
    assert used - families == set()
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_every_metric_of_the_alerts_exists(families: set[str]) -> None:
    used = set(NAME.findall(ALERTS.read_text()))
    assert len(used) > 8
    assert used - families == set()


def test_the_page_tells_of_every_metric_and_alert_and_of_no_other(families: set[str]) -> None:
    page = PAGE.read_text()
    documented = set(re.findall(r"^\| `(greyhound_[a-z0-9_]+)", page, flags=re.M))
    parts = re.compile(r"_(bucket|sum|count)$")
    ours = {name for name in families if name.startswith("greyhound_") and not parts.search(name)}
    assert documented == ours
    alerts = set(re.findall(r"alert: (\w+)", ALERTS.read_text()))
    assert set(re.findall(r"^\| `(Greyhound\w+)", page, flags=re.M)) == alerts


def test_every_alert_is_tested_both_firing_and_quiet() -> None:
    alerts = set(re.findall(r"alert: (\w+)", ALERTS.read_text()))
    tested = "".join((ALERTS.parent / name).read_text() for name in ("alerts_test.yml", "drift_test.yml"))
    assert set(re.findall(r"alertname: (\w+)\n\s+exp_alerts:", tested)) == alerts
    assert set(re.findall(r"alertname: (\w+)}", tested)) == alerts


def test_prometheus_takes_the_rules_and_they_fire_when_they_should(promtool: str) -> None:
    for check in (
        ["check", "config", "prometheus.yml"],
        ["test", "rules", "alerts_test.yml", "drift_test.yml"],
    ):
        done = subprocess.run(
            [promtool, *check], cwd=ALERTS.parent, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_can_read_the_metrics_and_every_query_of_the_dashboard(
    promtool: str, service: RunningService, tmp_path: Path
) -> None:
    exposed = service.client.get("/metrics").text
    done = subprocess.run(
        [promtool, "check", "metrics"], input=exposed, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    rules = [{"record": f"q{i}", "expr": as_prometheus_gets_it(query)} for i, query in enumerate(queries)]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run(
        [promtool, "check", "rules", tmp_path / "rules.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
