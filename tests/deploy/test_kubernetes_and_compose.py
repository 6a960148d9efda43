"""Kubernetes and docker-compose.yml run the same processes with the same settings, but for what is here."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from deploy.env import write
from deploy.kubernetes.secret import secret
from frontend.settings import FrontendSettings
from service.settings import ServiceSettings
from tests.compose.plan import ROOT, read, stages
from tests.deploy.kustomize import Manifest, containers, pod_of
from tests.deploy.kustomize import overlay as built

overlay = cache(built)

#: HAProxy's work is that of the Service and of readiness; webhooks would reach one replica of several, and
#: polls tell all of them within 2 s.
NOT_IN_KUBERNETES = {"haproxy", "webhooks"}
#: Compose's first program that opens the database makes its tables.
NOT_IN_COMPOSE = {"migrate", "import"}

#: Settings that differ: (in compose, in Kubernetes), None for none.
DIFFERENT: dict[tuple[str, str], tuple[str | None, str | None]] = {
    ("frontend", "GREYHOUND_FRONTEND_SERVICE"): ("http://haproxy:8000", "http://service:8000"),
    ("service", "GREYHOUND_DRAIN_S"): ("3", "10"),  # HAProxy looks each second, Kubernetes tells every node
    ("service", "GREYHOUND_WEBHOOK_SECRET"): ("PASSWORD", None),
    ("mlflow", "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY"): ("PASSWORD", None),
    ("mlflow", "MLFLOW_WEBHOOK_ALLOWED_SCHEMES"): ("http,https", None),
    ("mlflow", "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS"): ("true", None),
    ("mlflow", "MLFLOW_WEBHOOK_CACHE_TTL"): ("5", None),
    ("retrain", "GREYHOUND_ENGINE"): ("local", None),  # the workers are a profile of compose's
    ("retrain", "GREYHOUND_SCHEDULER"): ("tcp://dask-scheduler:8786", None),
    ("postgres", "PGDATA"): (None, "/var/lib/postgresql/data/pgdata"),
}
_PASSWORD = re.compile(r"[0-9a-f]{48}|[\w-]{43}=")


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the parts of docker-compose.yml, those of the profile of retraining too."""
    env_file = tmp_path_factory.mktemp("env") / ".env"
    assert write(env_file)
    services: dict[str, Any] = read(env_file, COMPOSE_PROFILES="retrain")["services"]
    return services


@pytest.fixture(scope="module")
def parts() -> dict[str, tuple[Manifest, Manifest]]:
    """Return the parts in Kubernetes by their names, each with its last container."""
    found = overlay("one-node")
    return {m["metadata"]["name"]: (m, containers(m)[-1]) for m in found if pod_of(m)}


def settings_of(container: Manifest) -> dict[str, str]:
    """Return the settings of a container, files read and passwords left out."""
    maps = {m["metadata"]["name"]: m["data"] for m in overlay("one-node") if m["kind"] == "ConfigMap"}
    files = secret()["stringData"]
    assert isinstance(files, dict)
    settings = {entry["name"]: entry["value"] for entry in container.get("env", ())}
    for source in container.get("envFrom", ()):
        settings |= maps[source["configMapRef"]["name"]]
    for file in re.findall(r'(\w+)="\$\$\(cat (\S+)\)"', str(container.get("command"))):
        settings[f"{file[0]}_FILE"] = file[1]
    return {
        name.removesuffix("_FILE"): _PASSWORD.sub("PASSWORD", files[Path(value).name])
        if name.endswith("_FILE")
        else value
        for name, value in settings.items()
    }


def test_the_same_parts_run(compose: dict[str, Any], parts: dict[str, Any]) -> None:
    assert set(compose) - NOT_IN_KUBERNETES == set(parts) - NOT_IN_COMPOSE
    assert compose["service"]["deploy"]["replicas"] == parts["service"][0]["spec"]["replicas"]


def test_they_have_the_same_image_command_and_settings(
    compose: dict[str, Any], parts: dict[str, Any]
) -> None:
    for name in set(compose) - NOT_IN_KUBERNETES:
        here, there = compose[name], parts[name][1]
        assert here["image"].partition(":")[0] == there["image"].partition(":")[0], name
        command = [there["command"][-1]] if "command" in there else None
        assert here["entrypoint"] == command, name
        if here["command"]:  # else what the image runs by itself, below
            assert here["command"] == there["args"], name
        in_compose = {
            setting: _PASSWORD.sub("PASSWORD", value)
            for setting, value in here.get("environment", {}).items()
            if value
        }
        in_kubernetes = settings_of(there)
        differing = {
            (name, setting): (in_compose.get(setting), in_kubernetes.get(setting))
            for setting in in_compose | in_kubernetes
            if in_compose.get(setting) != in_kubernetes.get(setting)
        }
        assert differing == {key: values for key, values in DIFFERENT.items() if key[0] == name}


def test_the_service_runs_what_its_image_runs_by_itself(parts: dict[str, Any]) -> None:
    for name, stage in (("service", "service"), ("frontend", "frontend")):
        text = stages()[stage]
        assert json.loads(re.findall(r"^CMD (\[.*\])$", text, flags=re.M)[-1]) == parts[name][1]["args"]
        (port,) = re.findall(r"^EXPOSE (\d+)$", text, flags=re.M)
        assert [entry["containerPort"] for entry in parts[name][1]["ports"]] == [int(port)]


def test_probes_go_where_the_health_checks_of_compose_do_and_where_the_service_answers(
    compose: dict[str, Any], parts: dict[str, Any]
) -> None:
    requested = {
        name: json.dumps(part["healthcheck"]["test"]) if "healthcheck" in part else stages().get(name, "")
        for name, part in compose.items()
    }
    for name in ("mlflow", "frontend", "service"):
        (path,) = re.findall(r"http://127\.0\.0\.1:[^/]+(/[a-z/]+)'", requested[name])
        probes = {kind: parts[name][1][f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness")}
        probes["readiness"] = parts[name][1]["readinessProbe"]["httpGet"]["path"]
        if name == "service":
            assert probes == {
                "startup": "/health/live",
                "liveness": "/health/live",
                "readiness": "/health/ready",
            }
            document = json.loads((ROOT / "openapi/openapi.json").read_text())
            assert {path, *probes.values()} <= set(document["paths"])
        else:
            assert set(probes.values()) == {path}
    command = compose["postgres"]["healthcheck"]["test"][1:]
    for kind in ("startup", "readiness", "liveness"):
        assert parts["postgres"][1][f"{kind}Probe"]["exec"]["command"] == command


@pytest.mark.parametrize("name", ["one-node", "many-nodes"])
def test_every_setting_is_one_that_is_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for known in (ServiceSettings, FrontendSettings):
        for field in known.model_fields:
            monkeypatch.delenv(f"{known.model_config['env_prefix']}{field.upper()}", raising=False)
    # Made from the code, and held against it by tests/docs.
    documented = set(re.findall(r"`(GREYHOUND_\w+)`", (ROOT / "docs/reference/settings.md").read_text()))
    for manifest in overlay(name):
        for container in containers(manifest):
            in_kubernetes = settings_of(container)
            greyhounds = {setting for setting in in_kubernetes if setting.startswith("GREYHOUND_")}
            if container["name"] != "postgres":  # a script of ours reads them there
                assert greyhounds <= documented, container["name"]
            for setting in greyhounds:
                monkeypatch.setenv(setting, in_kubernetes[setting])
            if container["name"] == "service":
                assert ServiceSettings().drain_s == 10
            if container["name"] == "frontend":
                assert FrontendSettings().service == "http://service:8000"
            for setting in greyhounds:
                monkeypatch.delenv(setting)


@pytest.mark.parametrize("name", ["one-node", "many-nodes"])
def test_the_commands_and_their_options_exist(name: str) -> None:
    reference = (ROOT / "docs/reference/commands.md").read_text()
    sections = dict(re.findall(r"^## greyhound (\w+)\n(.*?)(?=^## |\Z)", reference, flags=re.M | re.S))
    for manifest in overlay(name):
        for container in containers(manifest):
            if container["image"].startswith("greyhound-") and "command" not in container:
                command, *arguments = container["args"]
                for option in (argument for argument in arguments if argument.startswith("--")):
                    assert f"`{option}" in sections[command], f"greyhound {command} {option}"
                assert command in sections
